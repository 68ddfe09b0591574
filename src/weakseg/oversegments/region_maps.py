"""Region maps on disk: 16-bit grey PNG whose values are region ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from weakseg.images.reading import opened
from weakseg.support.contents import content_stamp
from weakseg.support.errors import DataError
from weakseg.support.files import replacing

MAX_REGIONS = 2**16
_MODES = {"L", "P", "I", "I;16", "I;16B", "I;16L"}
_HINT = "; a map that weakseg made may be deleted, and training makes it anew"
_MADE_FROM = "made from"  # a PNG's text with the stamp of the file it was made from
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def save_oversegment(
    path: Path, regions: NDArray[np.int32], *, made_from: Path | None = None
) -> None:
    """Write a region map.

    Args:
        path: The file; it appears only once it is whole.
        regions: Region ids, (H, W), 0 to 65535.
        made_from: File whose stamp is kept in the map, so that `is_current` notices a change.

    Raises:
        DataError: There are more regions than 16 bits can count.
        RunError: The disk is full, or the folder may not be written.
    """
    if regions.max() >= MAX_REGIONS:
        raise DataError(
            f"expected at most {MAX_REGIONS} regions, but got {regions.max() + 1}; "
            "cut at a higher threshold",
            path=path,
        )
    picture = Image.fromarray(regions.astype(np.uint16))
    notes = PngInfo()
    if made_from is not None:
        notes.add_text(_MADE_FROM, content_stamp(made_from))
    with replacing(path) as beside:
        picture.save(beside, format="PNG", compress_level=1, pnginfo=notes)


def load_oversegment(path: Path, expected_size: tuple[int, int] | None = None) -> NDArray[np.int32]:
    """Read a region map.

    Args:
        path: The file.
        expected_size: Height and width of the image it belongs to.

    Returns:
        Region ids, (H, W).

    Raises:
        DataError: The file is missing, damaged, no region map, or of another size.
    """
    with opened(path, what="region map", hint=_HINT) as picture:
        if picture.format != "PNG" or picture.mode not in _MODES:
            raise DataError(
                "expected a region map (grey PNG of 16 or 8 bits), but got "
                f"{picture.format} of mode {picture.mode}",
                path=path,
            )
        size = (picture.height, picture.width)
        # Checked before decoding: a damaged size could fill the memory.
        if expected_size is not None and size != tuple(expected_size):
            raise DataError(
                f"the region map (H, W) is {size} while its image is {tuple(expected_size)}{_HINT}",
                path=path,
            )
        return np.array(picture, dtype=np.int32)


def is_current(path: Path, image: Path, size: tuple[int, int]) -> bool:
    """Whether a region map is complete, of the image's size and made from the image as it is now.

    Of the map, only the start and the end are read.

    Args:
        path: The map.
        image: The file that it was made from.
        size: Height and width of the image.
    """
    try:
        with path.open("rb") as file:
            file.seek(-len(_PNG_END), 2)
            complete = file.read() == _PNG_END
        with opened(path, what="region map") as picture:
            made_from, of_size = picture.info.get(_MADE_FROM), (picture.height, picture.width)
        return complete and of_size == size and made_from == content_stamp(image)
    except (OSError, DataError):
        return False


def region_means(maps: NDArray[np.float32], regions: NDArray[np.int32]) -> NDArray[np.float32]:
    """Average values over regions.

    Args:
        maps: Values, (K, H, W).
        regions: Region ids, (H, W).

    Returns:
        The mean of each pixel's region, (K, H, W).

    Examples:
        >>> maps = np.array([[[1.0, 3.0, 8.0]]], np.float32)
        >>> region_means(maps, np.array([[0, 0, 1]], np.int32)).tolist()
        [[[2.0, 2.0, 8.0]]]
    """
    flat = regions.ravel()
    pixels = np.maximum(np.bincount(flat), 1)
    means = [(np.bincount(flat, values.ravel()) / pixels)[regions] for values in maps]
    return np.array(means, np.float32).reshape(maps.shape)
