"""Marks cut off at the border of their image."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress
from pathlib import Path

import numpy as np

from weakseg.marks.drawing import extents_of
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke
from weakseg.support.wording import counted

_TOLERANCE = 1.0  # px: clicks on the very border are often a fraction outside


def clip_marks(
    marks: Marks, size: tuple[int, int], path: Path | None = None, entry: str | None = None
) -> tuple[Marks, tuple[Finding, ...]]:
    """Cut boxes off at the image's border and leave out marks that lie wholly outside.

    A point up to one pixel outside is moved to the border. Lines and areas are cut off when they
    are drawn.

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
    kept = {
        "points": tuple(point for point in points if point),
        "boxes": tuple(box for box in boxes if box.has_area),
        "strokes": tuple(mark for mark in marks.strokes if _touches(mark, size)),
        "polygons": _touching_polygons(marks.polygons, size),
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
    cut = sum(box.has_area and box != old for box, old in zip(boxes, marks.boxes, strict=True))
    if cut:
        findings.append(
            Finding(
                "outside",
                f"{cut} of {counted(len(boxes), 'box', 'boxes')} over the image's border; cut off "
                "there",
                path,
                entry,
            )
        )
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


def _extent(mark: Stroke | Region) -> tuple[float, float, float, float]:
    if isinstance(mark, Region):
        return mark.x, mark.y, mark.x + mark.width - 1, mark.y + mark.height - 1
    places = np.array(mark.path)
    reach = mark.width / 2
    left, top = (places.min(0) - reach).tolist()
    right, bottom = (places.max(0) + reach).tolist()
    return left, top, right, bottom


def _touching_polygons(polygons: tuple[Polygon, ...], size: tuple[int, int]) -> tuple[Polygon, ...]:
    left, top, right, bottom = extents_of([polygon.rings for polygon in polygons]).T
    inside = (right >= 0) & (bottom >= 0) & (left < size[1]) & (top < size[0])
    return tuple(compress(polygons, inside.tolist()))
