"""Region maps from lists of masks, as SAM writes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakseg.formats.run_lengths import read_run_lengths
from weakseg.oversegments.region_maps import MAX_REGIONS
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.json_files import read_json


def read_mask_list(path: Path, expected_size: tuple[int, int]) -> NDArray[np.int32]:
    """Read the masks of an image and paint the smaller ones over the larger ones.

    Args:
        path: JSON in the layout of SA-1B, an object with `annotations`; or the list alone, as
            returned by SAM's automatic mask generator. The `segmentation` of each mask has COCO's
            run lengths.
        expected_size: Height and width of the image.

    Returns:
        Region ids from 0 without gaps, (H, W). Pixels outside all masks are one region.

    Raises:
        DataError: The file is missing, damaged, has no such list, or masks of another size.
    """
    tree = read_json(path)
    if isinstance(tree, dict):
        tree = tree.get("annotations")
    items = Entry(path).list(tree, "the list of masks, or as its 'annotations'")
    if len(items) >= MAX_REGIONS:
        raise DataError(f"expected fewer than {MAX_REGIONS} masks, but got {len(items)}", path=path)
    masks = [
        _read_runs(item, Entry(path, f"mask {number}"), expected_size)
        for number, item in enumerate(items, 1)
    ]
    return _paint(masks, expected_size)


def _read_runs(item: object, entry: Entry, expected_size: tuple[int, int]) -> list[int]:
    mask = entry.object(item, "a mask")
    size, runs = read_run_lengths(mask.get("segmentation"), "'segmentation'", entry)
    if size != tuple(expected_size):
        raise entry.error(f"the mask (H, W) is {size} while its image is {tuple(expected_size)}")
    return runs


def _paint(masks: Sequence[Sequence[int]], size: tuple[int, int]) -> NDArray[np.int32]:
    """Paint masks, the largest first, over a background region, (H, W).

    Args:
        masks: Alternating lengths of runs outside and inside, column by column.
        size: Height and width.
    """
    height, width = size
    regions = np.zeros(width * height, np.int32)
    for number, runs in enumerate(sorted(masks, key=lambda runs: -sum(runs[1::2])), 1):
        ends = list(accumulate(runs))
        for start, end in zip(ends[::2], ends[1::2], strict=False):
            regions[start:end] = number
    visible = np.bincount(regions) > 0  # not hidden by smaller masks
    numbered = (np.cumsum(visible, dtype=np.int32) - 1)[regions]
    return np.ascontiguousarray(numbered.reshape(width, height).T)
