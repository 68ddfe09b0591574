"""One HTML page of a run or several: scores, examples, training curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from weakseg.evaluation.label_quality import LabelQuality
from weakseg.evaluation.scores import ConfusedPair, Scores
from weakseg.report.kit.chips import legend
from weakseg.report.kit.pages import render_page
from weakseg.report.run.curves import RUN_COLOURS, Curve, curve_svg
from weakseg.report.score_table import ScoreRow, protocol_lines

_SHOWN_CONFUSIONS = 10
_MOST_COLUMNS = 5


@dataclass(frozen=True)
class Example:
    """One image with its marks and masks.

    Args:
        name: Name of the image.
        panels: Caption and picture of each panel, RGB, (H, W, 3), 8 bits a channel.
        note: A remark beside the name.
        labels: Values of label maps that its panels show, for the legend.
        columns: Panels side by side on a wide page; by default rows are of about equal length.
    """

    name: str
    panels: Sequence[tuple[str, NDArray[np.uint8]]]
    note: str = ""
    labels: frozenset[int] = frozenset()
    columns: int | None = None


@dataclass(frozen=True)
class Gallery:
    """Examples under one heading.

    Args:
        title: Its heading.
        examples: The images.
        summary: A sentence or two about them.
        meanings: Explanation of each kind of panel, by its caption.
    """

    title: str
    examples: Sequence[Example]
    summary: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Content of a report; an empty part is left out.

    Args:
        title: Title of the page.
        summary: A sentence or two below it.
        facts: Recipe, machine, steps, time, versions and the like, by name.
        table: Scores, one row a run.
        label_quality: Quality of the training labels, by the name of the stage that made them.
        galleries: Examples.
        class_scores: Scores of each class, by run; a single run's in more detail, with its
            confusions.
        curves: Losses, by run and by name of the loss.
        classes: Names of the classes, in the order of their ids, for the legends.
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


def render_report(report: Report) -> str:
    """Render a report as HTML.

    Raises:
        ValueError: A panel is no RGB picture of 8 bits a channel.
    """
    return render_page(
        "run/page.html.j2",
        report.title,
        report.facts,
        summary=report.summary,
        report=report,
        legend_of=partial(legend, names=report.classes),
        columns_of=_columns,
        protocols=protocol_lines(report.table) if report.table else [],
        class_columns=_class_columns(report.class_scores),
        class_names=_unique(n for scores in report.class_scores.values() for n in scores.classes),
        confusions=_confusions(report.class_scores),
        charts=_charts(report.curves),
        nan=float("nan"),
        run_colours=RUN_COLOURS,
    )


class _Column(NamedTuple):
    """A column of the table of classes: its heading, a value by class, and their mean."""

    heading: str
    values: Mapping[str, float]
    mean: float | None


def _class_columns(runs: Mapping[str, Scores]) -> list[_Column]:
    """Return the IoU of every run; of a single run all its scores."""
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
    """Draw one chart a loss, with the curves of every run that has it."""
    charts = []
    for number, loss in enumerate(_unique(loss for losses in runs.values() for loss in losses)):
        curves = [
            (place, run, losses[loss])
            for place, (run, losses) in enumerate(runs.items())
            if losses.get(loss)
        ]
        if curves:
            svg = curve_svg([(place, curve) for place, _, curve in curves], f"chart{number}")
            ends = "; ".join(_describe(run, curve) for _, run, curve in curves)
            charts.append({"loss": loss, "svg": svg, "words": f"{loss} over steps. {ends}."})
    return charts


def _describe(run: str, curve: Curve) -> str:
    (first, start), (last, end) = curve[0], curve[-1]
    return f"{run}: {start:.3g} at step {first}, {end:.3g} at step {last}"


def _columns(panels: int) -> int:
    """Choose the number of panels side by side for rows of about equal length.

    Examples:
        >>> [_columns(panels) for panels in (1, 4, 5, 6, 7, 8, 11)]
        [1, 4, 5, 3, 4, 4, 4]
    """
    rows = -(-panels // _MOST_COLUMNS)
    return -(-panels // max(1, rows))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
