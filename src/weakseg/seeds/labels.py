"""Activation maps -> seeds: pixels that surely belong to a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.kinds import Box
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED
from weakseg.oversegments import region_means
from weakseg.seeds.activations import Activations


@dataclass(frozen=True)
class SeedRules:
    """When an activation is sure enough to label a pixel.

    Args:
        alpha: Exponent of the background's score, (1 − largest activation)^alpha.
        threshold: Least winning score of a tag or the background.
        box_threshold: Share of the largest activation in a box above which a pixel is labelled.
        box_share: A region with less than this share inside the boxes is no part of their objects.
        boxes_complete: Every object has a box.
    """

    alpha: float = 6.0
    threshold: float = 0.2
    box_threshold: float = 0.5
    box_share: float = 0.9
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
    """Label the pixels of one image where its activation maps are sure.

    A class with boxes is labelled inside its boxes only. What lies outside of all boxes of an
    image whose boxes are complete is background already, by the way marks are drawn.

    Args:
        activations: Maps of the image's classes, 0 to 1, at any size.
        boxes: The image's boxes.
        size: Height and width of the image.
        rules: When a pixel is labelled.
        background: Class 0 is background.
        regions: Region ids, (H, W), over which activations are averaged, so that seeds end where
            regions do.

    Returns:
        Label map, (H, W); what is not sure is unlabelled.

    Source: SPML (arXiv 2105.00957), section 4.1 and its supplement; regions are our addition.
    """
    if not len(activations.class_ids):
        return np.full(size, UNLABELLED, np.uint8)
    large = activations.resized(size)
    if regions is not None:
        large = Activations(large.class_ids, _by_largest(region_means(large.maps, regions)))
    labels = tag_seeds(large, background=background, alpha=rules.alpha, threshold=rules.threshold)
    if not boxes:
        return labels
    inside = np.zeros(size, bool)
    for box in boxes:
        inside[box.window(size)] = True
    boxed = [class_id for class_id in large.class_ids if class_id in {b.class_id for b in boxes}]
    labels[np.isin(labels, boxed) | (inside & (labels == 0) & background)] = UNLABELLED
    found = box_seeds(large, boxes, threshold=rules.box_threshold)
    if regions is not None:
        leaking = region_means(inside[None].astype(np.float32), regions)[0] < rules.box_share
        complete = background and rules.boxes_complete
        found[leaking] = 0 if complete else UNLABELLED
    return np.where(found != UNLABELLED, found, labels)


def tag_seeds(
    activations: Activations, *, background: bool, alpha: float = 6.0, threshold: float = 0.2
) -> LabelMap:
    """Give each pixel the class, or the background, of the highest score.

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
        behind = (1 - scores.max(axis=0, keepdims=True)) ** alpha
        ids, scores = np.append(np.uint8(0), ids), np.concatenate([behind, scores])
    labels: LabelMap = np.where(
        scores.max(axis=0) >= threshold, ids[scores.argmax(axis=0)], np.uint8(UNLABELLED)
    )
    return labels


def box_seeds(
    activations: Activations, boxes: Sequence[Box], *, threshold: float = 0.5
) -> LabelMap:
    """Label the strongest part of every box.

    Args:
        activations: Maps of the image's classes, 0 to 1, (K, H, W).
        boxes: Boxes of the image.
        threshold: Share of the largest activation in the box above which a pixel is labelled.

    Returns:
        Label map, (H, W). Where boxes of two classes meet, the higher share wins.
    """
    size = (activations.maps.shape[1], activations.maps.shape[2])
    labels = np.full(size, UNLABELLED, np.uint8)
    best = np.zeros(size, np.float32)
    places = {int(class_id): place for place, class_id in enumerate(activations.class_ids)}
    for box in boxes:
        window = box.window(size)
        if box.class_id not in places or labels[window].size == 0:
            continue
        inside: NDArray[np.float32] = activations.maps[places[box.class_id]][window]
        share = inside / max(float(inside.max()), 1e-6)
        won = (share > threshold) & (share > best[window])
        labels[window][won] = box.class_id
        best[window][won] = share[won]
    return labels


def _by_largest(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-6)
    return scaled
