"""Measures of regions against a ground-truth mask, for `oversegment.py`.

After Neubert and Protzel, "Superpixel Benchmark and Comparison", Forum Bildverarbeitung 2012, over
the labelled pixels: void ones lie between objects, where the class is ambiguous.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weakseg.marks.label_values import UNLABELLED, VOID

Labels = NDArray[np.integer]

# Outlines are drawn as void strips of about 5 pixels. The middle of a wider one is no outline.
_MAX_STRIP_WIDTH = 8


def boundary_recall(regions: Labels, truth: Labels, *, tolerance: float = 2.0) -> float:
    """Return the fraction of the mask's outlines that have a contour of the regions nearby.

    Between two labels with void between them, the outline is the middle of the void.

    Args:
        regions: Region ids, (H, W).
        truth: Label map of the ground truth, (H, W).
        tolerance: Maximum distance of the contour, in pixels.

    Returns:
        0 to 1; 1 where the mask has no outline.

    Raises:
        ValueError: The two differ in size.

    Examples:
        >>> truth = np.repeat([[0, 1]], 4, axis=1)
        >>> boundary_recall(np.arange(8)[None] // 3, truth, tolerance=1)
        1.0
    """
    _check_sizes(regions, truth)
    labelled = _labelled(truth)
    if not labelled.any():
        return 1.0
    away, nearest = ndimage.distance_transform_edt(~labelled, return_indices=True)
    outline = _contours(truth[tuple(nearest)]) & (away <= _MAX_STRIP_WIDTH / 2)
    if not outline.any():
        return 1.0
    contours = _contours(regions)
    if not contours.any():
        return 0.0
    distance = ndimage.distance_transform_edt(~contours)
    return float((distance[outline] <= tolerance).mean())


def contour_density(regions: Labels) -> float:
    """Return the fraction of pixels on contours: dense ragged contours recall outlines by accident.

    Args:
        regions: Region ids, (H, W).

    Returns:
        0 to 1.

    Examples:
        >>> contour_density(np.array([[0, 0, 1, 1]]))
        0.25
    """
    return float(_contours(regions).mean())


def undersegmentation_error(regions: Labels, truth: Labels) -> float:
    """Return the fraction of pixels by which regions leak across the borders of the mask's areas.

    Sums, over every area and every region that overlaps it, the smaller of the region's two parts,
    inside and outside the area (the corrected error of Neubert and Protzel).

    Args:
        regions: Region ids, (H, W).
        truth: Label map of the ground truth, (H, W).

    Returns:
        0 or more.

    Raises:
        ValueError: The two differ in size.

    Examples:
        >>> undersegmentation_error(np.array([[0, 0, 0, 1]]), np.array([[2, 2, 5, 5]]))
        0.5
    """
    inside = _overlap(regions, truth)
    outside = inside.sum(axis=1, keepdims=True) - inside
    total = inside.sum()
    return float(np.minimum(inside, outside).sum() / total) if total else 0.0


def achievable_labels(regions: Labels, truth: Labels) -> NDArray[np.uint8]:
    """Label every region with the most frequent class of its labelled pixels.

    No labelling of whole regions has more correct pixels; their fraction is the achievable
    segmentation accuracy.

    Args:
        regions: Region ids, (H, W).
        truth: Label map of the ground truth, (H, W).

    Returns:
        Label map, (H, W); void where a region has no labelled pixel.

    Raises:
        ValueError: The two differ in size.

    Examples:
        >>> achievable_labels(np.array([[0, 0, 0, 1]]), np.array([[2, 2, 5, 5]])).tolist()
        [[2, 2, 2, 5]]
    """
    pixels = _overlap(regions, truth)
    best = np.where(pixels.any(axis=1), pixels.argmax(axis=1), VOID).astype(np.uint8)
    return best[_numbered(regions)]


def achievable_accuracy(regions: Labels, truth: Labels) -> float:
    """Return the fraction of labelled pixels that `achievable_labels` gets right; 1 without any.

    Raises:
        ValueError: The two differ in size.
    """
    pixels = _overlap(regions, truth)
    return float(pixels.max(axis=1).sum() / pixels.sum()) if pixels.any() else 1.0


def _overlap(regions: Labels, truth: Labels) -> NDArray[np.int64]:
    """Count the labelled pixels of each of R regions and of each class, (R, 256)."""
    _check_sizes(regions, truth)
    numbers = _numbered(regions)
    count = int(numbers.max()) + 1
    labelled = _labelled(truth)
    pairs = numbers[labelled] * 256 + truth[labelled].astype(np.int64)
    return np.bincount(pairs, minlength=count * 256).reshape(count, 256)


def _numbered(regions: Labels) -> NDArray[np.int64]:
    """Number regions from 0 without gaps."""
    numbered: NDArray[np.int64] = np.unique(regions, return_inverse=True)[1].reshape(regions.shape)
    return numbered


def _labelled(truth: Labels) -> NDArray[np.bool_]:
    labelled: NDArray[np.bool_] = (truth != VOID) & (truth != UNLABELLED)
    return labelled


def _contours(labels: Labels) -> NDArray[np.bool_]:
    """Mark the pixels whose right or bottom neighbour has another label, (H, W)."""
    marked = np.zeros(labels.shape, bool)
    marked[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    marked[:-1] |= labels[1:] != labels[:-1]
    return marked


def _check_sizes(regions: Labels, truth: Labels) -> None:
    if regions.ndim != 2 or regions.shape != truth.shape:
        raise ValueError(
            "Expected `regions` and `truth` to be (H, W) of one size, but got "
            f"{regions.shape} and {truth.shape}."
        )
