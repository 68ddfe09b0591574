"""Photographs that a camera stored rotated, and the marks that were drawn on them."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from weakseg.formats.source import Annotated
from weakseg.images.orientation import (
    UPRIGHT,
    exif_orientation,
    shown_size,
    stored_size,
    turn_place,
    upright,
)
from weakseg.images.reading import map_size, opened_image
from weakseg.images.unused import unused_parts
from weakseg.marks.clipping import clip_marks
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks, Point, Polygon
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

_TURNED = "its marks, drawn on the pixels as they are stored, are turned with it"


@dataclass(frozen=True)
class UprightPicture:
    """An image as people see it, and the frame of its marks.

    Args:
        picture: The image file, or the bytes of one.
        size: Height and width of what the marks were drawn on.
        turn: EXIF orientation by which the marks must be turned to fit the image; 1: not at all.
        findings: What is odd.
    """

    picture: Path | bytes
    size: tuple[int, int]
    turn: int = UPRIGHT
    findings: tuple[Finding, ...] = ()


def upright_picture(item: Annotated) -> UprightPicture:
    """Return an image upright, as people see it.

    Most annotation tools show photographs upright, by their EXIF orientation, and count pixels
    there; others count those of the stored picture. The size that the file of marks states
    decides where it can; where none is stated, marks that fit one of the two alone.

    Raises:
        DataError: The image cannot be read, or has another size than the file of marks states.
    """
    assert item.picture is not None  # the caller has looked
    with opened_image(item.picture, what=f"image {item.name!r}", path=item.path) as picture:
        stored, shown = stored_size(picture), shown_size(picture)
        orientation = exif_orientation(picture)
        findings = _unused(item, picture)
        if orientation == UPRIGHT:
            _check_size(item, shown)
            return UprightPicture(item.picture, shown, findings=findings)
        marked = _marked_size(item)
        only_stored = marked is None and stored != shown and _fits_only(item, stored, shown)
        as_stored = only_stored or marked == stored != shown
        if not as_stored:
            _check_size(item, shown)
        anew = _stored_anew(upright(picture), picture.format)
    if as_stored:
        how = "some of its marks fit the stored pixels alone; " * only_stored + _TURNED
        finding = _rotated(item, orientation, f"it is written upright; {how}")
        return UprightPicture(anew, stored, orientation, (*findings, finding))
    if marked == shown != stored:
        return UprightPicture(anew, shown, findings=findings)
    how = "it is written upright; its marks are taken to be drawn on it as shown"
    finding = _rotated(item, orientation, how)
    return UprightPicture(anew, shown, findings=(*findings, finding))


def _fits_only(item: Annotated, size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether all marks of an image are inside one size, and some wholly outside another.

    Marks over the border of one are no sign: people draw them so.
    """
    left = clip_marks(item.marks, other)[0]
    kinds = ("points", "boxes", "strokes", "polygons")
    some_outside = any(len(getattr(left, kind)) < len(getattr(item.marks, kind)) for kind in kinds)
    return some_outside and not clip_marks(item.marks, size)[1]


def turned_to_shown(item: Annotated) -> Annotated | None:
    """Turn boxes and points that were drawn on a rotated picture as it is stored.

    Returns:
        The image with marks and size as people see it, and the one finding that says so; None
        where the size that the file of marks states is not that of the stored picture alone.
    """
    assert item.picture is not None  # the caller has looked
    try:
        with opened_image(item.picture, what=f"image {item.name!r}", path=item.path) as picture:
            stored, shown = stored_size(picture), shown_size(picture)
            orientation = exif_orientation(picture)
    except DataError:  # of the image, which is refused or reported where its pixels are read
        return None
    if orientation == UPRIGHT or not item.size == stored != shown:
        return None
    marks = turn_marks(item.marks, orientation, stored)
    findings = (_rotated(item, orientation, _TURNED),)
    return replace(item, marks=marks, size=shown, findings=findings)


def turn_marks(marks: Marks, orientation: int, stored: tuple[int, int]) -> Marks:
    """Turn boxes, points and outlines of a stored picture to where people see them.

    Lines and painted areas stay.

    Args:
        marks: The marks.
        orientation: EXIF orientation of the picture.
        stored: Height and width of the picture as it is stored.
    """

    def turned_box(box: Box) -> Box:
        edges = (box.xmin, box.ymin), (box.xmax + 1, box.ymax + 1)
        corners = [turn_place(*edge, orientation, stored) for edge in edges]
        columns, rows = zip(*corners, strict=True)
        return replace(
            box,
            xmin=min(columns),
            ymin=min(rows),
            xmax=max(columns) - 1,
            ymax=max(rows) - 1,
        )

    def turned_point(point: Point) -> Point:
        # The centre of the pixel that holds it, which stays inside the turned pixel.
        centre = math.floor(point.x) + 0.5, math.floor(point.y) + 0.5
        x, y = turn_place(*centre, orientation, stored)
        return replace(point, x=x, y=y)

    def turned_polygon(polygon: Polygon) -> Polygon:
        rings = (
            tuple(turn_place(x, y, orientation, stored) for x, y in ring) for ring in polygon.rings
        )
        return replace(polygon, rings=tuple(rings))

    return replace(
        marks,
        boxes=tuple(map(turned_box, marks.boxes)),
        points=tuple(map(turned_point, marks.points)),
        polygons=tuple(map(turned_polygon, marks.polygons)),
    )


def _marked_size(item: Annotated) -> tuple[int, int] | None:
    """Return the size of what marks were drawn on, as stated or as their label map has it."""
    label_map = item.marks.mask or item.marks.scribbles
    return map_size(label_map) if item.size is None and label_map is not None else item.size


def _rotated(item: Annotated, orientation: int, marks: str) -> Finding:
    return Finding(
        "unsure",
        f"image {item.name!r} is stored rotated (EXIF orientation {orientation}); {marks}",
        item.path,
        item.entry,
    )


def _unused(item: Annotated, picture: Image.Image) -> tuple[Finding, ...]:
    parts = unused_parts(picture)
    message = f"image {item.name!r}: weakseg does not use its {' and '.join(parts)}"
    return (Finding("unread", message, item.path, item.entry),) if parts else ()


def _stored_anew(picture: Image.Image, kind: str | None) -> bytes:
    buffer = io.BytesIO()
    if kind == "JPEG":
        picture.convert("RGB").save(buffer, "JPEG", quality=95)
    else:
        picture.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _check_size(item: Annotated, size: tuple[int, int]) -> None:
    if item.size is not None and item.size != size:
        inside = " (the one inside the file)" if isinstance(item.picture, bytes) else ""
        raise Entry(item.path, item.entry).error(
            f"says that image {item.name!r} has size (H, W) {item.size} while it is {size}"
            f"{inside}: its marks would lie wrongly; put the image there that was marked"
        )
