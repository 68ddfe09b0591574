"""Checks of the marks of one image, each independent of the others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from weakseg.formats.source import Annotated
from weakseg.images.reading import map_size, size_fault
from weakseg.marks.classes import DROPPED, ClassList
from weakseg.marks.clipping import clip_marks
from weakseg.marks.drawing import Size, filled
from weakseg.marks.findings import Finding, Oddity, finding_from
from weakseg.marks.kinds import Box, Drawn, Marks, Place, Point, Polygon, Region, Stroke
from weakseg.marks.label_values import MAX_CLASSES, VOID
from weakseg.support.errors import DataError
from weakseg.support.wording import counted

DRAWN = ("boxes", "points", "strokes", "polygons", "regions")
"""Fields of Marks that hold marks one by one."""

NEAR_EMPTY_AREA = 4
"""An area of fewer pixels is probably a slip."""

_NEAR_EMPTY_SIDE = 2  # pixels
_SURE_AREA = 100  # pixels; a polygon of that area is not nearly empty
_NAMES = {Box: "box", Point: "point", Stroke: "scribble", Polygon: "polygon", Region: "area"}


def entry_of(item: Annotated) -> str:
    """Return where in its file an image is, by its name unless the reader has a better place."""
    return item.entry or f"image {item.name!r}"


def finding_in(item: Annotated, kind: Oddity, message: str) -> Finding:
    """Return a finding with the place of an image in its file."""
    return Finding(kind, message, item.path, entry_of(item))


def usable_marks(
    item: Annotated, size: Size | None, classes: ClassList
) -> tuple[Marks, list[Finding]]:
    """Keep the marks that can be drawn, clipped to the image, and report the others.

    Args:
        item: The image with its marks.
        size: Its height and width; without them, only what needs no size is checked.
        classes: The classes.

    Returns:
        Marks that `draw_marks` takes, except label maps, which are not checked; and findings.
    """
    path, entry = item.path, entry_of(item)
    marks, findings = _sound_marks(item, classes)
    if size is not None:
        marks, outside = clip_marks(marks, size, path, entry)
        findings += outside
        findings += [
            Finding("empty", f"{_describe(mark, classes)} {fault}", path, entry)
            for mark, fault in _near_empty(marks, size)
        ]
    findings += [
        Finding("duplicate", f"{_describe(mark, classes)} is there {times} times", path, entry)
        for mark, times in _repeated(marks)
    ]
    return marks, findings


def label_map_fault(path: Path, size: Size) -> Finding | None:
    """Check by its header whether a label map exists and is as large as its image."""
    try:
        found = map_size(path)
    except DataError as error:
        return finding_from(error)
    if found != size:
        return Finding(
            "size",
            f"the label map is {size_text(found)} while its image is {size_text(size)}; left out",
            path,
        )
    return None


def size_text(size: Size) -> str:
    """Format a size as width × height.

    Examples:
        >>> size_text((375, 500))
        '500 × 375'
    """
    return f"{size[1]} × {size[0]}"


def position_text(x: float, y: float) -> str:
    """Format a position to a tenth of a pixel.

    Examples:
        >>> position_text(3.0, 17.4567)
        'x=3, y=17.5'
    """
    return f"x={round(x, 1):g}, y={round(y, 1):g}"


def is_class(class_id: int, classes: ClassList) -> bool:
    """Whether an id is one of a class."""
    return 0 <= class_id < min(len(classes), MAX_CLASSES)


def class_name(class_id: int, classes: ClassList) -> str:
    """Return the name of a class for messages."""
    return repr(classes.names[class_id]) if is_class(class_id, classes) else "void"


@lru_cache(maxsize=4)
def with_every_value(classes: ClassList) -> ClassList:
    """Name every value of a label map, so that wrong values are counted and not refused."""
    more = map(str, range(len(classes), MAX_CLASSES))
    return replace(classes, names=(*classes.names, *more)[:MAX_CLASSES])


def _sound_marks(item: Annotated, classes: ClassList) -> tuple[Marks, list[Finding]]:
    """Leave out marks of unknown classes, and those without a valid place."""
    marks = item.marks.without(DROPPED)
    faults: Counter[tuple[Oddity, str]] = Counter()

    def is_sound(mark: Drawn) -> bool:
        fault = _class_fault(mark.class_id, classes) or _shape_fault(mark)
        faults.update([fault] if fault else [])
        return fault is None

    kept = {field: tuple(filter(is_sound, getattr(marks, field))) for field in DRAWN}
    wrong = {tag for tag in marks.tags if _class_fault(tag, classes)}
    faults.update(fault for tag in wrong if (fault := _class_fault(tag, classes)))
    findings = [
        finding_in(item, kind, f"{counted(count, 'mark')} {text}; left out")
        for (kind, text), count in faults.items()
    ]
    sound = replace(marks, tags=marks.tags - wrong, **kept)  # type: ignore[arg-type]
    return sound, findings


def _class_fault(class_id: int, classes: ClassList) -> tuple[Oddity, str] | None:
    if is_class(class_id, classes) or class_id == VOID:
        return None
    return "unknown", f"of class {class_id}, which is not among the {len(classes)} classes"


def _shape_fault(mark: Drawn) -> tuple[Oddity, str] | None:
    """Return why a mark cannot be drawn on an image of any size; None if it can."""
    if isinstance(mark, Region):
        if size_fault(mark.height, mark.width) or min(0, 0, *mark.runs) < 0:
            return "damaged", "of an impossible size"
        if sum(mark.runs) != mark.height * mark.width:
            return "damaged", "whose runs do not fill their frame"
        return None if sum(mark.runs[1::2]) else ("empty", "that cover nothing")
    places = _places(mark)
    if not places:
        return "empty", "without a place"
    if not all(math.isfinite(value) for place in places for value in place):
        return "damaged", "at a place that is no number"
    if isinstance(mark, Stroke) and not math.isfinite(mark.width):
        return "damaged", "whose width is no number"
    if isinstance(mark, Box) and not mark.has_area:
        return "empty", "that cover nothing"
    return None


def _places(mark: Point | Box | Stroke | Polygon) -> list[Place]:
    match mark:
        case Point():
            return [(mark.x, mark.y)]
        case Box():
            return [(mark.xmin, mark.ymin), (mark.xmax, mark.ymax)]
        case Stroke():
            return list(mark.path)
        case Polygon():
            # A ring without a place would make the others undrawable.
            return [place for ring in mark.rings for place in ring] if all(mark.rings) else []


def _near_empty(marks: Marks, size: Size) -> Iterator[tuple[Drawn, str]]:
    for box in marks.boxes:
        width, height = box.xmax - box.xmin + 1, box.ymax - box.ymin + 1
        if min(width, height) < _NEAR_EMPTY_SIDE:
            yield box, f"is only {width:g} × {height:g} pixels"
    for polygon in marks.polygons:
        if _may_be_small(polygon):
            yield from _if_small(polygon, int(filled(size, polygon.rings).covered.sum()))
    for region in marks.regions:
        if region.kind == "mask":
            yield from _if_small(region, sum(region.runs[1::2]))


def _may_be_small(polygon: Polygon) -> bool:
    """Whether a polygon must be filled to measure it, by the area inside its first ring."""
    if len(polygon.rings) > 1:
        return True
    x, y = np.array(polygon.rings[0]).T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    return bool(area < _SURE_AREA)


def _if_small(mark: Drawn, area: int) -> Iterator[tuple[Drawn, str]]:
    if area < NEAR_EMPTY_AREA:
        yield mark, f"covers only {counted(area, 'pixel')}"


def _repeated(marks: Marks) -> Iterator[tuple[Drawn, int]]:
    for field in DRAWN:
        drawn = getattr(marks, field)
        if len(drawn) > 1:
            counts = Counter(replace(mark, instance=None) for mark in drawn)
            yield from ((mark, times) for mark, times in counts.items() if times > 1)


def _describe(mark: Drawn, classes: ClassList) -> str:
    if isinstance(mark, Region):
        row, column = divmod(mark.runs[0], mark.width)
        x, y = float(mark.x + column), float(mark.y + row)
    else:
        x, y = _places(mark)[0]
    return (
        f"a {_NAMES[type(mark)]} of {class_name(mark.class_id, classes)} at {position_text(x, y)}"
    )
