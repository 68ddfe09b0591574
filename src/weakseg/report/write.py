"""report.html of a run: marks → seeds → oversegments → embedding → refined labels → masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from weakseg.datasets.folder import Record, count_kinds
from weakseg.evaluation import Protocol, Scores
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.embedding_colours import embedding_colours
from weakseg.report.logs import label_stages, loss_curves, stage_seconds
from weakseg.report.panels import Panels
from weakseg.report.pick import Picked, agreement_of, agreement_on_disk, pick
from weakseg.report.run_page import Example, Gallery, Report, write_report
from weakseg.report.score_table import ScoreRow, duration
from weakseg.support.machine import machine_name, version_of
from weakseg.support.version import __version__
from weakseg.training.pipeline import Outcome

_CELLS = 160  # of a painted embedding's longer side; a panel has not many more pixels

_MEANINGS = {
    "image": "The photograph as it is.",
    "marks": "All that a person said about the image: plates are tags, frames boxes, discs points, "
    "lines scribbles, tinted areas masks.",
    "seeds": "First labels from tags and boxes, where a classifier of tags sees each class. Where "
    "it is unsure, the image shows through.",
    "oversegments": "Regions of like colour and texture. Pixels of one region belong together, "
    "labelled or not.",
    "embedding": "What the network learned: pixels of like colour are alike to it, in all of the "
    "pictures here. The embedding's three main directions (PCA) are red, green and blue.",
    "refined labels": "The same image after the embedding has spread marks and seeds over it.",
    "prediction": "What the final model says of the image alone, without its marks.",
    "truth": "A person's full mask, to compare with.",
}
_BY_SCORE = (
    " Shown are those labelled best, middling and worst, by the mean IoU over the classes that are "
    "in the image's truth or prediction."
)


def write_run_report(
    run: RunFolder,
    recipe: Recipe,
    segmenter: Segmenter,
    outcome: Outcome,
    scored: Sequence[Record],
    result: tuple[Scores, Protocol] | None,
    *,
    oversegments: Path | None = None,
) -> None:
    """Write report.html of a run.

    Args:
        run: The run folder, with its logs.
        recipe: Its recipe.
        segmenter: The trained predictor.
        outcome: Training images as the stages saw them.
        scored: Images it was scored on.
        result: The scores and how they were measured, where there are any.
        oversegments: Folder of the training images' region maps, where the run has them.
    """
    classes = segmenter.classes
    name = f"weakseg ({recipe.method})"
    marks = ", ".join(count_kinds(outcome.seeded))
    spent = stage_seconds(run, recipe)
    seconds = sum(spent.values())
    report = Report(
        title=f"weakseg: {marks} → masks",
        summary=f"{len(classes)} classes learned from {marks} on {len(outcome.seeded)} images, "
        f"with recipe.yaml of this folder.",
        facts=facts(recipe, spent.get("embed", 0)) | _times(spent),
        table=[ScoreRow.of(name, marks, *result, seconds)] if result else [],
        label_quality=label_stages(run, recipe),
        galleries=_galleries(recipe, segmenter, outcome, scored, result, oversegments),
        class_scores={name: result[0]} if result else {},
        curves={name: loss_curves(run, recipe)},
        classes=classes.names,
    )
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


def _times(spent: dict[str, float]) -> dict[str, str]:
    """Say the time of each stage, where there is more than one."""
    said = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in spent.items())
    return {"time": f"{said}, of training steps alone"} if len(spent) > 1 else {}


def _galleries(
    recipe: Recipe,
    segmenter: Segmenter,
    outcome: Outcome,
    scored: Sequence[Record],
    result: tuple[Scores, Protocol] | None,
    oversegments: Path | None,
) -> list[Gallery]:
    """Show some training images with their story, and some images of the scored split."""
    trained, how = _trained(segmenter, outcome)
    others = pick(scored, result[0].single_image_iou if result else {})
    shown = [picked.record for picked in (*trained, *others)]
    # one analysis over all, so that a colour means the same everywhere
    colours = embedding_colours([_embedding(record, segmenter) for record in shown])
    stories = [
        _story(picked, own, recipe, segmenter, outcome, oversegments)
        for picked, own in zip(trained, colours, strict=False)
    ]
    predicted = [
        _predicted(picked, own, recipe, segmenter)
        for picked, own in zip(others, colours[len(trained) :], strict=True)
    ]
    meanings = _meanings(stories)
    split = recipe.data.val_split
    new = {what: said for what, said in _meanings(predicted).items() if what not in meanings}
    return [
        Gallery(
            "From marks to masks", stories, f"Images that were trained on. {how}".strip(), meanings
        ),
        Gallery(
            f"New images: split {split}",
            predicted,
            "None of these was trained on." + (_BY_SCORE if predicted and others[0].note else ""),
            new,
        ),
    ]


def _trained(segmenter: Segmenter, outcome: Outcome) -> tuple[list[Picked], str]:
    """Pick training images by their refined labels, or else by the prediction; say how."""
    classes, what = segmenter.classes, "refined labels"
    refined = [
        after
        for before, after in zip(outcome.seeded, outcome.refined, strict=True)
        if after.beneath != before.beneath
    ]
    iou = agreement_on_disk(refined, classes)
    if not iou:
        what = "predictions"
        iou = agreement_of(lambda record: segmenter.predict(record.image), outcome.refined, classes)
    if not iou:
        return pick(outcome.refined, {}), ""
    return pick(outcome.refined, iou), (
        f"Shown are those whose {what} agree best, middling and worst with the truth. The "
        "number beside labels says how well they agree: mean IoU over the classes of the image, "
        "where a pixel without a label counts as wrong."
    )


def _story(
    picked: Picked,
    colours: NDArray[np.uint8],
    recipe: Recipe,
    segmenter: Segmenter,
    outcome: Outcome,
    oversegments: Path | None,
) -> Example:
    record = picked.record
    before = next(each for each in outcome.seeded if each.name == record.name)
    panels = Panels(record, segmenter.classes, recipe.data, compare=True)
    panels.add_marks()
    if before.beneath is not None:
        panels.add_stage("seeds", before)
    if oversegments is not None:
        panels.add_regions(oversegments / f"{record.name}.png")
    panels.add_embedding(colours)
    if record.beneath != before.beneath:
        panels.add_stage("refined labels", record)
    panels.add_labels("prediction", segmenter.predict(panels.image))
    panels.add_truth()
    return panels.example(picked.note)


def _predicted(
    picked: Picked, colours: NDArray[np.uint8], recipe: Recipe, segmenter: Segmenter
) -> Example:
    panels = Panels(picked.record, segmenter.classes, recipe.data)
    panels.add_embedding(colours)
    panels.add_labels("prediction", segmenter.predict(panels.image))
    panels.add_truth()
    return panels.example(picked.note)


def _meanings(examples: Sequence[Example]) -> dict[str, str]:
    shown = {caption.split(":")[0] for each in examples for caption, _ in each.panels}
    return {caption: meaning for caption, meaning in _MEANINGS.items() if caption in shown}


@torch.inference_mode()
def _embedding(record: Record, segmenter: Segmenter) -> NDArray[np.float32]:
    """Give the embedding of an image, (D, h, w), as large as can be shown."""
    image = torch.from_numpy(read_image(record.image).copy()).to(segmenter.device)
    pixels = image.permute(2, 0, 1)[None].float() / 255
    pixels = _within(pixels, segmenter.config.tile)
    embedding: NDArray[np.float32] = _within(segmenter.network(pixels), _CELLS)[0].cpu().numpy()
    return embedding


def _within(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Shrink maps, (1, C, H, W), to a longer side."""
    shrink = side / max(maps.shape[-2:])
    if shrink >= 1:
        return maps
    size = [max(1, round(edge * shrink)) for edge in maps.shape[-2:]]
    return F.interpolate(maps, size, mode="bilinear", antialias=True)
