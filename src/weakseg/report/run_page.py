"""One HTML file that shows what a run, or several, came to; it needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from weakseg.evaluation.label_quality import LabelQuality
from weakseg.evaluation.scores import ConfusedPair, Scores
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.report.curves import RUN_COLOURS, Curve, curve_svg
from weakseg.report.pages import page_template
from weakseg.report.pictures import picture_url
from weakseg.report.score_table import NOTHING, ScoreRow, duration, percent, protocol_lines
from weakseg.support.files import replacing

_SHOWN_CONFUSIONS = 10
_MOST_COLUMNS = 5


@dataclass(frozen=True)
class Example:
    """One image with its marks and masks.

    Args:
        name: Name of the image.
        panels: Caption and picture of each panel, RGB, (H, W, 3), 8 bits a channel.
        note: What else is to be said of the image.
        labels: Values of label maps that its panels show, whose colours are explained.
        columns: Panels side by side on a wide page; none: so many that rows are equally long.
    """

    name: str
    panels: Sequence[tuple[str, NDArray[np.uint8]]]
    note: str = ""
    labels: frozenset[int] = frozenset()
    columns: int | None = None


@dataclass(frozen=True)
class Gallery:
    """Images that are shown for one reason.

    Args:
        title: Its heading.
        examples: The images.
        summary: What they are, in a sentence or two.
        meanings: What a panel shows, in a line, by its caption.
    """

    title: str
    examples: Sequence[Example]
    summary: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a report shows; an empty part is left out.

    Args:
        title: Heading of the page.
        summary: What this is, in a sentence or two.
        facts: Recipe, machine, steps, time, versions and the like, by their names.
        table: Scores, one row a run.
        label_quality: Quality of the training labels, by the name of the stage that gave them.
        galleries: Images to look at.
        class_scores: Scores of each class, by run. Those of a single run are shown in more detail,
            with its confusions.
        curves: Losses, by run and by name of the loss.
        classes: Names of the classes, in the order of their ids, for the colours in examples.
    """

    title: str
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    table: Sequence[ScoreRow] = ()
    label_quality: Mapping[str, LabelQuality] = field(default_factory=dict)
    galleries: Sequence[Gallery] = ()
    class_scores: Mapping[str, Scores] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    classes: Sequence[str] = ()


def write_report(path: Path, report: Report) -> None:
    """Write a report as one HTML file.

    Args:
        path: The file; replaced in one step if it is there.
        report: What it shows.

    Raises:
        ValueError: A panel is no RGB picture of 8 bits a channel.
        RunError: The file cannot be written.
    """
    html = render_report(report)
    with replacing(path) as beside:
        beside.write_text(html, encoding="utf-8", errors="replace")


def render_report(report: Report) -> str:
    """Give the HTML of a report."""
    template = page_template(
        "run.html.j2",
        percent=percent,
        duration=duration,
        picture_url=picture_url,
        legend=partial(_legend, report.classes),
        columns=_columns,
    )
    return template.render(
        report=report,
        protocols=protocol_lines(report.table) if report.table else [],
        class_columns=_class_columns(report.class_scores),
        class_names=_unique(n for scores in report.class_scores.values() for n in scores.classes),
        confusions=_confusions(report.class_scores),
        charts=_charts(report.curves),
        nothing=NOTHING,
        nan=float("nan"),
        run_colours=RUN_COLOURS,
    )


class _Column(NamedTuple):
    """A column of the table of classes: its heading, a value by class, and their mean."""

    heading: str
    values: Mapping[str, float]
    mean: float | None


def _class_columns(runs: Mapping[str, Scores]) -> list[_Column]:
    """Give the IoU of every run; of a single run all scores that there are."""
    if len(runs) != 1:
        return [_column(name, s, s.iou, s.mean_iou) for name, s in runs.items()]
    (scores,) = runs.values()
    columns = [
        _column("IoU", scores, scores.iou, scores.mean_iou),
        _column("Precision", scores, scores.precision),
        _column("Recall", scores, scores.recall),
        _column("Boundary F", scores, scores.boundary_f, scores.mean_boundary_f),
        _column("Instance IoU", scores, scores.instance_iou, scores.mean_instance_iou),
    ]
    counted = [column for column in columns[1:] if not np.isnan([*column.values.values()]).all()]
    return [columns[0], *counted]


def _column(
    heading: str, scores: Scores, values: NDArray[np.float64], mean: float | None = None
) -> _Column:
    return _Column(heading, dict(zip(scores.classes, values.tolist(), strict=True)), mean)


def _confusions(runs: Mapping[str, Scores]) -> list[ConfusedPair]:
    if len(runs) != 1:
        return []
    (scores,) = runs.values()
    return scores.confusions(_SHOWN_CONFUSIONS)


def _charts(runs: Mapping[str, Mapping[str, Curve]]) -> list[dict[str, Any]]:
    """Give one chart a loss, with the curves of every run that has it."""
    charts = []
    for number, loss in enumerate(_unique(loss for losses in runs.values() for loss in losses)):
        curves = [
            (place, run, losses[loss])
            for place, (run, losses) in enumerate(runs.items())
            if losses.get(loss)
        ]
        if curves:
            svg = curve_svg([(place, curve) for place, _, curve in curves], f"chart{number}")
            said = "; ".join(_in_words(run, curve) for _, run, curve in curves)
            charts.append({"loss": loss, "svg": svg, "words": f"{loss} over steps. {said}."})
    return charts


def _in_words(run: str, curve: Curve) -> str:
    (first, start), (last, end) = curve[0], curve[-1]
    return f"{run}: {start:.3g} at step {first}, {end:.3g} at step {last}"


def _columns(panels: int) -> int:
    """Say how many panels stand side by side, so that rows are about equally long.

    Examples:
        >>> [_columns(panels) for panels in (1, 4, 5, 6, 7, 8, 11)]
        [1, 4, 5, 3, 4, 4, 4]
    """
    rows = -(-panels // _MOST_COLUMNS)
    return -(-panels // max(1, rows))


def _legend(classes: Sequence[str], labels: Iterable[int]) -> list[tuple[str, str]]:
    """Give name and CSS colour of values of label maps; unlabelled pixels show the image."""
    palette, special = class_palette(), {VOID: "void (not scored)"}
    return [
        (special.get(label) or classes[label], "#" + bytes(palette[label]).hex())
        for label in sorted(labels)
        if label != UNLABELLED
    ]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
