"""datumaro's annotations of an image -> marks."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weakseg.marks.drawing import Canvas, Size
from weakseg.marks.findings import Finding, Oddity
from weakseg.marks.kinds import Box, Drawn, Marks, Place, Point, Polygon, Region, Stroke
from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError


@dataclass(frozen=True)
class Where:
    """Where in people's files something is said.

    Args:
        path: The file.
        entry: The place in it.
    """

    path: Path
    entry: str | None = None

    def error(self, message: str) -> DataError:
        """Say that it is wrong."""
        return DataError(message, path=self.path, entry=self.entry)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Say so where what is there cannot be read; datumaro passes on any kind of error.

        Args:
            what: What should be there.
        """
        try:
            yield
        except DataError:
            raise
        except Exception as error:
            raise self.error(f"cannot be read as {what} ({_reason(error)})") from error

    def finding(self, kind: Oddity, message: str) -> Finding:
        """Say that it is odd."""
        return Finding(kind, message, self.path, self.entry)


def _reason(error: BaseException) -> str:
    """Say what went wrong first, and in which annotation, where datumaro tells."""
    place = ""
    while error.__cause__ is not None:
        number = getattr(error, "item_id", ("",))[0]
        place = f"annotation {number}, " if isinstance(number, int) else place
        error = error.__cause__
    message = re.sub(r"np\.\w+\((\d+)\)", r"\1", str(error))
    return f"{place}{type(error).__name__}: {message[:200]}"


def marks_of_item(
    item: Any,
    class_ids: Sequence[int],
    where: Where,
    *,
    frame: Size | None = None,
    rest: int = VOID,
) -> tuple[Marks, list[Finding]]:
    """Turn an item of a datumaro data set into marks.

    Labels become tags, boxes boxes (turned ones the upright boxes around them), points and lines
    what they are, polygons and ellipses polygons, masks regions. What is a crowd is left out: its
    class is void.

    Args:
        item: datumaro's DatasetItem.
        class_ids: Ids of classes by datumaro's number of the label.
        where: Where the marks come from, for messages.
        frame: Height and width of the image, if its masks tell of every pixel.
        rest: Id of the class of what none of such masks covers.

    Returns:
        The marks, and what was odd about them.

    Raises:
        DataError: A coordinate is not finite, or a label or mask is not what it should be.
    """
    tags: set[int] = set()
    drawn: list[Drawn] = []
    findings = []
    unread: Counter[str] = Counter()
    # Later marks win, so what lies on top comes last.
    for annotation in sorted(item.annotations, key=lambda one: getattr(one, "z_order", 0) or 0):
        kind = annotation.type.name
        if kind != "label" and kind not in _DRAWN:
            unread[kind] += 1
        elif annotation.label is None:
            findings.append(where.finding("unknown", f"a {kind} without a class; left out"))
        elif kind == "label":
            tags.add(_class_of(annotation, class_ids, where))
        else:
            _check_numbers(annotation, where)
            marks = list(_DRAWN[kind](annotation, _class_of(annotation, class_ids, where)))
            drawn += marks
            if not marks and kind != "points":  # key points may all be absent
                findings.append(where.finding("empty", f"a {kind} without any pixel; left out"))
    if any(_angle(annotation) for annotation in item.annotations):
        findings.append(
            where.finding("unsure", "turned boxes are taken as the upright boxes around them")
        )
    if unread:
        findings.append(left_out(unread, where))
    if frame is not None:
        drawn += _region(rest, _uncovered(drawn, frame))
    return _gathered(tags, drawn), findings


def left_out(kinds: Mapping[str, int], where: Where) -> Finding:
    """Say which kinds of annotations are not read, and how many of each there are."""
    found = ", ".join(f"{count} of kind {kind}" for kind, count in sorted(kinds.items()))
    return where.finding("unread", f"annotations that are not read: {found}")


def _class_of(annotation: Any, class_ids: Sequence[int], where: Where) -> int:
    if not 0 <= annotation.label < len(class_ids):
        raise where.error(
            f"class number {annotation.label} is not among the {len(class_ids)} of the file"
        )
    return VOID if annotation.attributes.get("is_crowd") else class_ids[annotation.label]


def _check_numbers(annotation: Any, where: Where) -> None:
    kind, points = annotation.type.name, getattr(annotation, "points", ())
    wrong = next((number for number in points if not math.isfinite(number)), None)
    if wrong is not None:
        raise where.error(f"expected finite coordinates of a {kind}, but got {wrong}")
    if kind != "rotated_bbox" and len(points) % 2:
        raise where.error(
            f"expected x and y of each corner of a {kind}, but got {len(points)} numbers"
        )


def _gathered(tags: set[int], drawn: Sequence[Drawn]) -> Marks:
    return Marks(
        frozenset(tags),
        boxes=tuple(mark for mark in drawn if isinstance(mark, Box)),
        points=tuple(mark for mark in drawn if isinstance(mark, Point)),
        strokes=tuple(mark for mark in drawn if isinstance(mark, Stroke)),
        polygons=tuple(mark for mark in drawn if isinstance(mark, Polygon)),
        regions=tuple(mark for mark in drawn if isinstance(mark, Region)),
    )


def _instance(annotation: Any) -> int | None:
    return annotation.group or annotation.id or None


def _places(numbers: Sequence[float]) -> tuple[Place, ...]:
    # datumaro keeps two digits, yet in 32 bits: 0.1 comes as 0.10000000149.
    pairs = np.round(np.array(numbers, np.float64), 2).reshape(-1, 2).tolist()
    return tuple((x, y) for x, y in pairs)


def _box(annotation: Any, class_id: int) -> Iterator[Box]:
    (left, top), (right, lower) = _places(annotation.points)
    if angle := _angle(annotation):
        left, top, right, lower = _around(left, top, right, lower, angle)
    box = Box.from_edges(class_id, left, top, right, lower, _instance(annotation))
    if box.has_area:
        yield box


def _turned_box(annotation: Any, class_id: int) -> Iterator[Box]:
    x, y, width, height, angle = np.round(np.array(annotation.points, np.float64), 2).tolist()
    half_width, half_height = width / 2, height / 2
    edges = _around(x - half_width, y - half_height, x + half_width, y + half_height, angle)
    box = Box.from_edges(class_id, *edges, _instance(annotation))
    if box.has_area:
        yield box


def _angle(annotation: Any) -> float:
    """Give the angle of a turned box, in degrees; CVAT's COCO files have it as an attribute."""
    if annotation.type.name == "rotated_bbox":
        return float(annotation.points[4])
    angle = annotation.attributes.get("rotation", 0) if annotation.type.name == "bbox" else 0
    return float(angle) if isinstance(angle, int | float) and math.isfinite(angle) else 0.0


def _around(
    left: float, top: float, right: float, lower: float, angle: float
) -> tuple[float, float, float, float]:
    """Give the edges of the upright box around a box turned about its centre."""
    cosine, sine = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    width, height = right - left, lower - top
    x, y = (left + right) / 2, (top + lower) / 2
    half_width = (width * cosine + height * sine) / 2
    half_height = (width * sine + height * cosine) / 2
    edges = (x - half_width, y - half_height, x + half_width, y + half_height)
    return tuple(round(edge, 2) for edge in edges)  # type: ignore[return-value]


def _points(annotation: Any, class_id: int) -> Iterator[Point]:
    places = _places(annotation.points)
    for (x, y), visibility in zip(places, annotation.visibility, strict=True):
        if visibility.name != "absent":
            yield Point(class_id, x, y, _instance(annotation))


def _stroke(annotation: Any, class_id: int) -> Iterator[Stroke]:
    if annotation.points:
        yield Stroke(class_id, _places(annotation.points), instance=_instance(annotation))


def _polygon(annotation: Any, class_id: int) -> Iterator[Polygon]:
    # An ellipse comes as the many corners of a polygon.
    yield Polygon(class_id, (_places(annotation.as_polygon()),), _instance(annotation))


def _mask(annotation: Any, class_id: int) -> Iterator[Region]:
    mask = np.asarray(annotation.image)
    if mask.ndim != 2:
        raise ValueError(f"expected a mask of one channel, but got {mask.ndim} dimensions")
    yield from _region(class_id, mask.astype(bool), _instance(annotation))


def _region(class_id: int, mask: Canvas, instance: int | None = None) -> Iterator[Region]:
    """Pack the part of a picture that holds an area, if there is any."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size:
        top, left = int(rows[0]), int(columns[0])
        part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
        yield Region.from_mask(class_id, part, left, top, instance=instance)


def _uncovered(drawn: Sequence[Drawn], frame: Size) -> Canvas:
    rest = np.ones(frame, bool)
    for region in drawn:
        if isinstance(region, Region):
            rows = slice(region.y, region.y + region.height)
            rest[rows, region.x : region.x + region.width] &= ~region.mask()
    return rest


_DRAWN: dict[str, Callable[[Any, int], Iterator[Drawn]]] = {
    "bbox": _box,
    "rotated_bbox": _turned_box,
    "points": _points,
    "polyline": _stroke,
    "polygon": _polygon,
    "ellipse": _polygon,
    "mask": _mask,
}
