"""Training images with simulated marks in place of their full masks, written to a data folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.datasets.writer import DataFolderWriter
from weakseg.images.reading import image_size
from weakseg.marks.classes import ClassList
from weakseg.marks.instance_maps import InstanceMap, read_instance_map
from weakseg.marks.kinds import MARK_KINDS, Marks
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import AS_MARKED, rasterize
from weakseg.marks.simulation.image import image_generator
from weakseg.support.errors import DataError
from weakseg.support.progress import progress
from weakseg.support.wording import counted

_log = logging.getLogger(__name__)


def read_splits(source: DataFolder) -> dict[str, list[Record]]:
    """Read the split to train on, and of the others the images that may be scored on.

    Args:
        source: The data; its config names the splits to train and to score on.

    Returns:
        Records by split; the two that the config names come as train and val.

    Raises:
        DataError: One of those two cannot be read.
    """
    config = source.config
    splits = {"train": source.split(config.train_split)}
    trained_on = {record.name for record in splits["train"]}
    for split in sorted(source.splits):
        is_val = split == config.val_split
        if split == config.train_split or (split in {"train", "val"} and not is_val):
            continue  # those names are for the splits that play these parts
        try:
            records = source.split(split)
        except DataError as error:
            if is_val:
                raise
            _log.warning("the split %s is left out: %s", split, error)
            continue
        kept = [item for item in records if item.truth and item.name not in trained_on]
        if len(kept) < len(records):
            _log.warning(
                "%d of %s of the split %s left out of it: without a mask, or trained on",
                len(records) - len(kept),
                counted(len(records), "image"),
                split,
            )
        if kept:
            splits["val" if is_val else split] = kept
    return splits


def assign_kinds(
    names: Sequence[str], kinds: Collection[str], shares: Mapping[str, float], seed: int
) -> list[tuple[str, ...]]:
    """Choose the kinds of marks of each image.

    Args:
        names: Names of the images.
        kinds: Kinds of every image, where there are no shares.
        shares: Fraction of the images by kind; they are met as closely as whole images allow.
        seed: Seed of the choice.

    Returns:
        Kinds of each image.
    """
    if not shares:
        return [tuple(kind for kind in MARK_KINDS if kind in kinds)] * len(names)
    draws = [image_generator(seed, "kind", name).random() for name in names]
    ranks = np.argsort(np.argsort(draws, kind="stable"))
    fractions = [shares.get(kind, 0.0) for kind in MARK_KINDS]
    # The last rank of each kind, rounded; the sum of all fractions may be a hair off 1.
    ends = np.round(np.cumsum(fractions) / sum(fractions) * len(names))
    return [(MARK_KINDS[int(index)],) for index in np.searchsorted(ends, ranks, side="right")]


@dataclass(frozen=True)
class SimulationTask:
    """One training image to be marked.

    Args:
        record: The image with its full mask.
        kinds: Kinds of marks.
        classes: The classes.
        instances: Folder of instance maps NAME.png.
        simulate: Makes marks from a mask; `simulate_marks` with its options filled in.
    """

    record: Record
    kinds: tuple[str, ...]
    classes: ClassList
    instances: Path | None
    simulate: Callable[..., Marks]


@dataclass(frozen=True)
class MarkedImage:
    """Simulated marks of an image.

    Args:
        marks: Tags, boxes, points and strokes.
        scribbles: The strokes, drawn, (H, W).
        mask: The full mask, (H, W), where masks are among the kinds.
        labelled: Number of pixels that the marks label.
        pixels: Number of all pixels.
    """

    marks: Marks
    scribbles: LabelMap | None
    mask: LabelMap | None
    labelled: int
    pixels: int


def mark_image(task: SimulationTask) -> MarkedImage:
    """Make the marks of one image.

    Raises:
        DataError: Its mask or instance map does not fit.
    """
    record = task.record
    labels = _read_mask(record, task.classes)
    marks = task.simulate(
        labels,
        record.name,
        task.kinds,
        instances=_read_instances(record.name, labels.shape, task.instances),
        has_background=task.classes.has_background,
    )
    draw = partial(rasterize, size=labels.shape, classes=task.classes, rules=AS_MARKED)
    mask = labels if "masks" in task.kinds else None
    known = draw(marks) if mask is None else mask
    return MarkedImage(
        marks=marks,
        scribbles=draw(Marks(strokes=marks.strokes)) if marks.strokes else None,
        mask=mask,
        labelled=int(((known != UNLABELLED) & (known != VOID)).sum()),
        pixels=labels.size,
    )


def _read_mask(record: Record, classes: ClassList) -> LabelMap:
    assert record.truth is not None  # checked before
    return read_label_map(
        record.truth, num_classes=len(classes), image_size=image_size(record.image)
    )


def _read_instances(name: str, size: tuple[int, int], folder: Path | None) -> InstanceMap | None:
    path = folder / f"{name}.png" if folder else None
    return read_instance_map(path, size) if path and path.is_file() else None


def write_scored(
    writer: DataFolderWriter,
    splits: Mapping[str, Sequence[Record]],
    classes: ClassList,
    *,
    link: bool,
) -> None:
    """Write the images of all splits but train, with their full masks."""
    records = {
        record.name: record for name, split in splits.items() if name != "train" for record in split
    }
    for record in progress(records.values(), "Copying", len(records)):
        writer.add(record.name, record.image, mask=_read_mask(record, classes), link=link)
