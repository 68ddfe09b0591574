"""Seeds from activation maps: the pixels that are confidently of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.kinds import Box
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED
from weakseg.marks.rasterize import boxed
from weakseg.oversegments.region_maps import region_means
from weakseg.seeds.activations import Activations, normalise_by_class


@dataclass(frozen=True)
class SeedRules:
    """Thresholds above which an activation labels a pixel.

    Args:
        alpha: Exponent of the background's score, (1 − largest activation)^alpha.
        threshold: Minimum score of the winning class.
        box_threshold: Fraction of the largest activation in a box above which a pixel is labelled.
        box_fraction: A region with a smaller fraction inside the boxes is no part of their objects.
        boxes_complete: Every object has a box.
    """

    alpha: float = 6.0
    threshold: float = 0.2
    box_threshold: float = 0.5
    box_fraction: float = 0.9
    boxes_complete: bool = False


def seed_labels(
    activations: Activations,
    boxes: Sequence[Box],
    size: tuple[int, int],
    rules: SeedRules,
    *,
    background: bool,
    regions: NDArray[np.int32] | None = None,
) -> LabelMap:
    """Label the pixels of one image where its activation maps are confident.

    A class with boxes is labelled inside its boxes only. Pixels outside the boxes of an image whose
    boxes are complete are background already: drawing the marks labels them.

    Args:
        activations: Maps of the image's classes, 0 to 1, at any size.
        boxes: The image's boxes.
        size: Height and width of the image.
        rules: Thresholds.
        background: Class 0 is background.
        regions: Region ids, (H, W), over which activations are averaged, so that seeds follow their
            contours.

    Returns:
        Label map, (H, W); pixels below the thresholds are unlabelled.

    Source: SPML (arXiv 2105.00957), section 4.1 and its supplement; regions are our addition.
    """
    if not len(activations.class_ids):
        return np.full(size, UNLABELLED, np.uint8)
    maps = activations.resized(size)  # (K, H, W)
    if regions is not None:
        means = normalise_by_class(region_means(maps.maps, regions), minimum=1e-6)
        maps = Activations(maps.class_ids, means)
    labels = tag_seeds(maps, background=background, alpha=rules.alpha, threshold=rules.threshold)
    if not boxes:
        return labels
    inside = boxed(boxes, size)
    with_boxes = [box.class_id for box in boxes if box.class_id in maps.class_ids]
    labels[np.isin(labels, with_boxes) | (inside & (labels == 0) & background)] = UNLABELLED
    found = box_seeds(maps, boxes, threshold=rules.box_threshold)
    if regions is not None:
        leaking = region_means(inside[None].astype(np.float32), regions)[0] < rules.box_fraction
        complete = background and rules.boxes_complete
        found[leaking] = 0 if complete else UNLABELLED
    return np.where(found != UNLABELLED, found, labels)


def tag_seeds(
    activations: Activations, *, background: bool, alpha: float = 6.0, threshold: float = 0.2
) -> LabelMap:
    """Label each pixel with the class of the highest score.

    The background scores (1 − largest activation)^alpha.

    Args:
        activations: Maps of the image's classes, 0 to 1, (K, H, W) with K at least 1.
        background: Class 0 is background.
        alpha: Exponent of the background's score.
        threshold: Pixels whose highest score is below this stay unlabelled.

    Returns:
        Label map, (H, W).

    Examples:
        >>> maps = np.array([[[0.9, 0.5, 0.0]]], np.float32)
        >>> activations = Activations(np.array([3], np.uint8), maps)
        >>> tag_seeds(activations, background=True, threshold=0.6).tolist()
        [[3, 254, 0]]
    """
    ids, scores = activations.class_ids, activations.maps
    if background:
        score = (1 - scores.max(axis=0, keepdims=True)) ** alpha  # (1, H, W)
        ids, scores = np.append(np.uint8(0), ids), np.concatenate([score, scores])  # (K + 1, H, W)
    labels: LabelMap = np.where(
        scores.max(axis=0) >= threshold, ids[scores.argmax(axis=0)], np.uint8(UNLABELLED)
    )
    return labels


def box_seeds(
    activations: Activations, boxes: Sequence[Box], *, threshold: float = 0.5
) -> LabelMap:
    """Label the pixels with the strongest activations in every box.

    Args:
        activations: Maps of the image's classes, 0 to 1, (K, H, W).
        boxes: Boxes of the image.
        threshold: Fraction of the largest activation in the box above which a pixel is labelled.

    Returns:
        Label map, (H, W). Where boxes of two classes overlap, the higher fraction wins.
    """
    size = (activations.maps.shape[1], activations.maps.shape[2])
    labels = np.full(size, UNLABELLED, np.uint8)
    best = np.zeros(size, np.float32)
    index = {int(class_id): row for row, class_id in enumerate(activations.class_ids)}
    for box in boxes:
        window = box.window(size)
        if box.class_id not in index or labels[window].size == 0:
            continue
        inside: NDArray[np.float32] = activations.maps[index[box.class_id]][window]
        fraction = inside / max(float(inside.max()), 1e-6)
        won = (fraction > threshold) & (fraction > best[window])
        labels[window][won] = box.class_id
        best[window][won] = fraction[won]
    return labels
