"""Log of a training: log.csv, and events for TensorBoard."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from weakseg.support.files import replacing


class TrainingLog:
    """Write values and seconds of every step to log.csv and for TensorBoard.

    Args:
        path: The log.
        after: Step from which the training goes on: later ones in an older log are dropped, all
            of them where it is -1.
    """

    def __init__(self, path: Path, *, after: int = 0) -> None:
        self.path = path
        self.clock = time.perf_counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.events = SummaryWriter(path.parent, purge_step=after + 1)
        if path.is_file():
            _keep_until(path, after)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row: the values, and the seconds since the last one."""
        now = time.perf_counter()
        values = {**values, "seconds": now - self.clock}
        self.clock = now
        for key, value in values.items():
            self.events.add_scalar(key, value, step)
        row = {key: f"{value:.6g}" for key, value in values.items()}
        _write_rows(self.path, [{"step": str(step), **row}], mode="a")

    def close(self) -> None:
        """Close the event file."""
        self.events.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """Read log.csv; a last line that a kill cut off is left out."""
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _keep_until(path: Path, step: int) -> None:
    kept = [row for row in read_log(path) if int(row["step"]) <= step]
    if not kept:
        path.unlink()
        return
    with replacing(path) as beside:
        _write_rows(beside, kept, mode="w")


def _write_rows(path: Path, rows: list[dict[str, str]], *, mode: str) -> None:
    with path.open(mode, newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        if file.tell() == 0:
            writer.writeheader()
        writer.writerows(rows)
