"""The demo's story: scribbles on one photograph, then on a made set with ground truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.api.train import Trained, train
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.photograph import PHOTOGRAPH, STROKES, make_photograph
from weakseg.datasets.records import Record
from weakseg.datasets.shapes import make_shapes
from weakseg.inference import Segmenter
from weakseg.marks.label_maps import write_label_map
from weakseg.recipes.reading import load_recipe
from weakseg.recipes.recipe import MarkKind, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.demo.examples import (
    new_examples,
    photograph_example,
    refined_examples,
    write_strip,
)
from weakseg.report.demo.page import story_report
from weakseg.report.kit.pages import write_page
from weakseg.report.run.page import Example, render_report
from weakseg.report.score_table import ScoreRow
from weakseg.support.durations import duration

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class _Row:
    """A training on the made set: its name, its marks, and whether it makes pseudo-labels."""

    name: str
    marks: MarkKind
    refine: bool

    @property
    def title(self) -> str:
        return f"{self.name}, {self.marks}"


_WEAKSEG = _Row("weakseg", "scribbles", refine=True)
_ROWS = (
    _WEAKSEG,
    _Row("cross-entropy", "scribbles", refine=False),
    _Row("cross-entropy", "masks", refine=False),
)


def tell_story(
    root: Path, *, steps: int | None, seed: int
) -> tuple[tuple[ScoreRow, ...], tuple[Path, ...]]:
    """Train on one scribbled photograph, then on the made set from scribbles and full masks.

    Args:
        root: Folder for the data, the runs, the pictures and report.html.
        steps: Steps of each training on the made set, in place of the recipe's.
        seed: Seed of the made set and the trainings.

    Returns:
        Scores on the made set, a row each training; and the pictures.
    """
    photograph = _photograph(root / "photograph", seed)
    first = root / "pictures" / "photograph.png"
    write_strip(first, [photograph], ["photograph", "scribbles", "mask"], height=320)
    _log.info("  picture: %s", first)
    _log.info("2 of 2: made images with scribbles, scored on others by their full masks")
    data = make_shapes(root / "data", seed=seed)
    runs = {row: _train(row, data, root / "runs", steps, seed) for row in _ROWS}
    refined, new = _examples(runs)
    second = root / "pictures" / "scribbles_to_masks.png"
    _write_shapes(second, refined, new)
    _log.info("  picture: %s", second)
    rows = tuple(
        ScoreRow.of(row.name, row.marks, done.scores, done.protocol, done.seconds)
        for row, (_, done) in runs.items()
        if done.scores is not None and done.protocol is not None
    )
    report = story_report(rows, runs[_WEAKSEG][0], photograph, refined, new, data)
    write_page(root / "report.html", render_report(report))
    return rows, (first, second)


def _photograph(root: Path, seed: int) -> Example:
    """Train on the scribbles of the photograph, and label all of it."""
    _log.info("1 of 2: one photograph with %d scribbles, recipe instant, no training", len(STROKES))
    recipe = load_recipe("instant", {"seed": seed, "inference.labels": "classifier"})
    data = make_photograph(root / "data")
    with _quietly():
        done = train(data, recipe=recipe, out=root / "run")
    segmenter = Segmenter.load(done.run)
    (record,) = DataFolder.open(data).split("train")
    mask = root / "masks" / f"{PHOTOGRAPH}.png"
    write_label_map(mask, segmenter.predict(record.image))
    return photograph_example(record, mask, segmenter.classes)


def _train(
    row: _Row, data: Path, runs: Path, steps: int | None, seed: int
) -> tuple[Recipe, Trained]:
    """Train one row's network; without pseudo-labels, on the marks themselves."""
    changes = {"seed": seed, "data.marks": [row.marks], "relabel.enabled": row.refine}
    recipe = load_recipe("demo-scribbles", changes | ({"classify.steps": steps} if steps else {}))
    labels = "pseudo-labels" if row.refine else "these alone"
    _log.info("  training: %s, on %s, %d steps", row.title, labels, recipe.classify.steps)
    with _quietly():
        done = train(data, recipe=recipe, out=runs / f"{row.name}-{row.marks}")
    assert done.scores is not None
    _log.info("    mIoU %.1f in %s", 100 * done.scores.mean_iou, duration(done.seconds))
    return recipe, done


def _examples(runs: dict[_Row, tuple[Recipe, Trained]]) -> tuple[list[Example], list[Example]]:
    """Return training images with their pseudo-labels, and new images with all masks."""
    recipe, done = runs[_WEAKSEG]
    folder = DataFolder(replace(recipe.data, root=str(done.run.parents[1] / "data")))
    labels = RunFolder(done.run).stages / "relabel" / "labels"

    def refined(record: Record) -> Record:
        return replace(record, pseudo_labels=labels / f"{record.name}.png")

    records = [refined(record) for record in folder.split(recipe.data.train_split)]
    segmenters = {row.title: Segmenter.load(own.run) for row, (_, own) in runs.items()}
    scores = done.scores.single_image_iou if done.scores is not None else {}
    new = folder.split(recipe.data.val_split)
    return (
        refined_examples(records, folder.classes, folder.config),
        new_examples(new, scores, segmenters, folder.config),
    )


def _write_shapes(path: Path, refined: list[Example], new: list[Example]) -> None:
    """Draw training images, to pseudo-labels, beside new ones, to masks."""
    names = {"image": "new image", _WEAKSEG.title: "mask", "truth": "ground truth"}
    captions = ["scribbles", "pseudo-labels", *names.values()]
    rows = [
        replace(
            trained,
            panels=[
                *((name, each) for name, each in trained.panels if name in captions),
                *((names[name], each) for name, each in other.panels if name in names),
            ],
        )
        for trained, other in zip(refined, new, strict=True)
    ]
    write_strip(path, rows, captions, height=160)


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out the messages of a training, but for warnings."""
    level = _log.level
    _log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        _log.setLevel(level)
