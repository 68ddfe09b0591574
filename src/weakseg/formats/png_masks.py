"""Pictures inside JSON files: base64, and painted areas as PNGs."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PIL import Image

from weakseg.images.reading import opened
from weakseg.marks.drawing import Canvas, Size
from weakseg.support.entries import Entry


def read_base64(value: Any, what: str, entry: Entry) -> bytes:
    """Decode base64, with or without the head of a data URL.

    Raises:
        DataError: It is no base64.
    """
    try:
        if not isinstance(value, str):
            raise ValueError(f"got {value!r:.60}")
        return base64.b64decode(value.partition(",")[2] or value, validate=True)
    except ValueError as error:
        raise entry.error(f"expected base64 as {what} ({error})") from error


def read_png_mask(value: Any, limit: Size | None, entry: Entry) -> Canvas:
    """Decode a painted area from a PNG in base64.

    Args:
        value: The value.
        limit: Height and width that the area may have at most, where known.
        entry: Where it stands.

    Returns:
        The pixels that are not transparent or, in a picture without transparency, not 0, (h, w).

    Raises:
        DataError: It is no PNG, is damaged, or is too large.
    """
    return png_mask(read_base64(value, "the mask", entry), limit, entry)


def png_mask(raw: bytes, limit: Size | None, entry: Entry) -> Canvas:
    """Decode a painted area from the bytes of a PNG; see `read_png_mask`.

    Raises:
        DataError: It is no PNG, is damaged, or is too large.
    """
    if not raw.startswith(b"\x89PNG"):
        raise entry.error(f"expected a PNG as the mask, but got {raw[:8]!r}")
    with opened(raw, what=f"mask ({entry.name})", path=entry.path) as picture:
        if limit is not None and (picture.height > limit[0] or picture.width > limit[1]):
            raise entry.error(
                f"the mask (H, W) is {(picture.height, picture.width)}, larger than the image, "
                f"which is {limit}"
            )
        return painted(picture.getchannel("A") if "A" in picture.getbands() else picture)


def painted(picture: Image.Image) -> Canvas:
    """Return the pixels of a picture, (h, w), that are not 0 in all channels."""
    pixels = np.asarray(picture) > 0
    mask: Canvas = np.logical_or.reduce(pixels.reshape(*pixels.shape[:2], -1), axis=2)
    return mask
