"""Scores of a whole data set, from counts over all its pixels.

Every score is computed once, over the data set; the mean of per-image scores is another, more
flattering number. Pixels whose ground truth is void or unlabelled are never scored.

Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.evaluation.boundaries import BoundaryCounts
from weakseg.evaluation.instances import InstanceCounts
from weakseg.marks.label_values import MAX_CLASSES
from weakseg.support.errors import DataError

_WRITTEN_CONFUSIONS = 20


@dataclass(frozen=True)
class ConfusedPair:
    """A class predicted as another.

    Args:
        truth: Name of the true class.
        prediction: Name of the predicted class.
        pixels: Number of pixels.
        share: Their fraction of all scored pixels of the true class.
    """

    truth: str
    prediction: str
    pixels: int
    share: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a data set.

    A class is *absent* if it is the ground truth of no scored pixel. An absent class has no score
    (NaN), is listed in `absent`, and is left out of the mean; pixels wrongly predicted as it still
    count against their true classes.

    Args:
        classes: Names of the C classes, in the order of their ids.
        confusion: Number of pixels, (C, C), row the true class, column the predicted one.
        boundary: Outline pixels; None if not counted.
        instances: True instances and their recalls; None if not counted.
        single_image_iou: Mean IoU of each image, by name, over the classes in its ground truth or
            prediction. It ranks images, and is no score of the data set.

    Raises:
        ValueError: The counts do not match the classes.

    Examples:
        >>> scores = Scores(("sky", "cow", "sea"), np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]))
        >>> scores.iou.round(3).tolist(), scores.absent
        ([0.75, 0.667, nan], ('sea',))
        >>> round(scores.mean_iou, 3), round(scores.pixel_accuracy, 3)
        (0.708, 0.833)
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    boundary: BoundaryCounts | None = None
    instances: InstanceCounts | None = None
    single_image_iou: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_classes(self.classes)
        confusion = np.array(self.confusion, dtype=np.int64)
        size = len(self.classes)
        if confusion.shape != (size, size) or (confusion < 0).any():
            raise ValueError(
                f"Expected `confusion` to hold pixel counts, ({size}, {size}), one row and one "
                f"column a class, but got {confusion.tolist()}."
            )
        for counted in (self.boundary, self.instances):
            if counted is not None and counted.classes != size:
                raise ValueError(f"Expected counts of {size} classes, but got {counted.classes}.")
        wrong = [iou for iou in self.single_image_iou.values() if not 0 <= iou <= 1]
        if wrong:
            raise ValueError(f"Expected an image's IoU to be 0 to 1, but got {wrong[0]}.")
        confusion.setflags(write=False)
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "confusion", confusion)
        object.__setattr__(self, "single_image_iou", dict(self.single_image_iou))

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, (C,), 0 to 1; NaN where absent."""
        return class_iou(self.confusion)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Fraction of a class's pixels that were found, (C,); NaN where absent."""
        return self._share(self._truth)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Fraction of a class's predicted pixels that are correct, (C,); NaN if absent or none."""
        return self._share(self._predicted)

    @property
    def mean_iou(self) -> float:
        """Mean of `iou` over the classes that are not absent, 0 to 1.

        NaN if all are, or all but one of several: a mask of that class alone would have 1.
        """
        return float("nan") if self.only_class is not None else mean_known(self.iou)

    @property
    def only_class(self) -> str | None:
        """Name of the one class of several that the ground truth holds; None if it holds more."""
        held = np.flatnonzero(self._truth)
        is_one = len(held) == 1 < len(self.classes)
        return self.classes[held[0]] if is_one else None

    @property
    def boundary_f(self) -> NDArray[np.float64]:
        """Boundary F-score of each class, (C,), 0 to 1.

        NaN where the class is absent, has no outline (it fills every image), or was not counted.
        """
        if self.boundary is None:
            return np.full(len(self.classes), np.nan)
        return np.where(self._truth > 0, self.boundary.f_score, np.nan)

    @property
    def mean_boundary_f(self) -> float:
        """Mean of `boundary_f` over the classes that have it, 0 to 1; NaN if none does."""
        return mean_known(self.boundary_f)

    @property
    def instance_iou(self) -> NDArray[np.float64]:
        """Instance-weighted IoU of each class, (C,), 0 to 1; NaN where absent or not counted."""
        if self.instances is None:
            return np.full(len(self.classes), np.nan)
        false_positives = self._predicted - self._correct
        iou = np.full(len(self.classes), np.nan)
        found = self._truth * self.instances.mean_recall  # weighted true positives
        np.divide(found, self._truth + false_positives, out=iou, where=self._truth > 0)
        return iou

    @property
    def mean_instance_iou(self) -> float:
        """Mean of `instance_iou` over the classes that are not absent; NaN if all are."""
        return mean_known(self.instance_iou)

    @property
    def pixel_accuracy(self) -> float:
        """Fraction of the scored pixels that are correct; NaN if there are none."""
        total = int(self.confusion.sum())
        return float(self._correct.sum() / total) if total else float("nan")

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of the classes without any scored pixel in the ground truth."""
        pairs = zip(self.classes, self._truth, strict=True)
        return tuple(name for name, count in pairs if count == 0)

    def confusions(self, count: int) -> list[ConfusedPair]:
        """Return the most frequent confusions, those of most pixels first.

        Args:
            count: Maximal number; classes never confused are not among them.

        Examples:
            >>> Scores(("sky", "cow"), np.array([[3, 1], [0, 2]])).confusions(5)
            [ConfusedPair(truth='sky', prediction='cow', pixels=1, share=0.25)]
        """
        wrong = self.confusion - np.diag(self._correct)
        order = np.argsort(-wrong, axis=None, kind="stable")[: max(0, count)]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return [
            ConfusedPair(
                self.classes[true],
                self.classes[predicted],
                int(wrong[true, predicted]),
                float(wrong[true, predicted] / self._truth[true]),
            )
            for true, predicted in pairs
            if wrong[true, predicted]
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the scores as values that `json.dump` takes: fractions 0 to 1, None for NaN."""
        return {
            "mean_iou": _number(self.mean_iou),
            "mean_boundary_f": _number(self.mean_boundary_f),
            "mean_instance_iou": _number(self.mean_instance_iou),
            "pixel_accuracy": _number(self.pixel_accuracy),
            "iou": self._by_class(self.iou),
            "boundary_f": self._by_class(self.boundary_f),
            "instance_iou": self._by_class(self.instance_iou),
            "confusions": [asdict(pair) for pair in self.confusions(_WRITTEN_CONFUSIONS)],
            "single_image_iou": dict(self.single_image_iou),
            "absent": list(self.absent),
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "boundary": self.boundary and self.boundary.to_json(),
            "instances": self.instances and self.instances.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scores:
        """Rebuild scores from the counts in the result of `to_json`, also of older versions.

        Raises:
            DataError: Classes or matrix are missing, or counts are inconsistent.
        """
        boundary, instances = data.get("boundary"), data.get("instances")
        try:
            return cls(
                tuple(data["classes"]),
                np.array(data["confusion"]),
                None if boundary is None else BoundaryCounts.from_json(boundary),
                None if instances is None else InstanceCounts.from_json(instances),
                {str(name): float(iou) for name, iou in data.get("single_image_iou", {}).items()},
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise DataError(f"Expected `classes` and `confusion`, but got: {error}") from error

    @property
    def _correct(self) -> NDArray[np.int64]:
        return np.diagonal(self.confusion)

    @property
    def _truth(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def _predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(axis=0))

    def _share(self, whole: NDArray[np.int64]) -> NDArray[np.float64]:
        share = np.full(len(self.classes), np.nan)
        np.divide(self._correct, whole, out=share, where=(self._truth > 0) & (whole > 0))
        return share

    def _by_class(self, values: NDArray[np.float64]) -> dict[str, float | None]:
        return {name: _number(value) for name, value in zip(self.classes, values, strict=True)}


def check_classes(classes: Sequence[str]) -> None:
    """Check that class names can be scored.

    Raises:
        ValueError: There are no classes, too many, two of the same name, or one that is no name.
    """
    if isinstance(classes, str) or not 1 <= len(classes) <= MAX_CLASSES:
        raise ValueError(f"Expected 1 … {MAX_CLASSES} class names, but got {classes!r}.")
    if not all(isinstance(name, str) for name in classes) or len(set(classes)) < len(classes):
        raise ValueError(f"Expected class names without repetition, but got {list(classes)}.")


def class_iou(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the intersection over union of each class.

    Args:
        confusion: Number of pixels, (C, K), row the true class, column the predicted one. If K is
            larger than C, the further columns are predictions that are never correct.

    Returns:
        0 to 1, (C,); NaN for a class without a pixel in the ground truth.

    Examples:
        >>> class_iou(np.array([[3, 1, 2], [0, 2, 2]]))
        array([0.5, 0.4])
    """
    correct, truth = np.diagonal(confusion), confusion.sum(axis=1)
    union = truth + confusion.sum(axis=0)[: len(confusion)] - correct
    iou = np.full(len(confusion), np.nan)
    np.divide(correct, union, out=iou, where=truth > 0)
    return iou


def mean_known(values: NDArray[np.float64]) -> float:
    """Return the mean of the values that are not NaN; NaN if all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
