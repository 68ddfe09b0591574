"""Tables of points, boxes and tags as sources on their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, Format, Read, SourceOptions
from weakseg.images.names import plain_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding, left_out
from weakseg.marks.image_facts import NO_FACTS, ImageFacts, fact_columns, read_facts
from weakseg.marks.kinds import Marks
from weakseg.marks.points import read_points
from weakseg.marks.tables import box_rows, first_header, read_table, read_tags
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, nearest_files, split_in_name

Found = TypeVar("Found")

_TABLES = ("*.csv", "*.tsv")
_OTHERS = {".json", ".geojson", ".ndjson", ".xml", ".yaml", ".yml"}  # that hold marks, too
_COLUMNS = ("image", "class", "x", "y", "xmin", "ymin", "xmax", "ymax", "instance")
_BEGINNING = 65_536  # characters looked at to recognise a file
_CORNERS = {"xmin", "ymin", "xmax", "ymax"}
_LIST_BY_NAME = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[')
_FLAT_OBJECT = re.compile(r"\{[^{}\[\]]*\}")


def _read_clicks(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    bad: list[DataError] = []
    points = read_points(path, classes, on_bad_row=bad.append)
    for name, findings, found in _some(points, bad, path):
        yield _annotated(name, Marks(points=tuple(found)), findings, path, options)


def _read_boxes(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    images: dict[str, Collector] = {}
    bad: list[DataError] = []
    for entry, name, box in box_rows(path, classes, on_bad_row=bad.append):
        image = images.setdefault(name, Collector(Entry(path, f"image {name!r}")))
        if box.has_area:
            image.add(box)
        else:
            image.note("empty", "a box that ends before it begins; left out", entry)
    for name, findings, image in _some(images, bad, path):
        item = image.annotated(name, find_picture(name, path, options))
        yield replace(item, findings=item.findings + findings)


def _read_tags(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    bad: list[DataError] = []
    facts = fact_columns(first_header(path), _COLUMNS)
    tags = read_tags(path, classes, on_bad_row=bad.append, but=set(facts.values()))
    for name, findings, found in _some(tags, bad, path):
        yield _annotated(name, Marks(frozenset(found)), findings, path, options)


def _some(
    by_image: dict[str, Found], bad: list[DataError], path: Path
) -> Iterator[tuple[str, tuple[Finding, ...], Found]]:
    """Yield name, findings and what was found of each image; the first has those of bad rows."""
    if not by_image:
        if bad:
            raise bad[0]
        raise DataError("expected marks of images, but the file holds none", path=path)
    findings = tuple(map(left_out, bad))
    for name, found in by_image.items():
        yield name, findings, found
        findings = ()


def _annotated(
    name: str, marks: Marks, findings: tuple[Finding, ...], path: Path, options: SourceOptions
) -> Annotated:
    picture, entry = find_picture(name, path, options), f"image {name!r}"
    return Annotated(name, marks, picture, None, path, entry, findings=findings)


def _reading(read: Read, recognises: Callable[[Path], bool]) -> Read:
    """Read a table, or those in a folder, with the sizes and splits that rows or names state."""

    def read_all(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
        files = chosen_files(path, _TABLES, recognises, options)
        for file in files:
            facts, split = _facts_of(file), split_in_name(file) if files[1:] else None
            for item in read(file, classes, options):
                stated = facts.get(item.name, NO_FACTS)
                yield replace(
                    item,
                    size=stated.size,
                    split=stated.split or split,
                    is_listed=stated.split is not None,
                    findings=item.findings + stated.findings,
                )

    return read_all


def _facts_of(path: Path) -> dict[str, ImageFacts]:
    columns = fact_columns(first_header(path), _COLUMNS)
    if not columns:
        return {}
    rows = (
        (entry, row | {"image": plain_name(row["image"])})
        for entry, row in read_table(path, ("image",), lambda error: None)
    )
    return read_facts(rows, "image", columns)


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_BEGINNING).decode("utf-8-sig", errors="ignore")


def _has_header(columns: set[str], others: set[str]) -> Callable[[Path], bool]:
    """Recognise a csv by columns that it has, and others that it has not."""

    def recognises(path: Path) -> bool:
        header = set(first_header(path))
        return columns <= header and not others & header

    return recognises


def _has_clicks(path: Path) -> bool:
    """Recognise a JSON object of lists whose first item is a click."""
    text = _beginning(path)
    first = _FLAT_OBJECT.search(text) if _LIST_BY_NAME.match(text) else None
    return first is not None and {"cls", "x", "y"} <= json.loads(first[0]).keys()


def _format(name: str, summary: str, recognises: Callable[[Path], bool], read: Read) -> Format:
    """Return the format of a file, or of a folder with such a table and others beside it."""

    def fits(path: Path) -> bool:
        if path.is_file():
            return recognises(path)
        others = any(file.suffix.lower() in _OTHERS for file in nearest_files(path))
        return not others and holds_file(path, _TABLES, recognises)

    return Format(name, summary, fits, _reading(read, recognises))


_is_points_table = _has_header({"image", "class", "x", "y"}, _CORNERS)

CLICKS = _format(
    "points",
    "points as csv (image,class,x,y), or people's clicks as JSON (What's the Point)",
    lambda path: _is_points_table(path) or _has_clicks(path),
    _read_clicks,
)
BOXES = _format(
    "boxes",
    "boxes as csv (image,class,xmin,ymin,xmax,ymax; pixels from 0, both ends inside)",
    _has_header({"image", "class", *_CORNERS}, {"x", "y"}),
    _read_boxes,
)
TAGS = _format(
    "tags",
    "tags as csv (image,class; several classes a row or several rows an image)",
    _has_header({"image", "class"}, {"x", "y", *_CORNERS}),
    _read_tags,
)
