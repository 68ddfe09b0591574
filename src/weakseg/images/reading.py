"""Reading of picture files, with one kind of error for all that is wrong with one."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

MAX_PIXELS = 178_956_970
"""Pixels of the largest picture, of any kind, that is read or unpacked; Pillow's own limit."""

UPRIGHT = 1  # of EXIF orientations
FIRST_ROTATED = 5  # those from here on exchange height and width

# What Pillow raises on a damaged file, by the place of the damage.
_DAMAGED = (OSError, SyntaxError, ValueError, struct.error)
_EXPECTED = f"expected a picture of 1 to {MAX_PIXELS} pixels"
_PIXELS_PER_BYTE = 8 * 1032  # at most, in a PNG of 1 bit a pixel, as deflate packs 1032 to 1


def size_fault(height: float, width: float) -> str | None:
    """Return why no picture can have a size, or None if one can.

    Examples:
        >>> size_fault(480, 640)
        >>> size_fault(60_000, 60_000)
        'expected a picture of 1 to 178956970 pixels, but got one 60000 wide and 60000 high'
    """
    if min(height, width) >= 1 and height * width <= MAX_PIXELS:
        return None
    return f"{_EXPECTED}, but got one {width:.15g} wide and {height:.15g} high"


def read_size(height: Any, width: Any, entry: Entry, *, of: str = "the image") -> tuple[int, int]:
    """Read the height and width of a picture that a file states.

    Args:
        height: Height, a number or its text.
        width: Width.
        entry: Where they stand.
        of: Name of the picture in messages.

    Raises:
        DataError: They are not whole, not positive, or of no picture that can be read.
    """
    rows, columns = entry.number(height, f"{of}'s height"), entry.number(width, f"{of}'s width")
    fault = size_fault(rows, columns)
    if not (rows.is_integer() and columns.is_integer()):
        got = f"{rows:g} × {columns:g}"
        fault = f"expected whole numbers as {of}'s height and width, but got {got}"
    if fault:
        raise entry.error(fault)
    return int(rows), int(columns)


def stated_size(height: Any, width: Any, entry: Entry) -> tuple[int, int] | None:
    """Read a size as `read_size` does; 0, empty and missing mean that none is stated."""
    return read_size(height, width, entry) if height and width else None


@contextmanager
def opened(
    source: Path | bytes, *, what: str = "image", path: Path | None = None, hint: str = ""
) -> Iterator[Image.Image]:
    """Open a picture; what Pillow raises inside the block on a damaged file becomes a DataError.

    Args:
        source: The file, or its bytes.
        what: What the file should be, for messages.
        path: The file that holds the bytes, for messages.
        hint: End of the message where the file is damaged.

    Yields:
        The picture, not decoded yet.

    Raises:
        DataError: The file is missing, truncated, too large or no picture.
    """
    path = source if isinstance(source, Path) else path
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            _check_amount(picture, source)
            yield picture
    except FileNotFoundError:
        raise DataError(f"there is no such {what}", path=path) from None
    except Image.DecompressionBombError as error:
        raise DataError(f"{_EXPECTED} ({error})", path=path) from error
    except _DAMAGED as error:
        why = "its content is unknown" if "BytesIO" in str(error) else error
        raise DataError(f"is damaged or no {what} ({why}){hint}", path=path) from error


def _check_amount(picture: Image.Image, source: Path | bytes) -> None:
    """Refuse a PNG that is damaged so that it claims to be huge."""
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if picture.format == "PNG" and picture.width * picture.height > size * _PIXELS_PER_BYTE:
        raise ValueError(
            f"a picture of {picture.width} × {picture.height} pixels is not in {size} bytes"
        )


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image, of any format that Pillow reads, as RGB.

    Marks are in pixels of the stored picture, so an EXIF orientation is not applied.

    Returns:
        Picture, (H, W, 3), 8 bits a channel.

    Raises:
        DataError: The file is missing, truncated or no image.
    """
    with opened(path) as picture:
        return np.asarray(picture.convert("RGB"))


def image_size(path: Path, *, what: str = "image") -> tuple[int, int]:
    """Return an image's height and width from its header alone.

    Raises:
        DataError: The file is missing or no image.
    """
    with opened(path, what=what) as picture:
        return picture.height, picture.width


def check_image(path: Path) -> tuple[int, int]:
    """Decode an image at low cost.

    Returns:
        Its height and width.

    Raises:
        DataError: It is missing, truncated or no image.
    """
    with opened(path) as picture:
        size = picture.height, picture.width
        # JPEG decodes at an eighth of its size, and still fails where data is missing.
        picture.draft("RGB", (max(1, size[1] // 8), max(1, size[0] // 8)))
        picture.load()
        return size


def exif_orientation(picture: Image.Image, *, decode: bool) -> int:
    """Return how a camera stored an opened picture, 1 (upright) to 8, as EXIF numbers them.

    Args:
        picture: The picture.
        decode: Look everywhere, for which some formats are decoded, and not only into the header.
    """
    if not decode and "exif" not in picture.info:
        return UPRIGHT
    orientation: int = picture.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    return orientation if orientation in range(1, 9) else UPRIGHT


def find_images(folder: Path) -> dict[str, Path]:
    """Find the images below a folder, by their path inside it without the ending.

    Raises:
        DataError: Two images differ in nothing but their ending.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DataError(f"two images of one name: {found[name].name}, {path.name}", path=folder)
        found[name] = path
    return found


def is_image(path: Path) -> bool:
    """Check by its ending whether a file is an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def image_name(written: str) -> str:
    r"""Turn a path into an image's name as in `Annotated.name`.

    Examples:
        >>> image_name("..\\photos\\cat.final.jpg")
        'photos/cat.final'
    """
    path = Path(written.replace("\\", "/"))
    parts = [part for part in path.parts if part not in {"..", "."} and part != path.anchor]
    name = "/".join(parts)
    return name.removesuffix(path.suffix) if path.suffix.lower() in IMAGE_SUFFIXES else name
