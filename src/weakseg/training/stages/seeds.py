"""Stage seeds: first labels of images with tags or boxes, from class activation maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from weakseg.datasets.records import Record, record_tags
from weakseg.datasets.transforms import TrainTransform
from weakseg.images.reading import image_size, read_image
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import read_label_map, write_label_map
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.models.network import save_network
from weakseg.seeds.activations import (
    Activations,
    class_activations,
    load_activations,
    save_activations,
    select_classes,
)
from weakseg.seeds.classifier import AnyTagClassifier, FrozenTagClassifier
from weakseg.seeds.labels import SeedRules, seed_labels
from weakseg.seeds.user_activations import user_activations
from weakseg.support.devices import accelerator_device
from weakseg.support.errors import DataError
from weakseg.support.progress import progress
from weakseg.training.fit import fit
from weakseg.training.processes import wait_for_all
from weakseg.training.stages.context import Context
from weakseg.training.stages.folder import StageFolder
from weakseg.training.stages.quality import measure_quality
from weakseg.training.steps.tag_classifier import TagClassifierModule


def seeds(context: Context, records: Sequence[Record], stage: StageFolder) -> list[Record]:
    """Make seeds for the images that need some.

    Returns:
        The same images, those that need seeds with them as pseudo-labels.

    Raises:
        DataError: No pixel became a seed, or a file cannot be read.
    """
    unseeded = [record for record in records if needs_seeds(record, context.classes)]
    if not unseeded:
        return list(records)
    stage.prepare()
    if not stage.is_complete():
        _write_maps(context, records, unseeded, stage)
        _write_labels(context, unseeded, stage)
        wait_for_all()
        _check_not_empty(context, unseeded, stage)
        quality = measure_quality(context, stage.labelled(unseeded), "seeds")
        stage.finish([*map(stage.maps, unseeded), *map(stage.labels, unseeded)], quality=quality)
    return stage.labelled(records, unseeded)


def needs_seeds(record: Record, classes: ClassList) -> bool:
    """Return whether a tag or a box of an image names a class that no mark of it draws."""
    marks = record.marks
    named = (marks.tags | {box.class_id for box in marks.boxes}) - {VOID}
    if not named or marks.mask is not None:
        return False
    drawn = set(replace(marks, tags=frozenset(), boxes=()).named_classes)
    if marks.scribbles is not None:
        labels = read_label_map(marks.scribbles, num_classes=len(classes))
        drawn |= set(np.unique(labels).tolist())
    return bool(named - drawn)


def _write_maps(
    context: Context, records: Sequence[Record], unseeded: Sequence[Record], stage: StageFolder
) -> None:
    """Write the activation maps that are missing, from files or by a tag classifier."""
    if not stage.missing(map(stage.maps, unseeded)):
        return
    # All processes train the classifier; only then are there several to split the maps among.
    classifier = None if context.recipe.seeds.folder else _tag_classifier(context, records, stage)
    lacking = stage.lacking(unseeded, stage.maps)
    for record in progress(lacking, "Finding classes", len(lacking)):
        save_activations(stage.maps(record), _activations(context, record, classifier))


def _activations(
    context: Context, record: Record, classifier: AnyTagClassifier | None
) -> Activations:
    """Return the maps of the classes that an image's marks name, each 1 at its strongest."""
    recipe, classes, config = context.recipe, context.classes, context.recipe.seeds
    named = np.flatnonzero(record_tags(record, classes, recipe.data)).tolist()
    if classifier is None:
        size = image_size(record.image)
        return user_activations(Path(str(config.folder)), record.name, size, classes).only(named)
    device = next(classifier.parameters()).device
    image = torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)  # (3, H, W)
    frozen = recipe.model.train == "head"
    activations = class_activations(
        classifier,
        image.to(device).float() / 255,
        side=max(image.shape[-2:]) if frozen else recipe.transforms.crop,
        scales=config.scales,
        flip=config.flip,
    )
    return select_classes(activations, named, first=1 if classes.has_background else 0)


def _tag_classifier(
    context: Context, records: Sequence[Record], stage: StageFolder
) -> AnyTagClassifier:
    """Train the tag classifier, resume its training, or load it where it is trained."""
    recipe = context.recipe
    device = accelerator_device(recipe.training.accelerator)
    module = TagClassifierModule(recipe, context.classes)
    trained = stage.root / "tags.safetensors"
    if trained.is_file() and not stage.missing([trained]):
        module.classifier.load_state_dict(load_file(trained))
        return module.classifier.eval().to(device)
    loop = replace(recipe.training, steps=recipe.seeds.steps)
    transform = None  # whole views, for frozen features
    if isinstance(module.classifier, FrozenTagClassifier):
        context.with_cache(module.classifier.network)
    else:
        transforms = replace(recipe.transforms, scale=recipe.seeds.scale)
        transform = TrainTransform(transforms, context.classes, fit=True)
    draws = context.draws(
        [replace(each, pseudo_labels=None) for each in records if not each.marks.is_empty],
        loop,
        seed=recipe.seed,
        transform=transform,
    )
    fit(module, draws, loop, stage, "tag classifier")
    save_network(module.classifier, trained)
    return module.classifier.eval().to(device)


def _write_labels(context: Context, unseeded: Sequence[Record], stage: StageFolder) -> None:
    """Write the seeds that are missing."""
    config = context.recipe.seeds
    rules = SeedRules(
        config.alpha,
        config.threshold,
        config.box_threshold,
        config.box_share,
        context.recipe.data.boxes_complete,
    )
    for record in stage.lacking(unseeded, stage.labels):
        size = image_size(record.image)
        labels = seed_labels(
            load_activations(stage.maps(record)),
            record.marks.boxes,
            size,
            rules,
            background=context.classes.has_background,
            regions=context.regions(record, size) if config.regions else None,
        )
        write_label_map(stage.labels(record), labels)


def _check_not_empty(context: Context, unseeded: Sequence[Record], stage: StageFolder) -> None:
    """Check that some pixel is a seed of a class, before a long training goes without any."""
    classes, config = context.classes, context.recipe.seeds
    first = 1 if classes.has_background else 0
    for record in unseeded:
        labels = read_label_map(stage.labels(record), num_classes=len(classes))
        if ((labels >= first) & (labels < UNLABELLED)).any():
            return
    raise DataError(
        f"no pixel of {len(unseeded)} images became a seed of a class: lower seeds.threshold "
        f"(it is {config.threshold:g}) or seeds.box_threshold",
        path=stage.root,
    )
