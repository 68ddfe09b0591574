"""One HTML file that shows what a run, or several, came to; it needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.annotations.palette import class_palette
from weakseg.evaluation.curves import RUN_COLOURS, Curve, curve_svg
from weakseg.evaluation.pictures import picture_url
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.table import NOTHING, ScoreRow, duration, percent, protocol_lines
from weakseg.files import replacing
from weakseg.method.constants import UNLABELLED, VOID
from weakseg.pages import page_template


@dataclass(frozen=True)
class Example:
    """One image with its marks and masks.

    Args:
        name: Name of the image.
        panels: Caption and picture of each panel, RGB, (H, W, 3), 8 bits a channel.
    """

    name: str
    panels: Sequence[tuple[str, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Report:
    """What a report shows; an empty part is left out.

    Args:
        title: Heading of the page.
        summary: What this is, in a sentence or two.
        facts: Recipe, machine, steps, time, versions and the like, by their names.
        table: Scores, one row a run.
        class_scores: Scores of each class, by run.
        curves: Losses, by run and by name of the loss.
        examples: Images to look at.
        classes: Names of the classes, in the order of their ids, for the legend of colours.
    """

    title: str
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    table: Sequence[ScoreRow] = ()
    class_scores: Mapping[str, Scores] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    examples: Sequence[Example] = ()
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
        beside.write_text(html, encoding="utf-8")


def render_report(report: Report) -> str:
    """Give the HTML of a report."""
    template = page_template(
        "weakseg.evaluation", "report.html.j2",
        percent=percent, duration=duration, picture_url=picture_url,
    )  # fmt: skip
    return template.render(
        report=report,
        protocols=protocol_lines(report.table) if report.table else [],
        class_rows=_class_rows(report.class_scores),
        charts=_charts(report.curves),
        legend=_legend(report.classes),
        nothing=NOTHING,
        run_colours=RUN_COLOURS,
    )


def _class_rows(runs: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """Give one row a class, in the order of ids, with the IoU in every run (NaN where none)."""
    names = _unique(name for scores in runs.values() for name in scores.classes)
    found = [dict(zip(scores.classes, scores.iou, strict=True)) for scores in runs.values()]
    return [
        {"name": name, "values": [float(run.get(name, np.nan)) for run in found]} for name in names
    ]


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


def _legend(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Give name and CSS colour of each class, then of unlabelled and void."""
    palette = class_palette()
    ids = [*enumerate(classes), (UNLABELLED, "unlabelled"), (VOID, "void")] if classes else []
    return [(name, "#" + bytes(palette[label]).hex()) for label, name in ids]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
