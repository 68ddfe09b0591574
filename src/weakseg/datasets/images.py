"""Reading photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakseg.errors import DataError
from weakseg.pictures import opened

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


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
