"""What the marks of an image say of its regions: which classes each can be, and how large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.kinds import Box
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.rasterize import boxed

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

_BACKGROUND_SHARE = 0.5  # of an image with tags
_INSIDE = 0.7  # fraction of a region inside boxes of a class, for it to be of that class
_BOX_FILL = 0.75  # fraction of these regions' area that the class covers


def region_areas(regions: NDArray[np.int32]) -> Floats:
    """Return the fraction of the image that each region covers, (R,)."""
    pixels = np.bincount(regions.ravel())
    return (pixels / regions.size).astype(np.float32)


def allowed_classes(
    regions: NDArray[np.int32],
    tags: Flags,
    labels: LabelMap,
    boxes: Sequence[Box],
    *,
    background: bool,
) -> Flags:
    """Return the classes that each region can be, by the marks of its image.

    Args:
        regions: Region ids, (H, W).
        tags: Classes of the image, (C,), background left out.
        labels: Its drawn marks, boxes left out, (H, W).
        boxes: Its boxes: a class with boxes is in regions that lie inside them, or in the one that
            does so best.
        background: Class 0 is background.

    Returns:
        (R, C). Where labels lie in a region, it can be the most frequent of them alone.

    Examples:
        >>> regions = np.array([[0, 0, 1, 1]], np.int32)
        >>> labels = np.array([[254, 254, 2, 254]], np.uint8)
        >>> tags = np.array([False, True, True])
        >>> allowed_classes(regions, tags, labels, (), background=True).astype(int).tolist()
        [[1, 1, 1], [0, 0, 1]]
    """
    count, num_classes = int(regions.max()) + 1, len(tags)
    pixels = np.maximum(np.bincount(regions.ravel(), minlength=count), 1)
    can_be = np.tile(tags, (count, 1))
    for class_id in {box.class_id for box in boxes} & set(np.flatnonzero(tags).tolist()):
        inside = boxed([box for box in boxes if box.class_id == class_id], regions.shape)
        fraction = np.bincount(regions[inside], minlength=count) / pixels  # (R,)
        can_be[:, class_id] = (fraction > 0) & (fraction >= min(_INSIDE, fraction.max(initial=0.0)))
    can_be[:, 0] |= background
    drawn = labels < num_classes
    votes = np.zeros((count, num_classes), int)
    np.add.at(votes, (regions[drawn], labels[drawn]), 1)
    marked = votes.any(axis=1)
    can_be[marked] = np.eye(num_classes, dtype=bool)[votes[marked].argmax(axis=1)]
    can_be[~can_be.any(axis=1)] = tags if tags.any() else True  # outside all boxes
    return can_be


def expected_share(
    allowed: Flags, areas: Floats, tags: Flags, boxes: Sequence[Box], *, background: bool
) -> Floats:
    """Return the fraction of an image that each class is expected to cover, (C,), sum 1.

    The background has half of it and tagged classes the rest in equal parts; a class with boxes has
    three quarters of the regions inside them.

    Examples:
        >>> tags, area = np.array([False, True, True]), np.array([0.5, 0.5], np.float32)
        >>> expected_share(np.ones((2, 3), bool), area, tags, (), background=True).tolist()
        [0.5, 0.25, 0.25]
    """
    objects = tags.copy()
    objects[0] &= not background
    share = objects * (1 - _BACKGROUND_SHARE * background) / max(1, int(objects.sum()))
    for class_id in {box.class_id for box in boxes} & set(np.flatnonzero(objects).tolist()):
        share[class_id] = _BOX_FILL * areas[allowed[:, class_id]].sum()
    if background:
        share[0] = max(0.05, 1 - share.sum())
    total = share.sum()
    return (share / total if total > 0 else np.full(len(tags), 1 / len(tags))).astype(np.float32)
