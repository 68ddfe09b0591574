"""The report of one training, and the pictures in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from weakseg import __version__
from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import read_label_map
from weakseg.annotations.palette import colour_labels, overlay_labels
from weakseg.config import DataConfig, Recipe
from weakseg.datasets.folder import Record, marks_in_use
from weakseg.datasets.record_labels import record_labels
from weakseg.evaluation import Protocol, ScoreRow, Scores
from weakseg.evaluation.report import Example, Report, write_report
from weakseg.inference import Segmenter
from weakseg.machine import machine_name, version_of
from weakseg.pictures import read_image
from weakseg.run import RunFolder
from weakseg.training.callbacks import read_log

_SHOWN = 6


def write_run_report(
    run: RunFolder,
    recipe: Recipe,
    segmenter: Segmenter,
    trained: Sequence[Record],
    scored: Sequence[Record],
    result: tuple[Scores, Protocol] | None,
) -> None:
    """Write report.html of a run.

    Args:
        run: The run folder, with its log.
        recipe: Its recipe.
        segmenter: The trained predictor.
        trained: Images it was trained on; some are shown with their marks.
        scored: Images it was scored on; some are shown.
        result: The scores and how they were measured, where there are any.
    """
    classes = segmenter.classes
    name = f"weakseg ({recipe.method})"
    marks = ", ".join(marks_in_use(recipe.data))
    seconds = sum(float(row["seconds"]) for row in read_log(run.log))
    report = Report(
        title=f"weakseg: {marks} → masks",
        summary=f"{len(classes)} classes learned from {marks} on {len(trained)} images, "
        f"with recipe.yaml of this folder.",
        facts=facts(recipe, seconds),
        table=[ScoreRow.of(name, marks, *result, seconds)] if result else [],
        class_scores={name: result[0]} if result else {},
        curves={name: loss_curves(run)},
        examples=[
            *(example(record, classes, recipe.data, {"prediction": segmenter})
              for record in spread(scored)),
            *(example(record, classes, recipe.data, {"prediction": segmenter}, marks=True)
              for record in spread(trained)),
        ],
        classes=classes.names,
    )  # fmt: skip
    write_report(run.report, report)


def facts(recipe: Recipe, seconds: float) -> dict[str, str]:
    """Say what a reader needs to judge the numbers of a run."""
    steps = recipe.training.steps
    return {
        "method": recipe.method,
        "network": f"{recipe.model.backbone}, output stride {recipe.model.output_stride}, "
        f"{recipe.model.head}, {recipe.model.dimensions} dimensions at stride "
        f"{recipe.model.embedding_stride}",
        "training": f"{steps} steps of {recipe.training.batch} crops of {recipe.transforms.crop} "
        f"pixels, seed {recipe.seed}",
        "time": f"{seconds:.0f} s, {seconds / max(1, steps):.2f} s a step",
        "machine": machine_name(),
        "versions": f"weakseg {__version__}, torch {version_of('torch')}, "
        f"timm {version_of('timm')}",
    }


def loss_curves(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    """Read every loss of a run over its steps."""
    rows = read_log(run.log)
    names = [key for key in rows[0] if key not in {"step", "lr", "seconds"}] if rows else []
    return {key: [(int(row["step"]), float(row[key])) for row in rows] for key in names}


def example(
    record: Record,
    classes: ClassList,
    data: DataConfig,
    segmenters: Mapping[str, Segmenter],
    *,
    marks: bool = False,
) -> Example:
    """Show an image, its marks where asked for, predictions, and the truth where it is known.

    Args:
        record: The image.
        classes: The classes.
        data: How marks are drawn.
        segmenters: Predictors, by the caption of their panel.
        marks: Show the marks too.
    """
    image = read_image(record.image)
    panels: list[tuple[str, NDArray[np.uint8]]] = [("image", image)]
    size = image.shape[:2]
    if marks:
        labels = record_labels(record, size, classes, data)
        panels.append(("marks", overlay_labels(image, labels, opacity=1)))
    panels += [
        (caption, colour_labels(segmenter.predict(image)))
        for caption, segmenter in segmenters.items()
    ]
    if record.truth is not None:
        truth = read_label_map(record.truth, num_classes=len(classes), image_size=size)
        panels.append(("truth", colour_labels(truth)))
    return Example(record.name, panels)


def spread(records: Sequence[Record], count: int = _SHOWN) -> list[Record]:
    """Take some records, evenly over the whole list."""
    if len(records) <= count:
        return list(records)
    return [records[round(i * (len(records) - 1) / (count - 1))] for i in range(count)]
