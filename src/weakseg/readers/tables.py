"""Tables of points, boxes and tags as sources on their own."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Marks
from weakseg.marks.points import read_points
from weakseg.marks.tables import box_rows, read_tags
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

Found = TypeVar("Found")

_BEGINNING = 65_536  # characters looked at to recognise a file
_CORNERS = {"xmin", "ymin", "xmax", "ymax"}
_LIST_BY_NAME = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[')
_FLAT_OBJECT = re.compile(r"\{[^{}\[\]]*\}")


def _read_clicks(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    for name, points in _some(read_points(path, classes), path).items():
        yield _annotated(name, Marks(points=tuple(points)), path, options)


def _read_boxes(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    images: dict[str, Collector] = {}
    for entry, name, box in box_rows(path, classes):
        image = images.setdefault(name, Collector(Entry(path, f"image {name!r}")))
        if box.has_area:
            image.add(box)
        else:
            image.note("empty", "a box that ends before it begins; left out", entry)
    for name, image in _some(images, path).items():
        yield image.annotated(name, find_picture(name, path, options))


def _read_tags(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    for name, tags in _some(read_tags(path, classes), path).items():
        yield _annotated(name, Marks(frozenset(tags)), path, options)


def _some(by_image: dict[str, Found], path: Path) -> dict[str, Found]:
    if not by_image:
        raise DataError("expected marks of images, but the file holds none", path=path)
    return by_image


def _annotated(name: str, marks: Marks, path: Path, options: SourceOptions) -> Annotated:
    return Annotated(name, marks, find_picture(name, path, options), None, path, f"image {name!r}")


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_BEGINNING).decode("utf-8-sig", errors="ignore")


def _has_header(columns: set[str], others: set[str]) -> Callable[[Path], bool]:
    """Recognise a csv by columns that it has, and others that it has not."""

    def recognises(path: Path) -> bool:
        lines = _beginning(path).splitlines()[:1]
        header = {name.strip() for line in csv.reader(lines) for name in line}
        return columns <= header and not others & header

    return recognises


def _has_clicks(path: Path) -> bool:
    """Recognise a JSON object of lists whose first item is a click."""
    text = _beginning(path)
    first = _FLAT_OBJECT.search(text) if _LIST_BY_NAME.match(text) else None
    return first is not None and {"cls", "x", "y"} <= json.loads(first[0]).keys()


_is_points_table = _has_header({"image", "class", "x", "y"}, _CORNERS)

CLICKS = Format(
    "points",
    "points as csv (image,class,x,y), or people's clicks as JSON (What's the Point)",
    lambda path: _is_points_table(path) or _has_clicks(path),
    _read_clicks,
)
BOXES = Format(
    "boxes",
    "boxes as csv (image,class,xmin,ymin,xmax,ymax; pixels from 0, both ends inside)",
    _has_header({"image", "class", *_CORNERS}, {"x", "y"}),
    _read_boxes,
)
TAGS = Format(
    "tags",
    "tags as csv (image,class; several classes a row or several rows an image)",
    _has_header({"image", "class"}, {"x", "y", *_CORNERS}),
    _read_tags,
)
