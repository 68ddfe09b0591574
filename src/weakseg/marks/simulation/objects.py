"""The objects of a full mask, and the parts of its background: what a person marks one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from weakseg.marks.drawing import Canvas
from weakseg.marks.instance_maps import InstanceMap
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import MAX_CLASSES

Depth = NDArray[np.float64]  # (rows, columns); how far inside a pixel lies
_SMALL_PART = 0.1  # of the background's area, below which a part of it is not worth a mark


@dataclass(frozen=True, eq=False)
class ObjectArea:
    """An object, or a connected part of the background, cut out of its image.

    Args:
        class_id: The class.
        rows: Rows of the image that hold it.
        columns: Columns of the image that hold it.
        covered: Its pixels, (rows, columns).
        instance: Number of the object; none for background.
    """

    class_id: int
    rows: slice
    columns: slice
    covered: Canvas
    instance: int | None = None

    @cached_property
    def depth(self) -> Depth:
        """How deep each pixel lies inside, (rows, columns).

        The distance to the nearest pixel outside, at least 1; 0 outside. The image's border counts
        as an edge, since nobody draws along it.
        """
        distance: Depth = ndimage.distance_transform_edt(np.pad(self.covered, 1))
        return distance[1:-1, 1:-1]


def find_objects(
    labels: LabelMap,
    instances: InstanceMap | None = None,
    *,
    min_area: int = 1,
    has_background: bool = True,
) -> list[ObjectArea]:
    """Find the objects of a full mask.

    Objects are the instances where an instance map tells them apart. Classes that it does not
    count, and all classes where there is none, are cut into 8-connected regions. Background, void
    and unlabelled pixels are no objects.

    Args:
        labels: Label map, (H, W).
        instances: Instance map, (H, W).
        min_area: Smallest number of pixels of an object.
        has_background: Class 0 is background.

    Returns:
        The objects, numbered from 1 or as in the instance map.

    Raises:
        ValueError: Label map and instance map differ in size.

    Examples:
        >>> labels = np.array([[1, 1, 0, 1], [0, 0, 0, 1]], np.uint8)
        >>> [int(found.covered.sum()) for found in find_objects(labels)]
        [2, 2]
    """
    if instances is not None and instances.shape != labels.shape:
        raise ValueError(
            f"Expected `instances` to be as large as `labels`, {labels.shape}, "
            f"but got {instances.shape}."
        )
    countable = (labels < MAX_CLASSES) & (labels >= int(has_background))
    numbers = np.zeros(labels.shape, np.int64)
    if instances is not None:
        numbers = _own_pixels(labels, instances, countable)
        countable &= ~np.isin(labels, labels[numbers > 0])
    regions = _connected_regions(labels, countable)
    numbers[countable] = regions[countable] + numbers.max(initial=0)
    return _cut_out(labels, numbers, min_area)


def background_parts(labels: LabelMap, *, min_area: int = 1) -> list[ObjectArea]:
    """Find the connected parts of the background that a person would mark: all but scraps.

    Args:
        labels: Label map, (H, W), whose class 0 is background.
        min_area: Smallest number of pixels of a part.

    Examples:
        >>> labels = np.array([[0, 1, 0, 0], [0, 1, 0, 0]], np.uint8)
        >>> [int(part.covered.sum()) for part in background_parts(labels)]
        [2, 4]
    """
    background = labels == 0
    min_pixels = max(min_area, _SMALL_PART * background.sum())
    parts = _cut_out(labels, _connected_regions(labels, background), min_pixels)
    return [ObjectArea(0, part.rows, part.columns, part.covered) for part in parts]


def _connected_regions(labels: LabelMap, pixels: Canvas) -> NDArray[np.int64]:
    """Number, from 1, the 8-connected regions of equal label among some pixels; 0 elsewhere."""
    values = np.where(pixels, labels.astype(np.int64) + 1, 0)
    regions: NDArray[np.int64] = measure.label(values, background=0, connectivity=2)  # type: ignore[no-untyped-call]
    return regions


def _own_pixels(labels: LabelMap, instances: InstanceMap, countable: Canvas) -> NDArray[np.int64]:
    """Keep of every instance the pixels of its most frequent class."""
    numbers = np.where(countable & (instances > 0), instances, 0).astype(np.int64)
    keys, counts = np.unique(numbers * 256 + labels, return_counts=True)
    most: dict[int, int] = {}
    for place in np.argsort(counts, kind="stable"):  # the most frequent comes last, and stays
        most[int(keys[place]) // 256] = int(keys[place])
    kept = np.isin(numbers * 256 + labels, list(most.values()))
    return np.where(kept, numbers, 0)


def _cut_out(labels: LabelMap, numbers: NDArray[np.int64], min_area: float) -> list[ObjectArea]:
    found = np.unique(numbers[numbers > 0])
    compact = np.where(numbers > 0, np.searchsorted(found, numbers) + 1, 0)
    areas = []
    for number, part in zip(found.tolist(), ndimage.find_objects(compact), strict=True):
        rows, columns = part
        covered = numbers[rows, columns] == number
        if covered.sum() >= min_area:
            class_id = int(labels[rows, columns][covered][0])
            areas.append(ObjectArea(class_id, rows, columns, covered, number))
    return areas
