"""weakseg's own data folder as a source: tables, label maps, splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.formats.label_regions import label_map_marks
from weakseg.formats.layout import files_by_name, read_splits
from weakseg.formats.points import read_points
from weakseg.formats.source import Annotated, ClassFinder, Format, SourceOptions, find_picture
from weakseg.formats.tables import read_boxes, read_tags
from weakseg.images.reading import find_images
from weakseg.marks.classes import ClassList, read_classes
from weakseg.marks.kinds import Box, Marks, Point

_TABLES = ("tags.csv", "boxes.csv", "points.csv")
_LABEL_MAPS = ("scribbles", "masks")


@dataclass(frozen=True)
class _Renumbered:
    """The folder's classes, found under the ids that are in use."""

    own: ClassList
    ids: list[int]

    def find(self, value: Any, *, path: Path | None = None, entry: str | None = None) -> int:
        return self.ids[self.own.find(value, path=path, entry=entry)]


@dataclass(frozen=True)
class _DataFolder:
    """What is in a data folder, by the images' names."""

    images: dict[str, Path]
    tags: dict[str, set[int]]
    boxes: dict[str, list[Box]]
    points: dict[str, list[Point]]
    scribbles: dict[str, Path]
    masks: dict[str, Path]

    @classmethod
    def of(cls, root: Path, classes: ClassFinder) -> _DataFolder:
        tags, boxes, points = (root / name for name in _TABLES)
        scribbles, masks = (files_by_name(root / name, ".png") for name in _LABEL_MAPS)
        return cls(
            find_images(root / "images"),
            read_tags(tags, classes) if tags.is_file() else {},
            read_boxes(boxes, classes) if boxes.is_file() else {},
            read_points(points, classes) if points.is_file() else {},
            scribbles,
            masks,
        )

    def names(self) -> list[str]:
        return sorted({name for found in vars(self).values() for name in found})

    def marks(self, name: str, ids: list[int]) -> Marks:
        marks = Marks(
            frozenset(self.tags.get(name, ())),
            tuple(self.boxes.get(name, ())),
            tuple(self.points.get(name, ())),
        )
        if name in self.scribbles:
            marks += label_map_marks(self.scribbles[name], ids, "scribble")
        if name in self.masks:
            marks += label_map_marks(self.masks[name], ids, "mask")
        return marks


def _read(root: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    own = read_classes(root / "classes.txt")
    ids = [classes.find(name, path=root / "classes.txt") for name in own.names]
    there = _DataFolder.of(root, _Renumbered(own, ids))
    splits = read_splits(root / "splits")
    for name in there.names():
        picture = there.images.get(name) or find_picture(name, root, options)
        yield Annotated(
            name, there.marks(name, ids), picture, None, root, f"image {name!r}", splits.get(name)
        )


def _recognises(path: Path) -> bool:
    """Look for marks, too: other tools write folders of images with a classes.txt."""
    has_marks = any((path / name).is_file() for name in _TABLES) or any(
        (path / name).is_dir() for name in _LABEL_MAPS
    )
    return has_marks and (path / "images").is_dir() and (path / "classes.txt").is_file()


FOLDER = Format(
    "folder",
    "a data folder of weakseg: images/, classes.txt, tables, scribbles/, masks/, splits/",
    _recognises,
    _read,
)
