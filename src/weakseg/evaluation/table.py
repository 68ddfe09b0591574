"""Scores as tables for the terminal, in percent; a score is never shown without its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores

NOTHING = "–"
"""Shown where there is no number."""


@dataclass(frozen=True)
class ScoreRow:
    """One run in a comparison.

    Args:
        name: Name of the run.
        marks: The annotations it was trained from, for example ``tags`` or ``points``.
        mean_iou: 0 to 1.
        pixel_accuracy: 0 to 1.
        protocol: How it was measured.
        seconds: How long training took, if known.
    """

    name: str
    marks: str
    mean_iou: float
    pixel_accuracy: float
    protocol: Protocol
    seconds: float | None = None

    @classmethod
    def of(
        cls,
        name: str,
        marks: str,
        scores: Scores,
        protocol: Protocol,
        seconds: float | None = None,
    ) -> ScoreRow:
        """Make the row of a run from its scores."""
        return cls(name, marks, scores.mean_iou, scores.pixel_accuracy, protocol, seconds)


def percent(fraction: float) -> str:
    """Show a fraction as percent with one decimal, NaN as a dash.

    Examples:
        >>> percent(0.7128), percent(float("nan"))
        ('71.3', '–')
    """
    return NOTHING if np.isnan(fraction) else f"{100 * fraction:.1f}"


def duration(seconds: float | None) -> str:
    """Show a time span in the largest units that it fills.

    Examples:
        >>> duration(7.4), duration(192), duration(7384), duration(None)
        ('7 s', '3 min 12 s', '2 h 03 min', '–')
    """
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def protocol_lines(rows: Sequence[ScoreRow]) -> list[str]:
    """Say each protocol once, with the names of its runs where there are several protocols.

    Args:
        rows: The runs.

    Returns:
        One line a protocol, in the order of the runs.
    """
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row.protocol.describe(), []).append(row.name)
    if len(names) == 1:
        return list(names)
    return [f"{', '.join(dict.fromkeys(runs))}: {protocol}" for protocol, runs in names.items()]


def score_table(scores: Scores, protocol: Protocol) -> Table:
    """Show the scores of one run, class by class.

    Args:
        scores: What was measured.
        protocol: How it was measured; stands below the table.

    Returns:
        A table: classes in the order of their ids, absent ones with a dash, the mean last.
    """
    caption = f"{protocol.describe()}. Pixel accuracy {percent(scores.pixel_accuracy)} %."
    if scores.absent:
        caption += f" {NOTHING}: not in the truth, left out of the mean."
    table = _table("class", caption)
    for heading in ("IoU %", "precision %", "recall %"):
        table.add_column(heading, justify="right")
    columns = zip(scores.classes, scores.iou, scores.precision, scores.recall, strict=True)
    for name, *values in columns:
        table.add_row(Text(name), *map(percent, values))
    table.add_section()
    table.add_row("mean IoU", percent(scores.mean_iou), style="bold")
    return table


def comparison_table(rows: Sequence[ScoreRow]) -> Table:
    """Show several runs beside each other.

    Args:
        rows: The runs, in the order in which they are shown.

    Returns:
        A table with one row a run; the protocols stand below it.
    """
    table = _table("run", "\n".join(protocol_lines(rows)))
    table.add_column("marks")
    table.add_column("labels")
    for heading in ("mIoU %", "pixel accuracy %", "time"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            Text(row.name),
            Text(row.marks),
            row.protocol.labels,
            percent(row.mean_iou),
            percent(row.pixel_accuracy),
            duration(row.seconds),
        )
    return table


def _table(first_heading: str, caption: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=Text(caption), caption_justify="left")
    table.add_column(first_heading)
    return table
