"""Scores as tables for the terminal, in percent, each with its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.variants import Variant
from weakseg.report.kit.formats import percent
from weakseg.support.durations import NOTHING, duration


@dataclass(frozen=True)
class ScoreRow:
    """One run in a comparison.

    Args:
        name: Name of the run.
        marks: Kinds of marks it was trained on, for example ``tags`` or ``points``.
        mean_iou: 0 to 1.
        boundary_f: Mean over the classes, 0 to 1; NaN if not counted.
        pixel_accuracy: 0 to 1.
        protocol: How it was measured.
        seconds: Duration of the training, if known.
    """

    name: str
    marks: str
    mean_iou: float
    boundary_f: float
    pixel_accuracy: float
    protocol: Protocol
    seconds: float | None = None

    @classmethod
    def of(
        cls, name: str, marks: str, scores: Scores, protocol: Protocol, seconds: float | None = None
    ) -> ScoreRow:
        """Build the row of a run from its scores."""
        measured = scores.mean_iou, scores.mean_boundary_f, scores.pixel_accuracy
        return cls(name, marks, *measured, protocol, seconds)


def protocol_lines(rows: Sequence[ScoreRow]) -> list[str]:
    """List each protocol once, with the names of its runs where there are several protocols."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row.protocol.describe(), []).append(row.name)
    if len(names) == 1:
        return list(names)
    return [f"{', '.join(dict.fromkeys(runs))}: {protocol}" for protocol, runs in names.items()]


def score_table(scores: Scores, protocol: Protocol) -> Table:
    """Return a table of the scores of one run, class by class.

    Returns:
        Classes in the order of their ids, absent ones with a dash, the means last.
    """
    caption = f"{protocol.describe()}. Pixel accuracy {percent(scores.pixel_accuracy, unit=True)}."
    if scores.only_class is not None:
        caption += f" The ground truth holds {scores.only_class!r} alone: there is no mean IoU."
    elif scores.absent:
        caption += f" {NOTHING}: not in the ground truth, left out of the mean."
    table = _table("class", caption)
    for heading in ("IoU %", "precision %", "recall %", "boundary F %", "iIoU %"):
        table.add_column(heading, justify="right")
    columns = zip(
        scores.classes,
        scores.iou,
        scores.precision,
        scores.recall,
        scores.boundary_f,
        scores.instance_iou,
        strict=True,
    )
    for name, *values in columns:
        table.add_row(Text(name), *map(percent, values))
    table.add_section()
    means = (percent(scores.mean_boundary_f), percent(scores.mean_instance_iou))
    table.add_row("mean", percent(scores.mean_iou), "", "", *means, style="bold")
    return table


def variants_table(variants: Sequence[Variant]) -> Table:
    """Return a table of several variants of one predictor side by side.

    Returns:
        One column a variant: the IoU of each class, then the means; the protocols below.
    """
    rows = [ScoreRow.of(item.name, "", item.scores, item.protocol) for item in variants]
    table = _table("IoU %", "\n".join(protocol_lines(rows)))
    for variant in variants:
        table.add_column(Text(variant.name), justify="right")
    scores = [variant.scores for variant in variants]
    for place, name in enumerate(scores[0].classes):
        table.add_row(Text(name), *(percent(own.iou[place]) for own in scores))
    table.add_section()
    table.add_row("mean IoU", *(percent(own.mean_iou) for own in scores), style="bold")
    table.add_row("mean boundary F", *(percent(own.mean_boundary_f) for own in scores))
    table.add_row("mean iIoU", *(percent(own.mean_instance_iou) for own in scores))
    table.add_row("pixel accuracy", *(percent(own.pixel_accuracy) for own in scores))
    return table


def confusion_table(scores: Scores, count: int, *, title: str | None = None) -> Table:
    """Return a table of at most `count` confusions of two classes, those of most pixels first."""
    table = _table("true class", "Share of the scored pixels of the true class.")
    table.title = None if title is None else Text(title)
    table.add_column("taken for")
    for heading in ("pixels", "share %"):
        table.add_column(heading, justify="right")
    for pair in scores.confusions(count):
        table.add_row(
            Text(pair.truth), Text(pair.prediction), f"{pair.pixels:,}", percent(pair.share)
        )
    return table


def comparison_table(rows: Sequence[ScoreRow]) -> Table:
    """Return a table of several runs, one row each; the protocols below."""
    table = _table("run", "\n".join(protocol_lines(rows)))
    table.add_column("marks", no_wrap=True)
    table.add_column("labels", no_wrap=True)
    for heading in ("mIoU %", "boundary F %", "pixel accuracy %", "time"):
        longest = max(map(len, heading.split()))
        table.add_column(heading, justify="right", min_width=longest)
    for row in rows:
        table.add_row(
            Text(row.name),
            Text(row.marks),
            row.protocol.labels,
            percent(row.mean_iou),
            percent(row.boundary_f),
            percent(row.pixel_accuracy),
            duration(row.seconds),
        )
    return table


def _table(first_heading: str, caption: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=Text(caption), caption_justify="left")
    table.add_column(first_heading, no_wrap=True)
    return table
