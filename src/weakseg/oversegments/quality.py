"""How well regions keep to the outlines of a full mask.

Measures as in Neubert and Protzel, "Superpixel Benchmark and Comparison", Forum Bildverarbeitung
2012, over the pixels that are labelled: void ones lie between objects, where nobody knows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weakseg.marks.label_values import UNLABELLED, VOID

Labels = NDArray[np.integer]

# Outlines are drawn as void strips of about 5 pixels. The middle of a wider one is no outline.
_WIDEST_STRIP = 8


def boundary_recall(regions: Labels, truth: Labels, *, tolerance: float = 2.0) -> float:
    """Give the share of the mask's outlines that have a contour of the regions nearby.

    Between two labels with void between them, the outline is the middle of the void.

    Args:
        regions: Region ids, (H, W).
        truth: Label map, (H, W).
        tolerance: How far away the contour may be, in pixels.

    Returns:
        0 to 1; 1 where the mask has no outline.

    Raises:
        ValueError: The two are not of one size.

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
    outline = _contours(truth[tuple(nearest)]) & (away <= _WIDEST_STRIP / 2)
    if not outline.any():
        return 1.0
    contours = _contours(regions)
    if not contours.any():
        return 0.0
    distance = ndimage.distance_transform_edt(~contours)
    return float((distance[outline] <= tolerance).mean())


def contour_density(regions: Labels) -> float:
    """Give the share of pixels on contours: ragged ones find outlines by their mere number.

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
    """Give the share of pixels by which regions leak over the borders of the mask's areas.

    For every area and every region that meets it, the smaller of the region's two parts, inside
    and outside of the area, counts (the corrected error of Neubert and Protzel).

    Args:
        regions: Region ids, (H, W).
        truth: Label map, (H, W).

    Returns:
        0 or more.

    Raises:
        ValueError: The two are not of one size.

    Examples:
        >>> undersegmentation_error(np.array([[0, 0, 0, 1]]), np.array([[2, 2, 5, 5]]))
        0.5
    """
    shares = _overlap(regions, truth)
    inside = shares.sum()
    outside = shares.sum(axis=1, keepdims=True) - shares
    return float(np.minimum(shares, outside).sum() / inside) if inside else 0.0


def achievable_labels(regions: Labels, truth: Labels) -> NDArray[np.uint8]:
    """Give every region the class that most of its labelled pixels have.

    It is the best that a labelling of whole regions can be; its share of right pixels is the
    achievable segmentation accuracy.

    Args:
        regions: Region ids, (H, W).
        truth: Label map, (H, W).

    Returns:
        Label map, (H, W); void where a region has no labelled pixel.

    Raises:
        ValueError: The two are not of one size.

    Examples:
        >>> achievable_labels(np.array([[0, 0, 0, 1]]), np.array([[2, 2, 5, 5]])).tolist()
        [[2, 2, 2, 5]]
    """
    shares = _overlap(regions, truth)
    best = np.where(shares.any(axis=1), shares.argmax(axis=1), VOID).astype(np.uint8)
    return best[_numbered(regions)]


def achievable_accuracy(regions: Labels, truth: Labels) -> float:
    """Give the share of labelled pixels that `achievable_labels` gets right; 1 where none is.

    Raises:
        ValueError: The two are not of one size.
    """
    shares = _overlap(regions, truth)
    return float(shares.max(axis=1).sum() / shares.sum()) if shares.any() else 1.0


def _overlap(regions: Labels, truth: Labels) -> NDArray[np.int64]:
    """Count the labelled pixels of each region (R) and each class (256), (R, 256)."""
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
    """Mark the pixels whose right or lower neighbour is another, (H, W)."""
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
