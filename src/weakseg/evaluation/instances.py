"""Instance-weighted IoU: small objects of a class count as much as large ones.

True positives and false negatives of an instance are weighted by the mean area of its class's
instances over its own area; false positives belong to no instance and are not weighted. With the
mean area over the scored data, the weighted true positives of a class are its true pixels times
the mean recall of its instances, so only the number of instances and the sum of their recalls are
counted.

Source: Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016,
section 4.1 (iIoU).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weakseg.evaluation.class_counts import ClassCounts
from weakseg.marks.instance_maps import InstanceMap
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID


@dataclass(frozen=True, eq=False)
class InstanceCounts(ClassCounts):
    """The true instances of C classes.

    Args:
        count: Number of instances, (C,).
        recall: Sum of their recalls (the fraction of an instance's pixels that were found), (C,).

    Raises:
        ValueError: The numbers are negative, not finite or inconsistent.
    """

    count: NDArray[np.int64]
    recall: NDArray[np.float64] = field(metadata={"dtype": np.float64})

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.recall > self.count * (1 + 1e-9)).any():
            raise ValueError(f"Expected recalls of 1 at most, but got {self}.")

    @property
    def mean_recall(self) -> NDArray[np.float64]:
        """Mean recall of a class's instances, (C,); NaN where it has none."""
        mean = np.full(self.count.shape, np.nan)
        np.divide(self.recall, self.count, out=mean, where=self.count > 0)
        return mean


def count_instances(
    prediction: LabelMap, truth: LabelMap, num_classes: int, instances: InstanceMap | None = None
) -> InstanceCounts:
    """Count the true instances of one image, and the found fraction of each.

    Args:
        prediction: Class ids, (H, W); not checked, see `Confusion.update`.
        truth: Ground truth, (H, W); void and unlabelled pixels belong to no instance.
        num_classes: C.
        instances: Ids of instances, (H, W). A class's pixels without an id, or all without a map,
            are split into connected regions (of 8 neighbours).

    Returns:
        Counts, (C,) each.

    Examples:
        >>> truth = np.array([[1, 0, 1, 1]], np.uint8)
        >>> counts = count_instances(np.array([[1, 0, 0, 0]], np.uint8), truth, 2)
        >>> counts.count, counts.mean_recall
        (array([1, 2]), array([1. , 0.5]))
    """
    scored = truth < UNLABELLED
    instance = split_instances(truth, instances)[scored]
    label = truth[scored]
    area = np.bincount(instance)[1:]
    found = np.bincount(instance, weights=prediction[scored] == label)[1:]
    recall = np.asarray(found / area, np.float64)
    class_of = np.zeros(len(area) + 1, np.int64)
    class_of[instance] = label
    return InstanceCounts(
        np.bincount(class_of[1:], minlength=num_classes),
        np.bincount(class_of[1:], weights=recall, minlength=num_classes).astype(np.float64),
    )


def split_instances(truth: LabelMap, instances: InstanceMap | None = None) -> NDArray[np.int64]:
    """Number the instances of a label map.

    Args:
        truth: Label map, (H, W).
        instances: Ids of instances, (H, W); one id in two classes is two instances.

    Returns:
        1, 2, … at the pixels of each instance, 0 at void and unlabelled ones, (H, W).
    """
    scored = np.where(truth < UNLABELLED, truth, np.uint8(VOID))
    if instances is None:
        return _regions(scored)
    given = (instances > 0) & (scored != VOID)
    rest = np.where(given, np.uint8(VOID), scored)
    numbers = _regions(rest)
    key = instances[given].astype(np.int64) * (VOID + 1) + truth[given]
    numbers[given] = numbers.max(initial=0) + 1 + np.unique(key, return_inverse=True)[1]
    return numbers


def _regions(labels: LabelMap) -> NDArray[np.int64]:
    from skimage import measure  # slow to import

    numbers = measure.label(labels, background=VOID, connectivity=2)  # type: ignore[no-untyped-call]
    return np.asarray(numbers, np.int64)
