"""Counts over a data set, image by image, from which its scores are computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakseg.evaluation.boundaries import BoundaryCounts, count_boundaries
from weakseg.evaluation.instances import InstanceCounts, count_instances
from weakseg.evaluation.scores import Scores, check_classes
from weakseg.marks.instance_maps import InstanceMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError

_MAX_BINS = 2**24
_SHOWN_VALUES = 5


class Confusion:
    """Confusion matrix, boundary and instance counts of a data set, filled image by image.

    Args:
        classes: Names of the classes, in the order of their ids.

    Raises:
        ValueError: There are no classes, too many, or two of the same name.

    Examples:
        >>> confusion = Confusion(["sky", "cow"])
        >>> confusion.update(np.array([[0, 1, 1]]), np.array([[0, 1, 255]]), "one.png")
        >>> confusion.compute().mean_iou
        1.0
    """

    def __init__(self, classes: Sequence[str]) -> None:
        check_classes(classes)
        self.classes = tuple(classes)
        self.matrix = torch.zeros(len(classes), len(classes), dtype=torch.long)
        self.boundary = BoundaryCounts.none(len(classes))
        self.instances = InstanceCounts.none(len(classes))
        self.single_image_iou: dict[str, float] = {}

    def update(
        self,
        prediction: NDArray[Any] | Tensor,
        truth: NDArray[Any] | Tensor,
        name: str | Path,
        *,
        truth_name: str | Path | None = None,
        image: str | None = None,
        instances: InstanceMap | None = None,
    ) -> None:
        """Count the pixels of one image.

        Args:
            prediction: Class ids, (H, W), everywhere, also where the ground truth is void.
            truth: Ground truth, (H, W).
            name: Name of the prediction in errors, best its file.
            truth_name: Name of the ground truth in errors; `name` by default.
            image: Name of the image in `Scores.single_image_iou`; `name` by default.
            instances: Ids of the true instances, (H, W); connected regions by default.

        Raises:
            DataError: The sizes differ, or a value is no class id.
        """
        prediction, truth = torch.as_tensor(prediction), torch.as_tensor(truth)
        classes = len(self.classes)
        if prediction.shape != truth.shape:
            raise DataError(
                f"Expected the prediction to be as large as the truth, (H, W) = "
                f"{tuple(truth.shape)}, but got {tuple(prediction.shape)}.",
                path=name,
            )
        _check_ids(prediction, classes, "prediction", name)
        _check_ids(truth[_scored(truth)], classes, "truth", truth_name or name)
        matrix = label_confusion(prediction, truth, classes).cpu()
        self.matrix += matrix
        # ids are below 255 now
        labels, true = (side.numpy(force=True).astype(np.uint8) for side in (prediction, truth))
        self.boundary += count_boundaries(labels, true, classes)
        self.instances += count_instances(labels, true, classes, instances)
        iou = _iou_of_image(matrix.numpy())
        if iou is not None:
            self.single_image_iou[str(image or name)] = iou

    def compute(self) -> Scores:
        """Return the scores of everything counted so far."""
        return Scores(
            self.classes, self.matrix.numpy(), self.boundary, self.instances, self.single_image_iou
        )


def label_confusion(prediction: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """Count the pixels of each pair of true and predicted class.

    Args:
        prediction: Class ids, any shape, integers 0 … C - 1; not checked, see `Confusion.update`.
        truth: Ground truth of the same shape; void and unlabelled pixels are not counted.
        num_classes: C.

    Returns:
        Counts, (C, C), row the true class, column the predicted one.

    Examples:
        >>> label_confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 255]), 2)
        tensor([[1, 1], [0, 0]])
    """
    # slow: torchmetrics imports matplotlib.pyplot, which reading scores does not need
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    scored = _scored(truth)
    prediction, truth = prediction[scored].long(), truth[scored].long()
    size = max(1, len(truth))
    if torch.are_deterministic_algorithms_enabled():
        # here torchmetrics counts with a table of pixels × classes²: 0.7 GB for a VOC image
        size = max(1, _MAX_BINS // num_classes**2)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long, device=truth.device)
    for predicted_part, truth_part in zip(
        torch.split(prediction, size), torch.split(truth, size), strict=True
    ):
        matrix += multiclass_confusion_matrix(
            predicted_part, truth_part, num_classes, validate_args=False
        )
    return matrix


def _scored(truth: Tensor) -> Tensor:
    return (truth != VOID) & (truth != UNLABELLED)


def _check_ids(labels: Tensor, classes: int, what: str, name: str | Path) -> None:
    if labels.is_floating_point():
        raise DataError(f"Expected whole numbers in the {what}, but got {labels.dtype}.", path=name)
    wrong = np.unique(labels[(labels < 0) | (labels >= classes)].numpy(force=True)).tolist()
    if wrong:
        shown = ", ".join(map(str, wrong[:_SHOWN_VALUES]))
        more = ", …" if len(wrong) > _SHOWN_VALUES else ""
        raise DataError(
            f"Expected the {what} to hold class ids 0 … {classes - 1}, but got {shown}{more}.",
            path=name,
        )


def _iou_of_image(matrix: NDArray[np.int64]) -> float | None:
    """Return the mean IoU over the classes in truth or prediction; None if no pixel is scored."""
    correct = np.diagonal(matrix)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - correct
    present = union > 0
    return float((correct[present] / union[present]).mean()) if present.any() else None
