"""Stage seeds: train a tag classifier, find where it sees each class, and label those pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.record_labels import record_labels
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import TrainTransform
from weakseg.images.reading import image_size, read_image
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import read_label_map, write_label_map
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import tags_of
from weakseg.models import save_network
from weakseg.oversegments import load_oversegment
from weakseg.recipes.recipe import Recipe
from weakseg.seeds import (
    Activations,
    SeedRules,
    TagClassifier,
    class_activations,
    load_activations,
    save_activations,
    seed_labels,
    select_classes,
    user_activations,
)
from weakseg.support.devices import accelerator_device
from weakseg.support.errors import DataError
from weakseg.support.progress import progress
from weakseg.training.fit import fit
from weakseg.training.processes import split_among_processes, wait_for_all
from weakseg.training.stages.folder import Stage
from weakseg.training.stages.quality import measured_quality
from weakseg.training.steps.tag_classifier import TagClassifierModule


def needs_seeds(record: Record, classes: ClassList) -> bool:
    """Tell whether an image names a class, by a tag or a box, that no mark of it draws."""
    marks = record.marks
    named = (marks.tags | {box.class_id for box in marks.boxes}) - {VOID}
    if not named or marks.mask is not None:
        return False
    drawn = set(replace(marks, tags=frozenset(), boxes=()).named_classes)
    if marks.scribbles is not None:
        labels = read_label_map(marks.scribbles, num_classes=len(classes))
        drawn |= set(np.unique(labels).tolist())
    return bool(named - drawn)


def seeds(
    recipe: Recipe,
    records: Sequence[Record],
    classes: ClassList,
    stage: Stage,
    *,
    oversegments: Path | None,
) -> list[Record]:
    """Make seeds for the images that need some.

    Args:
        recipe: The recipe.
        records: Training images with their marks.
        classes: The classes.
        stage: The stage's folder.
        oversegments: Folder of region maps, for seeds that end where regions do.

    Returns:
        The same images; those that need seeds lie upon them.
    """
    if not any(needs_seeds(record, classes) for record in records):
        return list(records)
    stage.open()
    seeded = [
        _with_seeds(record, stage) if needs_seeds(record, classes) else record for record in records
    ]
    if not stage.is_complete():
        wanting = [record for record in seeded if record.pseudo_labels is not None]
        _make_maps(recipe, records, wanting, classes, stage)
        _make_labels(recipe, wanting, classes, stage, oversegments)
        wait_for_all()
        _require_some(wanting, classes, recipe, stage)
        files = [
            path
            for record in wanting
            for path in (_maps_path(record, stage), _labels_path(record, stage))
        ]
        quality = measured_quality(wanting, classes, recipe.data, "seeds")
        stage.finish(files, quality=quality)
    return seeded


def _require_some(
    wanting: Sequence[Record], classes: ClassList, recipe: Recipe, stage: Stage
) -> None:
    """Make sure that a pixel of a class is labelled, before a long training goes without any.

    Raises:
        DataError: None is.
    """
    first = 1 if classes.has_background else 0
    for record in wanting:
        labels = read_label_map(_labels_path(record, stage), num_classes=len(classes))
        if ((labels >= first) & (labels < UNLABELLED)).any():
            return
    raise DataError(
        f"no pixel of {len(wanting)} images became a seed of a class: lower seeds.threshold "
        f"(it is {recipe.seeds.threshold:g}) or seeds.box_threshold",
        path=stage.root,
    )


def maps_of(record: Record, stage: Stage) -> Activations | None:
    """Give the activation maps that stage seeds left for an image; none where it has none."""
    path = _maps_path(record, stage)
    return load_activations(path) if path.is_file() else None


def _make_maps(
    recipe: Recipe,
    records: Sequence[Record],
    wanting: Sequence[Record],
    classes: ClassList,
    stage: Stage,
) -> None:
    """Write activation maps for the images that lack them, from a file or a tag classifier."""
    missing = stage.missing(_maps_path(record, stage) for record in wanting)
    if not missing:
        return
    lacking = [
        record for record in split_among_processes(wanting) if _maps_path(record, stage) in missing
    ]
    config, folder = recipe.seeds, recipe.seeds.folder
    classifier = None if folder else _tag_classifier(recipe, records, classes, stage)
    first = 1 if classes.has_background else 0
    for record in progress(lacking, "Finding classes", len(lacking)):
        size = image_size(record.image)
        named = _tags(record, size, classes, recipe)
        if classifier is None:
            found = user_activations(Path(str(folder)), record.name, size, classes).only(named)
        else:
            device = next(classifier.parameters()).device
            image = torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)
            activations = class_activations(
                classifier,
                image.to(device).float() / 255,
                side=recipe.transforms.crop,
                scales=config.scales,
                flip=config.flip,
            )
            found = select_classes(activations, named, first=first)
        save_activations(_maps_path(record, stage), found)


def _make_labels(
    recipe: Recipe,
    wanting: Sequence[Record],
    classes: ClassList,
    stage: Stage,
    oversegments: Path | None,
) -> None:
    """Write the seeds of the images that lack them."""
    config = recipe.seeds
    rules = SeedRules(
        config.alpha,
        config.threshold,
        config.box_threshold,
        config.box_share,
        recipe.data.boxes_complete,
    )
    missing = stage.missing(_labels_path(record, stage) for record in wanting)
    for record in split_among_processes(wanting):
        if _labels_path(record, stage) not in missing:
            continue
        size = image_size(record.image)
        regions = None
        if config.regions and oversegments is not None:
            regions = load_oversegment(oversegments / f"{record.name}.png", size)
        labels = seed_labels(
            load_activations(_maps_path(record, stage)),
            record.marks.boxes,
            size,
            rules,
            background=classes.has_background,
            regions=regions,
        )
        write_label_map(_labels_path(record, stage), labels)


def _tag_classifier(
    recipe: Recipe, records: Sequence[Record], classes: ClassList, stage: Stage
) -> TagClassifier:
    """Train the tag classifier, go on with its training, or load it."""
    module = TagClassifierModule(recipe, classes)
    device = accelerator_device(recipe.training.accelerator)
    made = stage.root / "tags.safetensors"
    if made.is_file() and not stage.missing([made]):
        module.classifier.load_state_dict(load_file(made))
        return module.classifier.eval().to(device)
    marked = [record for record in records if not record.marks.is_empty]
    transform = TrainTransform(
        replace(recipe.transforms, scale=recipe.seeds.scale), classes, fit=True
    )
    config = replace(recipe.training, steps=recipe.seeds.steps)
    draws = TrainingDraws(
        [replace(record, pseudo_labels=None) for record in marked],
        classes,
        recipe.data,
        transform,
        seed=recipe.seed,
        draws=config.steps * config.batch,
    )
    fit(module, draws, config, stage, "tag classifier")
    save_network(module.classifier, made)
    return module.classifier.eval().to(device)


def _tags(record: Record, size: tuple[int, int], classes: ClassList, recipe: Recipe) -> list[int]:
    labels = record_labels(replace(record, pseudo_labels=None), size, classes, recipe.data)
    return [i for i, holds in enumerate(tags_of(labels, record.marks, classes)) if holds]


def _with_seeds(record: Record, stage: Stage) -> Record:
    return replace(record, pseudo_labels=_labels_path(record, stage))


def _labels_path(record: Record, stage: Stage) -> Path:
    return stage.root / "labels" / f"{record.name}.png"


def _maps_path(record: Record, stage: Stage) -> Path:
    return stage.root / "maps" / f"{record.name}.npz"
