"""Quality of partial label maps (seeds, pseudo-labels) against full masks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from weakseg.evaluation.confusion import label_confusion
from weakseg.evaluation.scores import check_classes, class_iou, mean_known
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError

_NUMBERS = ("coverage", "accuracy", "miou", "miou_everywhere")


@dataclass(frozen=True)
class LabelQuality:
    """Quality of training labels; pixels whose ground truth is void are not counted.

    Args:
        images: Number of compared images.
        coverage: Fraction of the pixels that are labelled.
        accuracy: Fraction of the labelled pixels that are correct.
        miou: Mean IoU over the labelled pixels alone: the reliability of the labels.
        miou_everywhere: Mean IoU over all pixels, unlabelled ones being wrong: their closeness to
            full masks.
        iou: IoU of each class over the labelled pixels alone.
        iou_everywhere: IoU of each class over all pixels.

    A number is NaN where there is nothing to measure: a class without a compared pixel in the
    ground truth has no IoU and is left out of the mean.
    """

    images: int
    coverage: float
    accuracy: float
    miou: float
    miou_everywhere: float
    iou: Mapping[str, float]
    iou_everywhere: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as values that `json.dump` takes: fractions 0 to 1, None for NaN."""
        return {
            key: {name: _null(iou) for name, iou in value.items()}
            if isinstance(value, dict)
            else _null(value)
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LabelQuality:
        """Rebuild the quality from the result of `to_json`.

        Raises:
            DataError: A field is missing or no number.
        """
        try:
            values: dict[str, Any] = {key: _nan(data[key]) for key in _NUMBERS}
            for key in ("iou", "iou_everywhere"):
                values[key] = {str(name): _nan(iou) for name, iou in data[key].items()}
            return cls(images=int(data["images"]), **values)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise DataError(f"Expected the quality of labels, but got: {error!r}") from error


def label_quality(
    pairs: Iterable[tuple[LabelMap, LabelMap]], classes: Sequence[str]
) -> LabelQuality:
    """Compare label maps with full masks, in one pass over the data set.

    Args:
        pairs: Labels and ground truth of each image, (H, W) both; void labels count as unlabelled.
        classes: Names of the C classes, in the order of their ids.

    Returns:
        Quality over all pixels of all images at once.

    Raises:
        DataError: Labels and truth differ in size, or hold a value that is no class id.
        ValueError: The class names cannot be used.

    Examples:
        >>> labels, truth = np.array([[0, 0, 254, 1]]), np.array([[0, 1, 1, 1]])
        >>> quality = label_quality([(labels, truth)], ["background", "cow"])
        >>> quality.coverage, round(quality.accuracy, 3), quality.miou
        (0.75, 0.667, 0.5)
        >>> quality.iou_everywhere
        {'background': 0.5, 'cow': 0.333...}
    """
    check_classes(classes)
    size = len(classes)
    # the last column counts unlabelled pixels: a prediction that is never right
    matrix = np.zeros((size + 1, size + 1), np.int64)
    images = 0
    for labels, truth in pairs:
        _check(labels, truth, size, images)
        named = np.where(labels < UNLABELLED, labels, size)
        counted = label_confusion(torch.as_tensor(named), torch.as_tensor(truth), size + 1)
        matrix += counted.numpy()
        images += 1
    inside = matrix[:size, :size]
    iou, iou_everywhere = class_iou(inside), class_iou(matrix[:size])
    return LabelQuality(
        images=images,
        coverage=_fraction(inside.sum(), matrix.sum()),
        accuracy=_fraction(np.trace(inside), inside.sum()),
        miou=mean_known(iou),
        miou_everywhere=mean_known(iou_everywhere),
        iou=dict(zip(classes, iou.tolist(), strict=True)),
        iou_everywhere=dict(zip(classes, iou_everywhere.tolist(), strict=True)),
    )


def _check(labels: LabelMap, truth: LabelMap, classes: int, number: int) -> None:
    if labels.shape != truth.shape:
        raise DataError(
            f"Expected labels as large as the truth, (H, W) = {truth.shape}, "
            f"but got {labels.shape}.",
            entry=f"pair {number}",
        )
    for what, values in (("labels", labels), ("truth", truth)):
        known = values[(values != UNLABELLED) & (values != VOID)]
        if known.size and not 0 <= known.min() <= known.max() < classes:
            wrong = known.max() if known.max() >= classes else known.min()
            raise DataError(
                f"Expected the {what} to hold class ids 0 … {classes - 1}, but got {wrong}.",
                entry=f"pair {number}",
            )


def _fraction(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else float("nan")


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
