"""Readers of points: csv (image,class,x,y) and the JSON of people's clicks on PASCAL VOC."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weakseg.annotations.classes import ClassList
from weakseg.annotations.marks import Point
from weakseg.annotations.tables import read_table
from weakseg.errors import DataError


def read_points(path: Path, classes: ClassList) -> dict[str, list[Point]]:
    """Read points of many images.

    Args:
        path: A csv with the header image,class,x,y, or a JSON object that maps an image's name to
            a list of ``{"cls": class id or name, "x": …, "y": …}`` (What's the Point, ECCV 2016).
        classes: The classes, to which every point must belong.

    Returns:
        Points by image name.

    Raises:
        DataError: The file cannot be read, or an entry is not a point of a known class.
    """
    rows = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    points: dict[str, list[Point]] = {}
    for entry, image, class_name, x, y in rows:
        class_id = classes.find(class_name, path=path, entry=entry)
        point = Point(class_id, _number(x, "x", path, entry), _number(y, "y", path, entry))
        points.setdefault(image, []).append(point)
    return points


def _csv_rows(path: Path) -> Iterator[tuple[str, str, Any, Any, Any]]:
    for entry, row in read_table(path, ("image", "class", "x", "y")):
        yield entry, row["image"], row["class"], row["x"], row["y"]


def _json_rows(path: Path) -> Iterator[tuple[str, str, Any, Any, Any]]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"is not readable as JSON ({error})", path=path) from error
    if not isinstance(tree, dict):
        raise DataError("expected an object that maps image names to lists of points", path=path)
    for image, marks in tree.items():
        if not isinstance(marks, list):
            raise DataError(f"expected a list of points, but got {marks!r:.40}", path=path,
                            entry=repr(image))  # fmt: skip
        for number, mark in enumerate(marks, 1):
            entry = f"image {image!r}, point {number}"
            if not isinstance(mark, dict) or not {"cls", "x", "y"} <= mark.keys():
                raise DataError(f"expected cls, x and y, but got {mark!r:.80}", path=path,
                                entry=entry)  # fmt: skip
            yield entry, image, mark["cls"], mark["x"], mark["y"]


def _number(value: Any, name: str, path: Path, entry: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"expected a number as {name}, but got {value!r}", path=path, entry=entry)
    return number
