"""Photographs that a camera stored rotated, made to fit the marks that were drawn on them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from weakseg.formats.source import Annotated
from weakseg.images.reading import FIRST_ROTATED, UPRIGHT, exif_orientation, opened
from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry


def upright_picture(item: Annotated) -> tuple[Path | bytes, tuple[int, int], tuple[Finding, ...]]:
    """Return an image upright, as it was shown when its marks were drawn.

    weakseg reads pixels as they are stored. Annotation tools show photographs upright, by their
    EXIF orientation, and count pixels there: such a photograph is stored anew, upright. The
    size that the file of marks states decides where it can.

    Returns:
        The image file, or the bytes of one; its height and width; and findings.

    Raises:
        DataError: The image cannot be read, or has another size than the file of marks states.
    """
    assert item.picture is not None  # the caller has looked
    with opened(item.picture, what=f"image {item.name!r}", path=item.path) as picture:
        stored = picture.height, picture.width
        orientation = exif_orientation(picture, decode=True)
        shown = stored[::-1] if orientation >= FIRST_ROTATED else stored
        if orientation == UPRIGHT or (item.size == stored != shown):
            _check_size(item, stored)
            return item.picture, stored, ()
        _check_size(item, shown)
        upright = _stored_anew(ImageOps.exif_transpose(picture), picture.format)
    sure = item.size == shown != stored
    said = "" if sure else "; its marks are taken to be drawn on it as shown"
    finding = Finding(
        "unsure",
        f"image {item.name!r} is stored rotated (EXIF orientation {orientation}) and is written "
        f"upright{said}",
        item.path,
        item.entry,
    )
    return upright, shown, () if sure else (finding,)


def _stored_anew(picture: Image.Image, kind: str | None) -> bytes:
    buffer = io.BytesIO()
    if kind == "JPEG":
        picture.convert("RGB").save(buffer, "JPEG", quality=95)
    else:
        picture.save(buffer, "PNG")
    return buffer.getvalue()


def _check_size(item: Annotated, size: tuple[int, int]) -> None:
    if item.size is not None and item.size != size:
        raise Entry(item.path, item.entry).error(
            f"says that image {item.name!r} has size (H, W) {item.size} while it is {size}"
        )
