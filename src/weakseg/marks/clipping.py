"""Marks cut off at the border of their image."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.drawing import extents_of, pasted
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke
from weakseg.support.wording import counted

_NAMES = {"boxes": "box", "strokes": "stroke", "polygons": "polygon", "regions": "region"}
_TOLERANCE = 1.0  # px: clicks on the very border are often a fraction outside


def clip_marks(
    marks: Marks, size: tuple[int, int], path: Path | None = None, entry: str | None = None
) -> tuple[Marks, tuple[Finding, ...]]:
    """Cut boxes off at the image's border and leave out marks that lie wholly outside.

    A point up to one pixel outside is moved to the border. Lines and areas are cut off when they
    are drawn, and counted here.

    Args:
        marks: Marks of an image.
        size: Its height and width.
        path: The file of marks, for the findings.
        entry: Where in it.

    Returns:
        The marks inside the image, and a finding for each kind of mark that was cut or left out.

    Examples:
        >>> inside, findings = clip_marks(Marks(boxes=(Box(1, -2, 0, 4, 3),)), (10, 10))
        >>> inside.boxes[0].xmin, len(findings)
        (0, 1)
    """
    points = [_clip_point(point, size) for point in marks.points]
    boxes = [_clip_box(box, size) for box in marks.boxes]
    touching, reaching = _polygons_at(marks.polygons, size)
    kept = {
        "points": tuple(point for point in points if point),
        "boxes": tuple(box for box in boxes if box.has_area),
        "strokes": tuple(mark for mark in marks.strokes if _touches(mark, size)),
        "polygons": tuple(compress(marks.polygons, touching.tolist())),
        "regions": tuple(mark for mark in marks.regions if _touches(mark, size)),
    }
    findings = [
        Finding(
            "outside",
            f"{lost} of {len(getattr(marks, kind))} {kind} outside the image, "
            f"which is {size[1]} wide and {size[0]} high; left out",
            path,
            entry,
        )
        for kind, inside in kept.items()
        if (lost := len(getattr(marks, kind)) - len(inside))
    ]
    over = {
        "boxes": sum(
            box.has_area and box != old for box, old in zip(boxes, marks.boxes, strict=True)
        ),
        "strokes": sum(_leaves(mark, size) for mark in marks.strokes),
        "polygons": int((touching & reaching).sum()),
        "regions": sum(_leaves(mark, size) for mark in marks.regions),
    }
    for kind, count in over.items():
        if count:
            total = counted(len(getattr(marks, kind)), _NAMES[kind], kind)
            message = f"{count} of {total} over the image's border; cut off there"
            findings.append(Finding("outside", message, path, entry))
    return replace(marks, **kept), tuple(findings)  # type: ignore[arg-type]


def _clip_point(point: Point, size: tuple[int, int]) -> Point | None:
    height, width = size
    x, y = float(np.clip(point.x, 0, width)), float(np.clip(point.y, 0, height))
    if max(abs(x - point.x), abs(y - point.y)) > _TOLERANCE:
        return None
    return point if (x, y) == (point.x, point.y) else replace(point, x=x, y=y)


def _clip_box(box: Box, size: tuple[int, int]) -> Box:
    height, width = size
    if min(box.xmin, box.ymin) >= 0 and box.xmax <= width - 1 and box.ymax <= height - 1:
        return box
    return replace(
        box,
        xmin=max(0, box.xmin),
        ymin=max(0, box.ymin),
        xmax=min(width - 1, box.xmax),
        ymax=min(height - 1, box.ymax),
    )


def _touches(mark: Stroke | Region, size: tuple[int, int]) -> bool:
    left, top, right, bottom = _extent(mark)
    return right >= 0 and bottom >= 0 and left < size[1] and top < size[0]


def _leaves(mark: Stroke | Region, size: tuple[int, int]) -> bool:
    """Whether a line or an area is inside the image and outside, by more than hands are exact."""
    left, top, right, bottom = _extent(mark)
    if not _touches(mark, size):
        return False
    if isinstance(mark, Region):
        if left >= 0 and top >= 0 and right < size[1] and bottom < size[0]:
            return False
        return 0 < int(pasted(size, mark).covered.sum()) < sum(mark.runs[1::2])
    return max(-left, -top, right - size[1], bottom - size[0]) > _TOLERANCE


def _extent(mark: Stroke | Region) -> tuple[float, float, float, float]:
    if isinstance(mark, Region):
        return mark.x, mark.y, mark.x + mark.width - 1, mark.y + mark.height - 1
    places = np.array(mark.path)
    reach = mark.width / 2
    left, top = (places.min(0) - reach).tolist()
    right, bottom = (places.max(0) + reach).tolist()
    return left, top, right, bottom


def _polygons_at(
    polygons: tuple[Polygon, ...], size: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which polygons reach into the image, and which out of it, for each one."""
    left, top, right, bottom = extents_of([polygon.rings for polygon in polygons]).T
    inside = (right >= 0) & (bottom >= 0) & (left < size[1]) & (top < size[0])
    outside = np.stack([-left, -top, right - size[1], bottom - size[0]]).max(0) > _TOLERANCE
    return inside, outside
