"""Reading of picture files, with one kind of error for all that is wrong with one."""

from __future__ import annotations

import io
import logging
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.images.depth import depth_fault
from weakseg.images.orientation import shown_size, upright
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, WeaksegError
from weakseg.support.folders import files_below

# What Pillow has to say of a file is said by an error or a finding, in one form.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

USUAL_MAX_PIXELS = 4_000_000_000
"""Pixels of the largest picture, of any kind, that is read or unpacked, unless the user says so."""

# What Pillow raises on a damaged file, by the place of the damage.
_DAMAGED = (OSError, SyntaxError, ValueError, struct.error)
_PIXELS_PER_BYTE = 8 * 1032  # at most, in a PNG of 1 bit a pixel, as deflate packs 1032 to 1
_VARIABLE = "WEAKSEG_MAX_PIXELS"


def max_pixels() -> int:
    """Return the number of pixels of the largest picture that is read.

    It is `USUAL_MAX_PIXELS`, unless the environment's WEAKSEG_MAX_PIXELS is another.

    Raises:
        WeaksegError: The variable is no whole number from 1 on.
    """
    value = os.environ.get(_VARIABLE, "")
    if not value:
        return USUAL_MAX_PIXELS
    if value.isdecimal() and int(value) >= 1:
        return int(value)
    raise WeaksegError(f"{_VARIABLE}: expected a whole number from 1 on, but got {value!r}")


def size_fault(height: float, width: float) -> str | None:
    """Return why no picture can have a size, or None if one can.

    Examples:
        >>> size_fault(480, 640)
        >>> print(size_fault(60_000, 70_000))  # doctest: +NORMALIZE_WHITESPACE
        expected a picture of 1 to 4000000000 pixels, but got one 70000 wide and 60000 high; the
        limit is weakseg's own, and WEAKSEG_MAX_PIXELS sets another
    """
    limit = max_pixels()
    if min(height, width) >= 1 and height * width <= limit:
        return None
    fault = (
        f"expected a picture of 1 to {limit} pixels, but got one {width:.15g} wide and "
        f"{height:.15g} high"
    )
    if min(height, width) < 1:
        return fault
    return f"{fault}; the limit is weakseg's own, and {_VARIABLE} sets another"


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


_LOSSY = {"JPEG", "MPO", "JPEG2000"}


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
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with _lifted_limit, Image.open(file) as picture:
            fault = size_fault(picture.height, picture.width)
            if fault:
                raise DataError(fault, path=path)
            _check_amount(picture, source)
            yield picture
    except FileNotFoundError:
        raise DataError(f"there is no such {what}", path=path) from None
    except _DAMAGED as error:
        why = "its content is unknown" if "BytesIO" in str(error) else error
        raise DataError(f"is damaged or no {what} ({why}){hint}", path=path) from error


class _LiftedLimit:
    """Pillow's own limit, of 89 or 179 megapixels, out of force while weakseg has a picture open.

    It is global to the process, and looked at while a picture is opened and, for TIFF, decoded.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = 0
        self._limit: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._open == 0:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0:
                Image.MAX_IMAGE_PIXELS = self._limit


_lifted_limit = _LiftedLimit()


def _check_amount(picture: Image.Image, source: Path | bytes) -> None:
    """Refuse a picture that is damaged so that it claims to be huge."""
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    packed = picture.format in {"PNG", "JPEG"}
    if packed and picture.width * picture.height > size * _PIXELS_PER_BYTE:
        raise ValueError(
            f"a picture of {picture.width} × {picture.height} pixels is not in {size} bytes"
        )


@contextmanager
def opened_map(path: Path) -> Iterator[Image.Image]:
    """Open a label map as `opened` does, if its values are kept as they were written.

    Raises:
        DataError: It cannot be opened, or is a JPEG, whatever its name ends in.
    """
    with opened(path, what="label map") as picture:
        if picture.format in _LOSSY:
            raise DataError(
                "is a JPEG by its content, which changes the values of pixels, so that the edges "
                "of its areas are wrong: write the label map as PNG",
                path=path,
            )
        yield picture


def grey_hint(picture: Image.Image) -> str:
    """Return the end of a message on a label map in a mode of colours: what to do with it."""
    if picture.mode in {"LA", "RGB", "RGBA"}:
        pixels = np.asarray(picture.convert("RGB"))
        if pixels.any() and (pixels == pixels[..., :1]).all():  # black may be in any colour code
            return (
                "all its colours are grey: save it as grey PNG, whose values are class ids, or say "
                "--palette FILE"
            )
    return ""


@contextmanager
def opened_image(
    source: Path | bytes, *, what: str = "image", path: Path | None = None
) -> Iterator[Image.Image]:
    """Open an image as `opened` does, if it has 8 bits a channel.

    Raises:
        DataError: It cannot be opened, or has more bits.
    """
    with opened(source, what=what, path=path) as picture:
        fault = depth_fault(picture)
        if fault:
            raise DataError(fault, path=source if isinstance(source, Path) else path)
        yield picture


def rgb_pixels(picture: Image.Image) -> NDArray[np.uint8]:
    """Return an opened picture as people see it, in RGB, (H, W, 3), 8 bits a channel."""
    return np.asarray(upright(picture).convert("RGB"))


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image, of any format that Pillow reads, as RGB.

    A photograph that a camera stored rotated is made upright, as people see it and mark it.

    Returns:
        Picture, (H, W, 3), 8 bits a channel.

    Raises:
        DataError: The file is missing, truncated or no image, or has more than 8 bits a channel.
    """
    with opened_image(path) as picture:
        return rgb_pixels(picture)


def image_size(path: Path) -> tuple[int, int]:
    """Return the height and width of an image, as people see it, from its header alone.

    Raises:
        DataError: The file is missing or no image, or has more than 8 bits a channel.
    """
    with opened_image(path) as picture:
        return shown_size(picture)


def map_size(path: Path, *, what: str = "label map") -> tuple[int, int]:
    """Return the height and width of a picture whose pixels are numbers, from its header alone.

    Raises:
        DataError: The file is missing or no picture.
    """
    with opened(path, what=what) as picture:
        return picture.height, picture.width


def check_image(path: Path) -> tuple[int, int]:
    """Decode an image at low cost.

    Returns:
        Its height and width, as people see it.

    Raises:
        DataError: It is missing, truncated or no image, or has more than 8 bits a channel.
    """
    with opened_image(path) as picture:
        size = shown_size(picture)
        # JPEG decodes at an eighth of its size, and still fails where data is missing.
        picture.draft("RGB", (max(1, picture.width // 8), max(1, picture.height // 8)))
        picture.load()
        return size


def find_images(folder: Path) -> dict[str, Path]:
    """Find the images below a folder, by their path inside it without the ending.

    Raises:
        DataError: Two images differ in nothing but their ending.
    """
    found: dict[str, Path] = {}
    for path in files_below(folder):
        inside = path.relative_to(folder)
        if not is_image(path) or not path.is_file():
            continue
        name = inside.with_suffix("").as_posix()
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
        >>> image_name("C:\\photos\\cat.jpg"), image_name("/photos/cat.jpg")
        ('photos/cat', 'photos/cat')
    """
    drive = PureWindowsPath(written).drive
    # A drive is one letter; the share of a path like //server/share is a folder like others.
    written = written.removeprefix(drive) if drive.endswith(":") else written
    path = Path(written.replace("\\", "/"))
    parts = [part for part in path.parts if part not in {"..", "."} and part != path.anchor]
    name = "/".join(parts)
    return name.removesuffix(path.suffix) if path.suffix.lower() in IMAGE_SUFFIXES else name
