"""Reading picture files; whatever is wrong with one is said in one way."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from weakseg.support.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

UPRIGHT = 1  # of EXIF orientations
FIRST_TURNED = 5  # those from here on exchange height and width

# What Pillow raises on a damaged file, by the place of the damage.
_DAMAGED = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


@contextmanager
def opened(
    source: Path | bytes, *, what: str = "image", path: Path | None = None, hint: str = ""
) -> Iterator[Image.Image]:
    """Open a picture; errors inside the block that come of a damaged file are said too.

    Args:
        source: The file, or its bytes.
        what: What the file should be, for messages.
        path: The file that holds the bytes, for messages.
        hint: End of the message where the file is damaged.

    Yields:
        The picture, not decoded yet.

    Raises:
        DataError: The file is missing, truncated or no picture.
    """
    path = source if isinstance(source, Path) else path
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            yield picture
    except FileNotFoundError:
        raise DataError(f"there is no such {what}", path=path) from None
    except _DAMAGED as error:
        why = "its content is unknown" if "BytesIO" in str(error) else error
        raise DataError(f"is damaged or no {what} ({why}){hint}", path=path) from error


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image as RGB.

    Marks are in pixels of the stored picture, so an EXIF orientation is not applied.

    Args:
        path: Any format that Pillow reads.

    Returns:
        Picture, (H, W, 3), 8 bits a channel.

    Raises:
        DataError: The file is missing, truncated or no image.
    """
    with opened(path) as picture:
        return np.asarray(picture.convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """Give an image's height and width from its header alone.

    Raises:
        DataError: The file is missing or no image.
    """
    with opened(path) as picture:
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
    """Tell how a camera stored an opened picture, 1 (upright) to 8, as EXIF numbers them.

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
