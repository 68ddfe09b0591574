"""Show versions, devices, and the weights that are found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import out

if TYPE_CHECKING:
    from weakseg.api.doctor import Diagnosis

USAGE = ""


def add_options(parser: ArgumentParser) -> None:
    """Add nothing: the command has no options."""


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from weakseg.api.doctor import doctor

    table = Table(box=box.SIMPLE, show_header=False, title="weakseg doctor", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _rows(doctor()):
        table.add_row(name, Text(text))
    out.print(table)
    return 0


def _rows(found: Diagnosis) -> Iterator[tuple[str, str]]:
    for package, version in found.versions.items():
        yield package, version or "is not installed"
    yield "machine", found.machine
    yield "threads", f"{found.threads} (OMP_NUM_THREADS={found.omp_num_threads or 'not set'})"
    gpus = ", ".join(f"{gpu.name} ({gpu.memory / 2**30:.0f} GiB)" for gpu in found.gpus)
    yield "GPU", gpus or "none: training and prediction run on the CPU"
    for weights in found.weights:
        yield "weights", f"{weights.backbone}: {weights.source}"
    yield "HED", found.hed
    for extra, missing in found.extras.items():
        state = f"would add {', '.join(missing)}" if missing else "installed"
        yield "extra", f"weakseg[{extra}]: {state}"
