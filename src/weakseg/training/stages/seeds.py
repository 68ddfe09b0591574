"""Stage seeds: first labels of images with tags or boxes, from class activation maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
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
from weakseg.recipes.recipe import Recipe
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
from weakseg.support.machine import is_first_process
from weakseg.support.progress import progress
from weakseg.support.wording import counted
from weakseg.training.fit import fit
from weakseg.training.processes import wait_for_all
from weakseg.training.stages.context import Context
from weakseg.training.stages.folder import StageFolder
from weakseg.training.stages.quality import measure_quality
from weakseg.training.stages.region_tagger import RegionTagger
from weakseg.training.steps.tag_classifier import TagClassifierModule

_MANY_TAGS = 3  # an image on average; on photographs with 1.5, activation maps train better


def seeds(context: Context, records: Sequence[Record], stage: StageFolder) -> list[Record]:
    """Make seeds for the images that need some.

    Returns:
        The same images, those that need seeds with them as pseudo-labels.

    Raises:
        DataError: No pixel became a seed, or a file cannot be read.
    """
    unseeded = records_without_seeds(records, context.classes)
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


def records_without_seeds(records: Sequence[Record], classes: ClassList) -> list[Record]:
    """Return the images that need seeds. It reads the scribbles of images with tags or boxes."""
    return [record for record in records if needs_seeds(record, classes)]


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


def seeds_by_regions(recipe: Recipe, unseeded: Sequence[Record]) -> bool:
    """Return whether seeds are classes of regions: where asked for, or images have many tags."""
    config = recipe.seeds
    if config.folder or config.source != "auto" or recipe.model.train != "head":
        return config.source == "regions" and not config.folder
    return has_many_tags(unseeded)


def has_many_tags(unseeded: Sequence[Record]) -> bool:
    """Return whether images that need seeds have more than three tags on average."""
    marks = [record.marks for record in unseeded]
    named = [len(each.tags | {box.class_id for box in each.boxes}) for each in marks]
    return bool(named) and sum(named) > _MANY_TAGS * len(named)


def _write_maps(
    context: Context, records: Sequence[Record], unseeded: Sequence[Record], stage: StageFolder
) -> None:
    """Write the activation maps that are missing: from files, frozen features or a classifier."""
    if not stage.missing(map(stage.maps, unseeded)):
        return
    # All processes train; only then are there several to split the maps among.
    activations = _source(context, records, unseeded, stage)
    lacking = stage.lacking(unseeded, stage.maps)
    for record in progress(lacking, "Finding classes", len(lacking)):
        save_activations(stage.maps(record), activations(record))


def _source(
    context: Context, records: Sequence[Record], unseeded: Sequence[Record], stage: StageFolder
) -> Callable[[Record], Activations]:
    """Return what computes the maps of the classes that an image's marks name."""
    if context.recipe.seeds.folder:
        return partial(_own_activations, context)
    if seeds_by_regions(context.recipe, unseeded):
        return _region_tagger(context, records, stage).activations
    return partial(_class_activations, context, _tag_classifier(context, records, stage))


def _own_activations(context: Context, record: Record) -> Activations:
    folder = Path(str(context.recipe.seeds.folder))
    found = user_activations(folder, record.name, image_size(record.image), context.classes)
    return found.only(_named(context, record))


def _class_activations(
    context: Context, classifier: AnyTagClassifier, record: Record
) -> Activations:
    recipe = context.recipe
    device = next(classifier.parameters()).device
    image = torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)  # (3, H, W)
    activations = class_activations(
        classifier,
        image.to(device).float() / 255,
        side=max(image.shape[-2:]) if recipe.model.train == "head" else recipe.transforms.crop,
        scales=recipe.seeds.scales,
        flip=recipe.seeds.flip,
    )
    first = 1 if context.classes.has_background else 0
    return select_classes(activations, _named(context, record), first=first)


def _named(context: Context, record: Record) -> list[int]:
    tags = record_tags(record, context.classes, context.recipe.data)
    return [class_id for class_id, tagged in enumerate(tags) if tagged]


def _region_tagger(context: Context, records: Sequence[Record], stage: StageFolder) -> RegionTagger:
    """Fit the regression of regions, or load it where it is fitted."""
    fitted = stage.root / "tags.safetensors"
    if fitted.is_file() and not stage.missing([fitted]):
        return RegionTagger.load(context, fitted)
    tagger = RegionTagger.fit(context, records, stage.log)
    if is_first_process():
        tagger.save(fitted)
    return tagger


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
        f"no pixel of {counted(len(unseeded), 'image')} became a seed of a class: "
        f"lower seeds.threshold (it is {config.threshold:g}) or seeds.box_threshold",
        path=stage.root,
    )
