"""Readers of points: csv (image,class,x,y) and the JSON of people's clicks on PASCAL VOC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakseg.images.names import NameOf, plain_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Point
from weakseg.marks.tables import OnBadRow, instance_of, read_table, refuse_row
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.json_files import read_json

Row = tuple[Entry, Mapping[str, Any]]  # place in the file; class, x, y, perhaps instance


def read_points(
    path: Path,
    classes: ClassFinder,
    name_of: NameOf = plain_name,
    on_bad_row: OnBadRow = refuse_row,
) -> dict[str, list[Point]]:
    """Read points of many images.

    Args:
        path: A csv with the header image,class,x,y and, where objects are numbered, instance; or
            a JSON object that maps an image's name to a list of
            ``{"cls": class id or name, "x": …, "y": …}`` (What's the Point, ECCV 2016).
        classes: The classes, to which every point must belong.
        name_of: Names of images by what is written.
        on_bad_row: Called with the error of an entry that is no point.

    Returns:
        Points by image name, which is without the ending; an image of the JSON may have none.

    Raises:
        DataError: The file cannot be read, or an entry is not a point of a known class.
    """
    rows_of = _json_rows if path.suffix.lower() == ".json" else _csv_rows
    points: dict[str, list[Point]] = {}
    for image, rows in rows_of(path, on_bad_row):
        found = points.setdefault(name_of(image), [])
        for entry, row in rows:
            class_id = classes.find(row["class"], entry)
            try:
                x, y = (entry.number(row[key], key) for key in ("x", "y"))
                found.append(Point(class_id, x, y, instance_of(row, entry)))
            except DataError as error:
                on_bad_row(error)
    return points


def _csv_rows(path: Path, on_bad_row: OnBadRow) -> Iterator[tuple[str, list[Row]]]:
    for entry, row in read_table(path, ("image", "class", "x", "y"), on_bad_row):
        yield row["image"], [(entry, row)]


def _json_rows(path: Path, on_bad_row: OnBadRow) -> Iterator[tuple[str, list[Row]]]:
    tree = read_json(path)
    if not isinstance(tree, dict):
        raise DataError("expected an object that maps image names to lists of points", path=path)
    for image, marks in tree.items():
        if not isinstance(marks, list):
            raise Entry(path, repr(image)).error(
                f"expected a list of points, but got {marks!r:.40}"
            )
        rows: list[Row] = []
        for number, mark in enumerate(marks, 1):
            entry = Entry(path, f"image {image!r}, point {number}")
            if not isinstance(mark, dict) or not {"cls", "x", "y"} <= mark.keys():
                on_bad_row(entry.error(f"expected cls, x and y, but got {mark!r:.80}"))
                continue
            rows.append((entry, {"class": mark["cls"], "x": mark["x"], "y": mark["y"]}))
        yield image, rows
