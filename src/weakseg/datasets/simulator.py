"""A data folder with full masks in; the same with the marks of a simulated person out."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from weakseg.datasets.folder import (
    MARK_KINDS,
    Record,
    find_layout,
    load_data_config,
    read_class_list,
    read_split,
)
from weakseg.datasets.simulation_settings import SimulationSettings
from weakseg.datasets.writer import DataFolderWriter, writing_data_folder
from weakseg.images.reading import image_size, opened
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import rasterize
from weakseg.marks.simulation import (
    InstanceMap,
    background_parts,
    find_objects,
    simulate_boxes,
    simulate_points,
    simulate_scribbles,
    simulate_tags,
)
from weakseg.recipes.recipe import DataConfig
from weakseg.support.errors import DataError, RunError
from weakseg.support.processes import in_processes
from weakseg.support.progress import progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Simulated:
    """What a simulation came to.

    Args:
        root: The data folder.
        splits: Number of images by split.
        images: Training images that were to get a kind of marks, by kind.
        marks: Number of marks on training images, by kind; a scribble is one stroke.
        labelled: Share of the training images' pixels that the marks name the class of. A point
            counts as one pixel, a scribble as it is drawn.
    """

    root: Path
    splits: dict[str, int]
    images: dict[str, int]
    marks: dict[str, int]
    labelled: float


def simulate(
    data: str | Path,
    out: Path,
    settings: SimulationSettings | None = None,
    *,
    config: DataConfig | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Simulated:
    """Write a data folder whose training images have simulated marks in place of full masks.

    The images of other splits keep their full masks, to score on. No mask of a training image is
    written unless its marks are masks. An image's marks depend on its name, its mask and the
    settings alone.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml, with full masks.
        out: The data folder to make. Its splits are named train, val, and as in the data.
        settings: Which marks are made.
        config: Where the data keeps what, and how its splits to train and to score on are named.
        overwrite: Replace a data folder that is there.
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Returns:
        What was made.

    Raises:
        DataError: The data cannot be read, or a training image has no mask.
        RunError: The folder cannot be written, or is the data's own.
    """
    settings = settings or SimulationSettings()
    config = replace(load_data_config(data, config or DataConfig()), marks=["masks"])
    _keep_apart(config, out)
    classes = read_class_list(config)
    splits = _read_splits(config, classes)
    _check(splits["train"], settings)
    tasks = [
        _Task(record, kinds, classes, settings)
        for record, kinds in zip(
            splits["train"], _deal_kinds(splits["train"], settings), strict=True
        )
    ]
    totals = _Totals()
    work = in_processes(_mark, tasks, doing="simulates marks", workers=workers)
    with closing(work), writing_data_folder(out, classes.names, overwrite=overwrite) as writer:
        for task, made in zip(tasks, progress(work, "Simulating", len(tasks)), strict=True):
            _write(writer, task, made)
            totals.add(task, made)
        _write_scored(writer, splits, classes, link=settings.link)
        names = {name: [record.name for record in records] for name, records in splits.items()}
        boxed = classes.has_background and any("boxes" in task.kinds for task in tasks)
        writer.finish(names, options={"boxes_complete": True} if boxed else None)
    return totals.summary(out, names)


def simulate_marks(
    labels: LabelMap,
    name: str,
    kinds: Sequence[str],
    settings: SimulationSettings,
    *,
    instances: InstanceMap | None = None,
    has_background: bool = True,
) -> Marks:
    """Make marks of several kinds for one image.

    Args:
        labels: Its full mask, (H, W).
        name: Its name; with the settings' seed it decides all chance.
        kinds: Kinds of marks; full masks are not among what is made.
        settings: How marks are made.
        instances: Its instance map, (H, W).
        has_background: Class 0 is background.

    Returns:
        Tags, boxes, points and strokes.
    """
    least = settings.least_area
    objects = find_objects(labels, instances, least_area=least, has_background=has_background)
    wanted = settings.background and has_background
    areas = [*objects, *(background_parts(labels, least_area=least) if wanted else ())]
    marks = Marks()
    if "tags" in kinds:
        marks += Marks(tags=simulate_tags(labels, has_background=has_background))
    if "boxes" in kinds:
        marks += Marks(boxes=tuple(simulate_boxes(objects)))
    if "points" in kinds:
        points = simulate_points(
            _chance(settings.seed, "points", name),
            areas,
            per_object=settings.points_per_object,
            placement=settings.placement,
        )
        marks += Marks(points=tuple(points))
    if "scribbles" in kinds:
        strokes = simulate_scribbles(
            _chance(settings.seed, "scribbles", name),
            areas,
            length=settings.scribble_length,
            width=settings.scribble_width,
        )
        marks += Marks(strokes=tuple(strokes))
    return marks


@dataclass(frozen=True)
class _Task:
    record: Record
    kinds: tuple[str, ...]
    classes: ClassList
    settings: SimulationSettings


@dataclass(frozen=True)
class _Made:
    """Marks of an image; its scribbles, drawn; its mask, if that is a mark; labelled pixels."""

    marks: Marks
    scribbles: LabelMap | None
    mask: LabelMap | None
    labelled: int
    pixels: int


def _mark(task: _Task) -> _Made:
    record, settings = task.record, task.settings
    labels = _read_mask(record, task.classes)
    marks = simulate_marks(
        labels,
        record.name,
        task.kinds,
        settings,
        instances=_read_instances(record.name, labels.shape, settings),
        has_background=task.classes.has_background,
    )
    draw = partial(
        rasterize, size=labels.shape, classes=task.classes, point_radius=0, scribble_dilation=0
    )
    mask = labels if "masks" in task.kinds else None
    known = draw(marks) if mask is None else mask
    return _Made(
        marks=marks,
        scribbles=draw(Marks(strokes=marks.strokes)) if marks.strokes else None,
        mask=mask,
        labelled=int(((known != UNLABELLED) & (known != VOID)).sum()),
        pixels=labels.size,
    )


def _read_mask(record: Record, classes: ClassList) -> LabelMap:
    assert record.truth is not None  # looked after before
    return read_label_map(
        record.truth, num_classes=len(classes), image_size=image_size(record.image)
    )


def _read_instances(
    name: str, size: tuple[int, ...], settings: SimulationSettings
) -> InstanceMap | None:
    if settings.instances is None:
        return None
    path = Path(settings.instances) / f"{name}.png"
    if not path.is_file():
        return None
    with opened(path, what="instance map") as picture:
        instances = np.array(picture)
    if instances.shape != size or not np.issubdtype(instances.dtype, np.integer):
        raise DataError(
            f"expected an instance map (H, W) {size} with one number for each pixel, but got "
            f"{instances.shape} of {instances.dtype}",
            path=path,
        )
    # The void of PASCAL VOC is no object.
    return np.where(instances == VOID, 0, instances) if instances.itemsize == 1 else instances


def _read_splits(config: DataConfig, classes: ClassList) -> dict[str, list[Record]]:
    """Read the split to train on, and of the others the images that may be scored on."""
    splits = {"train": read_split(config, config.train_split, classes)}
    trained_on = {record.name for record in splits["train"]}
    for split in sorted(path.stem for path in find_layout(config).splits.glob("*.txt")):
        is_val = split == config.val_split
        if split == config.train_split or (split in {"train", "val"} and not is_val):
            continue  # those names are for the splits that play these parts
        try:
            records = read_split(config, split, classes)
        except DataError as error:
            if is_val:
                raise
            _log.warning("the split %s is left out: %s", split, error)
            continue
        kept = [item for item in records if item.truth and item.name not in trained_on]
        if len(kept) < len(records):
            _log.warning(
                "%d of %d images of the split %s are left out of it: they have no mask, or are "
                "trained on",
                len(records) - len(kept),
                len(records),
                split,
            )
        if kept:
            splits["val" if is_val else split] = kept
    return splits


def _keep_apart(config: DataConfig, out: Path) -> None:
    """Refuse to replace the data by what is made from it."""
    layout = find_layout(config)
    for folder in (layout.images, layout.masks):
        if folder.resolve().is_relative_to(out.resolve()):
            raise RunError(
                f"{out}: expected another folder than the data's own, whose masks would be lost."
            )


def _check(train: Sequence[Record], settings: SimulationSettings) -> None:
    missing = next((record for record in train if record.truth is None), None)
    if missing is not None:
        raise DataError(
            f"the training image {missing.name!r} has no full mask to make marks from",
            path=missing.image,
        )
    if settings.instances is not None:
        folder = Path(settings.instances)
        if not any((folder / f"{record.name}.png").is_file() for record in train):
            raise DataError(
                "expected instance maps NAME.png, but there is none of a training image",
                path=folder,
            )


def _deal_kinds(train: Sequence[Record], settings: SimulationSettings) -> list[tuple[str, ...]]:
    """Say which kinds of marks each image gets; a mix is dealt out so that its shares are met."""
    if not settings.shares:
        kinds = tuple(kind for kind in MARK_KINDS if kind in settings.kinds)
        return [kinds] * len(train)
    chance = [_chance(settings.seed, "kind", record.name).random() for record in train]
    places = np.argsort(np.argsort(chance, kind="stable"))
    shares = [settings.shares.get(kind, 0.0) for kind in MARK_KINDS]
    # The last place of each kind, rounded; the sum of all shares may be a hair off 1.
    ends = np.round(np.cumsum(shares) / sum(shares) * len(train))
    return [(MARK_KINDS[int(index)],) for index in np.searchsorted(ends, places, side="right")]


def _chance(seed: int, purpose: str, name: str) -> np.random.Generator:
    """Give chance that depends on these three alone."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))


def _write(writer: DataFolderWriter, task: _Task, made: _Made) -> None:
    writer.add(
        task.record.name,
        task.record.image,
        tags=made.marks.tags,
        boxes=made.marks.boxes,
        points=made.marks.points,
        scribbles=made.scribbles,
        mask=made.mask,
        link=task.settings.link,
    )


def _write_scored(
    writer: DataFolderWriter,
    splits: Mapping[str, Sequence[Record]],
    classes: ClassList,
    *,
    link: bool,
) -> None:
    records = {
        record.name: record for name, split in splits.items() if name != "train" for record in split
    }
    for record in progress(records.values(), "Copying", len(records)):
        writer.add(record.name, record.image, mask=_read_mask(record, classes), link=link)


class _Totals:
    """What has been made so far."""

    def __init__(self) -> None:
        self.images: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        self.labelled = 0
        self.pixels = 0

    def add(self, task: _Task, made: _Made) -> None:
        self.images.update(task.kinds)
        self.marks.update(
            tags=len(made.marks.tags),
            boxes=len(made.marks.boxes),
            points=len(made.marks.points),
            scribbles=len(made.marks.strokes),
            masks=int(made.mask is not None),
        )
        self.labelled += made.labelled
        self.pixels += made.pixels

    def summary(self, root: Path, splits: Mapping[str, Sequence[str]]) -> Simulated:
        return Simulated(
            root=root,
            splits={name: len(images) for name, images in splits.items()},
            images=dict(self.images),
            marks={kind: self.marks[kind] for kind in self.images},
            labelled=self.labelled / max(1, self.pixels),
        )
