"""Boundary F-score: agreement of the outlines of classes.

The outline of a class is its pixels with a neighbour (up, down, left or right) of another class;
the frame of the image is no outline. A pixel of one outline is *met* if the other outline of its
class is within a small distance. Pixels are counted over the whole data set.

A void pixel within that distance of a scored one takes the nearest scored pixel's class, so that
the outline runs along the middle of PASCAL VOC's void bands; deeper void has no outline. There a
prediction may be right, so a predicted pixel counts only where it is met.

Sources: Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013;
Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation,
CVPR 2016 (DAVIS).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from weakseg.evaluation.class_counts import ClassCounts
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID

TOLERANCE = 0.0075
"""Maximal distance at which outlines meet, as a fraction of the image's diagonal."""


@dataclass(frozen=True, eq=False)
class BoundaryCounts(ClassCounts):
    """Numbers of outline pixels of C classes, each (C,).

    Args:
        predicted: Pixels of predicted outlines.
        predicted_met: Those met by a true outline.
        true: Pixels of true outlines.
        true_met: Those met by a predicted outline.

    Raises:
        ValueError: The counts are negative or inconsistent.

    Examples:
        >>> BoundaryCounts([10, 4, 0], [5, 0, 0], [20, 4, 0], [10, 0, 0]).f_score
        array([0.5, 0. , nan])
    """

    predicted: NDArray[np.int64]
    predicted_met: NDArray[np.int64]
    true: NDArray[np.int64]
    true_met: NDArray[np.int64]

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.predicted_met > self.predicted).any() or (self.true_met > self.true).any():
            raise ValueError(f"Expected at most as many pixels met as there are, but got {self}.")

    @property
    def f_score(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, (C,); NaN for a class without any outline."""
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall = self.predicted_met / self.predicted, self.true_met / self.true
            score = 2 * precision * recall / (precision + recall)
        score[(self.predicted_met == 0) | (self.true_met == 0)] = 0
        score[(self.predicted == 0) & (self.true == 0)] = np.nan
        return np.asarray(score)

    def to_json(self) -> dict[str, Any]:
        """Return the counts, and their tolerance, as values that `json.dump` takes."""
        return {"tolerance": TOLERANCE, **super().to_json()}


def count_boundaries(
    prediction: LabelMap, truth: LabelMap, num_classes: int, *, tolerance: float = TOLERANCE
) -> BoundaryCounts:
    """Count the outline pixels of one image, and those that are met.

    Args:
        prediction: Class ids, (H, W); not checked, see `Confusion.update`.
        truth: Ground truth, (H, W).
        num_classes: C.
        tolerance: Maximal distance, as a fraction of the diagonal; at least one pixel.

    Returns:
        Counts, (C,) each.

    Examples:
        >>> left, right = np.zeros((2, 9, 16), np.uint8)
        >>> left[:, :8], right[:, :11] = 1, 1
        >>> count_boundaries(left, right, 2, tolerance=0.1).f_score
        array([0., 0.])
        >>> count_boundaries(left, right, 2, tolerance=0.2).f_score
        array([1., 1.])
    """
    radius = max(1.0, tolerance * math.hypot(*truth.shape))
    predicted, predicted_class = _outline(prediction)
    true, true_class = _outline(_fill_void(truth, radius))
    predicted_met = np.zeros(len(predicted), bool)
    true_met = np.zeros(len(true), bool)
    for label in np.intersect1d(predicted_class, true_class):
        predicted_own, true_own = predicted_class == label, true_class == label
        predicted_met[predicted_own] = _met(predicted[predicted_own], true[true_own], radius)
        true_met[true_own] = _met(true[true_own], predicted[predicted_own], radius)
    counted = predicted_met | (truth[tuple(predicted.T)] < UNLABELLED)
    return BoundaryCounts(
        np.bincount(predicted_class[counted], minlength=num_classes),
        np.bincount(predicted_class[predicted_met], minlength=num_classes),
        np.bincount(true_class, minlength=num_classes),
        np.bincount(true_class[true_met], minlength=num_classes),
    )


def _outline(labels: LabelMap) -> tuple[NDArray[np.intp], LabelMap]:
    """Return the outline pixels of all classes, (N, 2), and their classes, (N,)."""
    on_outline = np.zeros(labels.shape, bool)
    for before, after in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        known = (labels[before] != VOID) & (labels[after] != VOID)
        changes = known & (labels[before] != labels[after])
        on_outline[before] |= changes
        on_outline[after] |= changes
    return np.argwhere(on_outline), labels[on_outline]


def _fill_void(truth: LabelMap, radius: float) -> LabelMap:
    """Fill void and unlabelled pixels with the class of the nearest scored one in the radius."""
    void = truth >= UNLABELLED
    filled = np.where(void, np.uint8(VOID), truth)
    # no scored pixel is nearer than those beside the void
    sources = np.argwhere(~void & maximum_filter(void, size=3))
    if len(sources):
        targets = np.argwhere(void)
        distance, nearest = cKDTree(sources).query(targets, distance_upper_bound=radius + 1)
        near = distance <= radius
        filled[tuple(targets[near].T)] = truth[tuple(sources[nearest[near]].T)]
    return filled


def _met(pixels: NDArray[np.intp], others: NDArray[np.intp], radius: float) -> NDArray[np.bool_]:
    """Return whether each pixel, (N, 2), has one of the others within the radius, (N,)."""
    distance, _ = cKDTree(others).query(pixels, distance_upper_bound=radius + 1)
    return np.asarray(distance <= radius)
