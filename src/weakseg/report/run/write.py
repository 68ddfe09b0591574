"""report.html of a run: marks → seeds → oversegments → embedding → pseudo-labels → masks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from weakseg.datasets.records import Record, count_kinds
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.recipes.recipe import FITTED, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.kit.pages import write_page
from weakseg.report.run.embedding_colours import embedding_colours
from weakseg.report.run.logs import label_stages, loss_curves, stage_seconds
from weakseg.report.run.page import Example, Gallery, Report, render_report
from weakseg.report.run.panels import Panels
from weakseg.report.run.pick import Picked, agreements, pick
from weakseg.report.score_table import ScoreRow
from weakseg.support.durations import duration
from weakseg.support.machine import machine_name, version_of
from weakseg.support.version import __version__
from weakseg.support.wording import counted
from weakseg.training.pipeline import Outcome

_MAX_EMBEDDING_SIDE = 160  # vectors; a panel has not many more pixels
_COMPARED = 120  # images whose pseudo-labels are compared with the ground truth
_PREDICTED = 12  # images that are predicted only to be compared

_MEANINGS = {
    "image": "The photograph.",
    "marks": "A person's annotation: tags are chips, boxes frames, points discs, scribbles lines, "
    "masks tinted areas.",
    "seeds": "First labels from tags and boxes, where the activation maps of a tag classifier show "
    "each class. Where they are uncertain, the image shows through.",
    "oversegments": "Regions of similar colour and texture. Pixels of one region belong together, "
    "labelled or not.",
    "embedding": "What the network makes of it: similar colours are similar embeddings, across all "
    "pictures here. The three principal components (PCA) are red, green and blue.",
    "pseudo-labels": "Pseudo-labels: marks and seeds, propagated over the image by the embedding.",
    "prediction": "The final model's mask, predicted from the image alone.",
    "truth": "Ground truth: a person's full mask, for comparison.",
}
_BY_SCORE = (
    " Shown are the best, median and worst, by the mean IoU over the classes in the image's ground "
    "truth or prediction."
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
    """Write report.html of a run: its result on the scored images, and what each stage made."""
    classes = segmenter.classes
    name = f"weakseg ({recipe.method})"
    marks = ", ".join(count_kinds(outcome.seeded))
    spent = stage_seconds(run, recipe)
    seconds = sum(spent.values())
    report = Report(
        title=f"weakseg: {marks} → masks",
        summary=f"{counted(len(classes), 'class', 'classes')} learned from {marks} on "
        f"{counted(len(outcome.seeded), 'image')}, "
        f"with recipe.yaml of this folder.",
        facts=facts(recipe, spent.get("embed", 0)) | _times(spent),
        table=[ScoreRow.of(name, marks, *result, seconds)] if result else [],
        label_quality=label_stages(run, recipe),
        galleries=_galleries(recipe, segmenter, outcome, scored, result, oversegments),
        class_scores={name: result[0]} if result else {},
        curves={name: loss_curves(run, recipe)},
        classes=classes.names,
    )
    write_page(run.report, render_report(report))


def facts(recipe: Recipe, seconds: float) -> dict[str, str]:
    """Return what a reader needs to judge the numbers of a run, by name."""
    model, steps = recipe.model, recipe.training.steps
    if recipe.method in FITTED:
        training = "fitted to the labelled cells of frozen features"
        dimensions = pace = ""
    else:
        crop = recipe.transforms.crop
        training = f"{steps} steps of {recipe.training.batch} crops of {crop} pixels"
        dimensions = f", {model.dimensions} dimensions"
        pace = f", {seconds / max(1, steps):.2f} s a step"
    return {
        "method": recipe.method,
        "network": f"{model.backbone}, output stride {model.output_stride}, {model.head}"
        f"{dimensions} at stride {model.embedding_stride}",
        "training": f"{training}, seed {recipe.seed}",
        "time": f"{seconds:.0f} s{pace}",
        "machine": machine_name(),
        "versions": f"weakseg {__version__}, torch {version_of('torch')}, "
        f"timm {version_of('timm')}",
    }


def _times(spent: dict[str, float]) -> dict[str, str]:
    """Return the duration of each stage, if there are several."""
    stages = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in spent.items())
    return {"time": f"{stages}, training steps alone"} if len(spent) > 1 else {}


def _galleries(
    recipe: Recipe,
    segmenter: Segmenter,
    outcome: Outcome,
    scored: Sequence[Record],
    result: tuple[Scores, Protocol] | None,
    oversegments: Path | None,
) -> list[Gallery]:
    """Build the galleries: training images at every stage, and images of the scored split."""
    trained, how = _trained(segmenter, outcome)
    others = pick(scored, result[0].single_image_iou if result else {})
    shown = [picked.record for picked in (*trained, *others)]
    # one analysis over all, so that a colour means the same everywhere
    colours = embedding_colours([_embedding(record, segmenter) for record in shown])
    before = {record.name: record for record in outcome.seeded}
    stories = [
        _example(each, own, recipe, segmenter, before[each.record.name], oversegments)
        for each, own in zip(trained, colours, strict=False)
    ]
    predicted = [
        _example(each, own, recipe, segmenter)
        for each, own in zip(others, colours[len(trained) :], strict=True)
    ]
    meanings = _meanings(stories)
    new = {name: text for name, text in _meanings(predicted).items() if name not in meanings}
    return [
        Gallery(
            "From marks to masks", stories, f"Images that were trained on. {how}".strip(), meanings
        ),
        Gallery(
            f"New images: split {recipe.data.val_split}",
            predicted,
            "None of these was trained on." + (_BY_SCORE if predicted and others[0].note else ""),
            new,
        ),
    ]


def _trained(segmenter: Segmenter, outcome: Outcome) -> tuple[list[Picked], str]:
    """Choose training images by their pseudo-labels, else by predictions; explain how."""
    classes, what = segmenter.classes, "pseudo-labels"
    refined = [
        after
        for before, after in zip(outcome.seeded, outcome.refined, strict=True)
        if after.pseudo_labels != before.pseudo_labels
    ]
    iou = agreements(refined, classes, partial(_pseudo_labels, classes=classes), _COMPARED)
    if not iou:
        what = "predictions"
        iou = agreements(
            outcome.refined, classes, lambda record: segmenter.predict(record.image), _PREDICTED
        )
    if not iou:
        return pick(outcome.refined, {}), ""
    return pick(outcome.refined, iou), (
        f"Shown are those whose {what} agree with the ground truth best, in the middle, and worst. "
        "The number beside labels is this agreement: mean IoU over the classes of the image, where "
        "a pixel without a label counts as wrong."
    )


def _pseudo_labels(record: Record, classes: ClassList) -> LabelMap:
    assert record.pseudo_labels is not None
    return read_label_map(record.pseudo_labels, num_classes=len(classes))


def _example(
    picked: Picked,
    colours: NDArray[np.uint8],
    recipe: Recipe,
    segmenter: Segmenter,
    before: Record | None = None,
    oversegments: Path | None = None,
) -> Example:
    """Build the panels of an image; of one trained on, given `before` refinement, all stages."""
    record = picked.record
    panels = Panels(record, segmenter.classes, recipe.data, compare=before is not None)
    if before is not None:
        panels.add_marks()
        if before.pseudo_labels is not None:
            panels.add_stage("seeds", before)
        if oversegments is not None:
            panels.add_regions(oversegments / f"{record.name}.png")
    panels.add_embedding(colours)
    if before is not None and record.pseudo_labels != before.pseudo_labels:
        panels.add_stage("pseudo-labels", record)
    panels.add_labels("prediction", segmenter.predict(panels.image))
    panels.add_truth()
    return panels.example(picked.note)


def _meanings(examples: Sequence[Example]) -> dict[str, str]:
    shown = {caption.split(":")[0] for each in examples for caption, _ in each.panels}
    return {caption: meaning for caption, meaning in _MEANINGS.items() if caption in shown}


@torch.inference_mode()
def _embedding(record: Record, segmenter: Segmenter) -> NDArray[np.float32]:
    """Return the embedding of an image, (D, h, w), at most as large as can be shown."""
    image = torch.from_numpy(read_image(record.image).copy()).to(segmenter.device)
    pixels = image.permute(2, 0, 1)[None].float() / 255
    pixels = _shrink_to(pixels, segmenter.config.tile)
    embeddings = _shrink_to(segmenter.network(pixels), _MAX_EMBEDDING_SIDE)  # (1, D, h, w)
    embedding: NDArray[np.float32] = embeddings[0].cpu().numpy()
    return embedding


def _shrink_to(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Shrink maps, (1, C, H, W), to a maximal longer side, (1, C, h, w)."""
    shrink = side / max(maps.shape[-2:])
    if shrink >= 1:
        return maps
    size = [max(1, round(edge * shrink)) for edge in maps.shape[-2:]]
    return F.interpolate(maps, size, mode="bilinear", antialias=True)
