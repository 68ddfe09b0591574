"""The demo's table of kinds: each kind of mark, with the method and with cross-entropy alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import cast

from weakseg.api.simulate import SimulationSettings, simulate
from weakseg.api.train import Trained, train
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.shapes import make_shapes
from weakseg.inference import Segmenter
from weakseg.recipes.reading import load_recipe
from weakseg.recipes.recipe import MarkKind, Method, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.demo.page import LESSON
from weakseg.report.kit.pages import write_page
from weakseg.report.run.logs import loss_curves
from weakseg.report.run.page import Example, Gallery, Report, render_report
from weakseg.report.run.panels import example
from weakseg.report.run.pick import spread
from weakseg.report.run.write import facts
from weakseg.report.score_table import ScoreRow

_log = logging.getLogger("weakseg")
MIXED = "mixed"
_MARKS: tuple[str, ...] = ("tags", "boxes", "points", "scribbles", MIXED)
_SEEDED = {"tags", "boxes", MIXED}
_METHODS: tuple[Method, ...] = ("spml", "cross-entropy")
_NAMES = {"spml": "weakseg", "cross-entropy": "cross-entropy"}


def train_kinds(root: Path, *, steps: int | None, seed: int) -> tuple[ScoreRow, ...]:
    """Train from each kind of mark and a mix, with and without the method, and report.

    Args:
        root: Folder for the data, the runs and report.html.
        steps: Steps of each training, in place of the recipe's.
        seed: Seed of the data and the trainings.

    Returns:
        Scores, a row each training.
    """
    data = make_shapes(root / "data", seed=seed)
    mixed = root / "data-mixed"
    quarters = dict.fromkeys(_MARKS[:-1], 0.25)
    simulate(data, mixed, SimulationSettings(shares=quarters, link=True, seed=seed))
    recipe = load_recipe("demo", {"seed": seed} | ({"training.steps": steps} if steps else {}))
    runs = _train_each(recipe, data, mixed, root / "runs")
    rows = tuple(
        ScoreRow.of(_NAMES[method], marks, done.scores, done.protocol, done.seconds)
        for (marks, method), (_, done) in zip(product(_MARKS, _METHODS), runs.values(), strict=True)
        if done.scores is not None and done.protocol is not None
    )
    _report(root / "report.html", rows, runs)
    return rows


def _train_each(
    recipe: Recipe, data: Path, mixed: Path, folder: Path
) -> dict[str, tuple[Recipe, Trained]]:
    """Train from each kind of mark with each method; recipes and results by the name of the row."""
    runs: dict[str, tuple[Recipe, Trained]] = {}
    for marks, method in product(_MARKS, _METHODS):
        name = _row_name(method, marks)
        _log.info("%d of %d: %s", len(runs) + 1, len(_MARKS) * len(_METHODS), name)
        own = _recipe_for(recipe, marks, method, folder)
        source = mixed if marks == MIXED else data
        runs[name] = own, train(source, recipe=own, out=folder / f"{marks}-{method}")
    return runs


def _row_name(method: Method, marks: str) -> str:
    return f"{_NAMES[method]}, {marks}"


def _recipe_for(recipe: Recipe, marks: str, method: Method, runs: Path) -> Recipe:
    """Return the demo's recipe for one row; the baseline trains on the labels alone."""
    kinds = [] if marks == MIXED else [cast(MarkKind, marks)]
    data = replace(recipe.data, marks=kinds, boxes_complete=True)
    recipe = replace(recipe, method=method, data=data)
    # One tag classifier, that of the first row, for all rows: the same seeds, in less time.
    maps = runs / f"{_MARKS[0]}-{_METHODS[0]}" / "stages" / "seeds" / "maps"
    if maps.is_dir() and marks in _SEEDED:
        recipe = replace(recipe, seeds=replace(recipe.seeds, folder=str(maps)))
    if method == "spml":
        return recipe
    return replace(
        recipe,
        relabel=replace(recipe.relabel, enabled=False),
        classify=replace(recipe.classify, steps=0),
        inference=replace(recipe.inference, labels="classifier"),
    )


def _report(path: Path, rows: Sequence[ScoreRow], runs: dict[str, tuple[Recipe, Trained]]) -> None:
    recipe, first = next(iter(runs.values()))
    seconds = sum(done.seconds for _, done in runs.values()) / len(runs)
    report = Report(
        title="weakseg demo: what a few marks can teach",
        summary="The same network, trained for the same number of steps from tags, boxes, points, "
        "scribbles, and a mix in which every image has one kind: with weakseg, and with plain "
        "cross-entropy on the same labels (marked pixels, and the seeds of tags and boxes). "
        f"{LESSON}",
        facts=facts(recipe, seconds) | {"method": "as in the table"},
        table=rows,
        class_scores={name: done.scores for name, (_, done) in runs.items() if done.scores},
        curves={name: loss_curves(RunFolder(done.run), own) for name, (own, done) in runs.items()},
        galleries=[Gallery("Examples", _examples(runs))],
        classes=DataFolder.open(first.run.parents[1] / "data").classes.names,
    )
    write_page(path, render_report(report))


def _examples(runs: dict[str, tuple[Recipe, Trained]]) -> list[Example]:
    segmenters = {name: Segmenter.load(done.run) for name, (_, done) in runs.items()}
    classes = next(iter(segmenters.values())).classes
    recipe, done = runs[_row_name("spml", "points")]
    folder = DataFolder.open(done.run.parents[1] / "data", recipe.data)
    data = folder.config
    scored = spread(folder.split(data.val_split))
    examples = [_in_two_rows(example(record, classes, data, segmenters)) for record in scored]
    for marks in _MARKS[:-1]:
        shown = replace(data, marks=[cast(MarkKind, marks)])
        for record in spread(DataFolder(shown).split(data.train_split), 2):
            own = {"prediction": segmenters[_row_name("spml", marks)]}
            examples.append(example(record, classes, shown, own, marks=True))
    return examples


def _in_two_rows(shown: Example) -> Example:
    """Order the panels: the image and weakseg's masks above, ground truth and baseline below."""
    panels = dict(shown.panels)
    rows = zip(("image", "truth"), _METHODS, strict=True)
    order = [
        name
        for first, method in rows
        for name in (first, *(_row_name(method, marks) for marks in _MARKS))
    ]
    ordered = [(name, panels[name]) for name in order]
    return replace(shown, panels=ordered, columns=len(ordered) // 2)
