"""Maps of instances on disk: grey or indexed PNG whose values number the objects of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.images.reading import opened
from weakseg.marks.label_values import VOID
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

InstanceMap = NDArray[np.integer[Any]]
"""Ids of instances, (H, W); 0: no instance."""

_MODES = {"1", "L", "P", "I", "I;16", "I;16B", "I;16L"}
_EIGHT_BITS = {"1", "L", "P"}


def read_instance_map(path: Path, expected_size: tuple[int, int]) -> InstanceMap:
    """Read a map of instances.

    Args:
        path: Grey or indexed PNG of 8 or 16 bits whose values are ids. 0 is no instance, nor is
            255 in a file of 8 bits, as in PASCAL VOC.
        expected_size: Height and width of the ground truth.

    Returns:
        Ids, (H, W).

    Raises:
        DataError: The file is missing, damaged, no instance map, or of another size.
    """
    with opened(path, what="instance map") as picture:
        size = picture.height, picture.width
        if picture.mode not in _MODES:
            raise Entry(path).error(
                "expected an instance map (grey or indexed, 8 or 16 bits), but got a picture of "
                f"mode {picture.mode}"
            )
        if size != expected_size:
            raise Entry(path).error(
                f"the instance map (H, W) is {size} while its truth is {expected_size}"
            )
        ids = np.array(picture, dtype=np.int32)
        if picture.mode in _EIGHT_BITS:
            ids[ids == VOID] = 0
    if ids.min(initial=0) < 0:
        raise DataError(f"expected ids of 0 or more, but got {ids.min()}", path=path)
    return ids
