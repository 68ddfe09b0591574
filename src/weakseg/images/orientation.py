"""EXIF orientation: how a camera stored a photograph, and how people see it."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

UPRIGHT = 1  # of EXIF orientations, 1 to 8
FIRST_ROTATED = 5  # those from here on exchange height and width

_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FLIPPED_COLUMNS, _FLIPPED_ROWS = {2, 3, 7, 8}, {3, 4, 6, 7}  # seen in the stored picture
_PNG_HEAD = 8  # bytes before the first chunk


def exif_orientation(picture: Image.Image) -> int:
    """Return how an opened picture is stored, 1 (upright) to 8, as EXIF numbers it.

    Nothing is decoded. Metadata that is damaged counts as upright.
    """
    if picture.format == "TIFF":
        value = getattr(picture, "tag_v2", {}).get(ExifTags.Base.Orientation, UPRIGHT)
    else:
        value = _exif_value(picture)
    return value if value in _TO_UPRIGHT else UPRIGHT


def stored_size(picture: Image.Image) -> tuple[int, int]:
    """Return the height and width of an opened picture as it is stored."""
    size = picture.height, picture.width
    # Pillow turns TIFF itself, and states the size of the turned picture from the start.
    return size[::-1] if picture.format == "TIFF" and _is_rotated(picture) else size


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """Return the height and width of an opened picture as people see it."""
    size = picture.height, picture.width
    return size[::-1] if picture.format != "TIFF" and _is_rotated(picture) else size


def upright(picture: Image.Image) -> Image.Image:
    """Return an opened picture as people see it."""
    if picture.format == "TIFF":  # Pillow does it while it decodes
        return picture
    orientation = exif_orientation(picture)
    return picture if orientation == UPRIGHT else picture.transpose(_TO_UPRIGHT[orientation])


def turn_array(stored: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn rows and columns of a stored picture, (H, W, …), into those that people see.

    Examples:
        >>> turn_array(np.array([[1, 2]], np.uint8), 6).tolist()
        [[1], [2]]
    """
    if orientation in _FLIPPED_COLUMNS:
        stored = stored[:, ::-1]
    if orientation in _FLIPPED_ROWS:
        stored = stored[::-1]
    return np.ascontiguousarray(stored.swapaxes(0, 1) if orientation >= FIRST_ROTATED else stored)


def turn_place(
    x: float, y: float, orientation: int, stored: tuple[int, int]
) -> tuple[float, float]:
    """Turn a place in a stored picture into the one at which people see it.

    Args:
        x: Place, in pixels from the left edge of the stored picture.
        y: Place, in pixels from its top edge.
        orientation: How it is stored.
        stored: Height and width of the stored picture.

    Examples:
        >>> turn_place(0.5, 0.5, 6, (20, 40))
        (19.5, 0.5)
    """
    height, width = stored
    if orientation in _FLIPPED_COLUMNS:
        x = width - x
    if orientation in _FLIPPED_ROWS:
        y = height - y
    return (y, x) if orientation >= FIRST_ROTATED else (x, y)


def _is_rotated(picture: Image.Image) -> bool:
    return exif_orientation(picture) >= FIRST_ROTATED


def _exif_value(picture: Image.Image) -> object:
    data = picture.info.get("exif") or _late_exif(picture)
    if not data:
        return UPRIGHT
    try:
        exif = Image.Exif()
        exif.load(data)
        return exif.get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # Pillow raises nearly anything on damaged metadata
        return UPRIGHT


def _late_exif(picture: Image.Image) -> bytes:
    """Find the EXIF data of a PNG that holds them after its pixels, without decoding these."""
    file = getattr(picture, "fp", None)
    if not isinstance(picture, PngImagePlugin.PngImageFile) or file is None:
        return b""
    place = file.tell()
    try:
        file.seek(_PNG_HEAD)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                found: bytes = file.read(length)
                return found
            file.seek(length + 4, io.SEEK_CUR)  # the chunk and its checksum
        return b""
    finally:
        file.seek(place)
