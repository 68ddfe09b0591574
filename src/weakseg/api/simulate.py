"""`weakseg.simulate`: a data folder with full masks in, the same with simulated marks out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.datasets.simulator import (
    MarkedImage,
    SimulationTask,
    assign_kinds,
    mark_image,
    read_splits,
    write_scored,
)
from weakseg.datasets.writer import writing_data_folder
from weakseg.marks.classes import ClassList
from weakseg.marks.simulation.image import simulate_marks
from weakseg.recipes.options import DataOptions, resolve_data
from weakseg.recipes.recipe import MarkKind
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.processes import in_processes
from weakseg.support.progress import progress


@dataclass(frozen=True)
class SimulationSettings:
    """Which marks a simulated person makes, on which images.

    Args:
        kinds: Kinds of marks that every training image gets: tags, boxes, points, scribbles, masks.
        shares: A mix instead, of images with one kind each: fraction of the images by kind, which
            sum to 1.
        points_per_object: Points on every object.
        placement: Where points are: centre (deep inside, with some spread, as people click) or
            random (anywhere on the object).
        scribble_length: Fraction of a scribble's length that is drawn, about its middle, 0 to 1; 0
            leaves a dot.
        scribble_width: Width of the pen in pixels; 1 on objects too thin for it.
        background: Points and scribbles are made on the background too.
        min_area: Smallest number of pixels of an object; the class of a smaller region is a tag
            all the same.
        instances: Folder of instance maps NAME.png, whose values number the objects of an image
            (PASCAL VOC: SegmentationObject). Where there is none, objects are the connected
            regions of a class.
        link: Link to the images instead of copying them.
        seed: Seed of all random choices.
    """

    kinds: Sequence[MarkKind] = ("tags", "boxes", "points", "scribbles")
    shares: dict[str, float] = field(default_factory=dict)
    points_per_object: int = 1
    placement: Literal["centre", "random"] = "centre"
    scribble_length: float = 1.0
    scribble_width: int = 3
    background: bool = True
    min_area: int = 20
    instances: str | Path | None = None
    link: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        problems = [
            f"{key}: expected {expected}, but got {getattr(self, key)!r}"
            for key, expected, holds in self._checks()
            if not holds
        ]
        if problems:
            raise RecipeError("\n".join(problems))

    def _checks(self) -> Iterator[tuple[str, str, bool]]:
        known = get_args(MarkKind)
        named = f"kinds among {', '.join(known)}"
        listed = bool(self.kinds) and not isinstance(self.kinds, str)
        yield "kinds", f"a list of one or more {named}", listed and set(self.kinds) <= set(known)
        yield "shares", f"shares by {named}", self.shares.keys() <= set(known)
        shares = self.shares.values()
        whole = not self.shares or math.isclose(sum(shares), 1, abs_tol=1e-6)
        yield "shares", "shares of 0 or more that sum to 1", whole and min(shares, default=0) >= 0
        yield "placement", "centre or random", self.placement in ("centre", "random")
        yield "scribble_length", "0 to 1", 0 <= self.scribble_length <= 1
        for key in ("points_per_object", "scribble_width", "min_area"):
            yield key, "at least 1", getattr(self, key) >= 1
        yield "seed", "0 or more", self.seed >= 0

    @property
    def marking(self) -> dict[str, Any]:
        """Options of `simulate_marks`."""
        return {
            "points_per_object": self.points_per_object,
            "placement": self.placement,
            "scribble_length": self.scribble_length,
            "scribble_width": self.scribble_width,
            "background": self.background,
            "min_area": self.min_area,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Simulated:
    """Result of a simulation.

    Args:
        root: The data folder.
        splits: Number of images by split.
        images: Number of training images that were to get a kind of marks, by kind.
        marks: Number of marks on training images, by kind; a scribble is one stroke.
        labelled: Fraction of the training images' pixels that the marks label. A point counts as
            one pixel, a scribble as it is drawn.
    """

    root: Path
    splits: dict[str, int]
    images: dict[str, int]
    marks: dict[str, int]
    labelled: float


def simulate(
    data: str | Path,
    out: str | Path = "simulated",
    settings: SimulationSettings | None = None,
    *,
    config: DataOptions | None = None,
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
        config: Layout of the data, and the names of its splits to train and to score on: keys of
            `data` in a recipe, which win over data.yaml.
        overwrite: Replace an existing data folder.
        workers: Worker processes; 0: none, None: one per core where that is faster.

    Returns:
        What was made.

    Raises:
        DataError: The data cannot be read, or a training image has no mask.
        RunError: The folder cannot be written, or is the data's own.
    """
    settings, root = settings or SimulationSettings(), Path(out)
    source = DataFolder(replace(resolve_data(data, config), marks=["masks"]))
    source.layout.check_apart(root, replaces=True)
    classes = source.classes
    splits = read_splits(source)
    _check(splits["train"], settings)
    tasks = _tasks(splits["train"], classes, settings)
    totals = _Totals()
    work = in_processes(mark_image, tasks, doing="simulates marks", workers=workers)
    with closing(work), writing_data_folder(root, classes.names, overwrite=overwrite) as writer:
        for task, made in zip(tasks, progress(work, "Simulating", len(tasks)), strict=True):
            writer.add(
                task.record.name,
                task.record.image,
                made.marks,
                scribbles=made.scribbles,
                mask=made.mask,
                link=settings.link,
            )
            totals.add(task, made)
        write_scored(writer, splits, classes, link=settings.link)
        names = {name: [record.name for record in records] for name, records in splits.items()}
        boxed = classes.has_background and any("boxes" in task.kinds for task in tasks)
        writer.finish(names, options={"boxes_complete": True} if boxed else None)
    return totals.summary(root, names)


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


def _tasks(
    train: Sequence[Record], classes: ClassList, settings: SimulationSettings
) -> list[SimulationTask]:
    names = [record.name for record in train]
    every = assign_kinds(names, settings.kinds, settings.shares, settings.seed)
    instances = None if settings.instances is None else Path(settings.instances)
    draw = partial(simulate_marks, **settings.marking)
    return [
        SimulationTask(record, kinds, classes, instances, draw)
        for record, kinds in zip(train, every, strict=True)
    ]


class _Totals:
    """Counts over the images that were marked."""

    def __init__(self) -> None:
        self.images: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        self.labelled = 0
        self.pixels = 0

    def add(self, task: SimulationTask, made: MarkedImage) -> None:
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
