"""Scores of a whole data set, from one confusion matrix over all its pixels.

Intersection over union is taken once, over the data set; the mean of per-image scores is another,
more flattering number. Pixels whose truth is void or unlabelled are never scored.

Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakseg.errors import DataError
from weakseg.method.constants import MAX_CLASSES, UNLABELLED, VOID

_MAX_BINS = 2**24
_SHOWN_VALUES = 5


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a data set.

    A class is *absent* if no scored pixel of the data set has it as its truth. An absent class has
    no score (NaN), is named in `absent`, and is left out of the mean; pixels wrongly given to it
    still count against the classes that they belong to.

    Args:
        classes: Names of the C classes, in the order of their ids.
        confusion: Number of pixels, (C, C), row the true class, column the predicted one.

    Raises:
        ValueError: The matrix does not fit the classes.

    Examples:
        >>> scores = Scores(("sky", "cow", "sea"), np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]))
        >>> scores.iou.round(3).tolist(), scores.absent
        ([0.75, 0.667, nan], ('sea',))
        >>> round(scores.mean_iou, 3), round(scores.pixel_accuracy, 3)
        (0.708, 0.833)
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    def __post_init__(self) -> None:
        _check_classes(self.classes)
        confusion = np.array(self.confusion, dtype=np.int64)
        size = len(self.classes)
        if confusion.shape != (size, size) or (confusion < 0).any():
            raise ValueError(
                f"Expected `confusion` to hold pixel counts, ({size}, {size}), one row and one "
                f"column a class, but got {confusion.tolist()}."
            )
        confusion.setflags(write=False)
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "confusion", confusion)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, (C,), 0 to 1; NaN where absent."""
        return self._share(self._truth + self._predicted - self._correct)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of a class's pixels that were found, (C,), 0 to 1; NaN where absent."""
        return self._share(self._truth)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of a class's predicted pixels that are right, (C,); NaN if absent or none."""
        return self._share(self._predicted)

    @property
    def mean_iou(self) -> float:
        """Mean of `iou` over the classes that are not absent, 0 to 1; NaN if all are."""
        present = self.iou[self._truth > 0]
        return float(present.mean()) if present.size else float("nan")

    @property
    def pixel_accuracy(self) -> float:
        """Share of the scored pixels that are right, 0 to 1; NaN if there are none."""
        total = int(self.confusion.sum())
        return float(self._correct.sum() / total) if total else float("nan")

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of the classes without any scored pixel in the truth."""
        pairs = zip(self.classes, self._truth, strict=True)
        return tuple(name for name, count in pairs if count == 0)

    def to_json(self) -> dict[str, Any]:
        """Give the scores as values that `json.dump` takes: fractions 0 to 1, None for NaN."""
        per_class = zip(self.classes, self.iou, strict=True)
        return {
            "mean_iou": _number(self.mean_iou),
            "pixel_accuracy": _number(self.pixel_accuracy),
            "iou": {name: _number(value) for name, value in per_class},
            "absent": list(self.absent),
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scores:
        """Read what `to_json` gave; the scores are computed again from the matrix.

        Raises:
            DataError: Classes or matrix are missing or do not fit each other.
        """
        try:
            return cls(tuple(data["classes"]), np.array(data["confusion"]))
        except (KeyError, TypeError, ValueError) as error:
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


class Confusion:
    """The confusion matrix of a data set, filled image by image.

    Args:
        classes: Names of the classes, in the order of their ids.

    Raises:
        ValueError: There are no classes, too many, or two of one name.

    Examples:
        >>> confusion = Confusion(["sky", "cow"])
        >>> confusion.update(np.array([[0, 1]]), np.array([[0, 255]]), "one.png")
        >>> confusion.compute().mean_iou
        1.0
    """

    def __init__(self, classes: Sequence[str]) -> None:
        _check_classes(classes)
        self.classes = tuple(classes)
        self.matrix = torch.zeros(len(classes), len(classes), dtype=torch.long)

    def update(
        self,
        prediction: NDArray[Any] | Tensor,
        truth: NDArray[Any] | Tensor,
        name: str | Path,
        *,
        truth_name: str | Path | None = None,
    ) -> None:
        """Count the pixels of one image.

        Args:
            prediction: Class ids, (H, W), everywhere, also where the truth is void.
            truth: Label map, (H, W).
            name: What an error calls the image, best the file of the prediction.
            truth_name: What an error calls the truth; `name` by default.

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
        self.add(label_confusion(prediction, truth, classes))

    def add(self, matrix: NDArray[np.int64] | Tensor) -> None:
        """Add the counts of another part of the data set, (C, C)."""
        matrix = torch.as_tensor(matrix)
        if matrix.shape != self.matrix.shape:
            raise ValueError(
                f"Expected `matrix` of shape {tuple(self.matrix.shape)}, "
                f"but got {tuple(matrix.shape)}."
            )
        self.matrix += matrix.cpu()

    def compute(self) -> Scores:
        """Give the scores of everything counted so far."""
        return Scores(self.classes, self.matrix.numpy())


def label_confusion(prediction: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """Count how often each true class was given each predicted one.

    Args:
        prediction: Class ids, any shape, integers 0 … C - 1; not checked, see `Confusion.update`.
        truth: Label map of the same shape; void and unlabelled pixels are not counted.
        num_classes: C.

    Returns:
        Counts, (C, C), row the true class, column the predicted one.

    Examples:
        >>> label_confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 255]), 2)
        tensor([[1, 1], [0, 0]])
    """
    # torchmetrics imports matplotlib.pyplot, which who only reads scores should not wait for
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


def _check_classes(classes: Sequence[str]) -> None:
    if isinstance(classes, str) or not 1 <= len(classes) <= MAX_CLASSES:
        raise ValueError(f"Expected 1 … {MAX_CLASSES} class names, but got {classes!r}.")
    if len(set(classes)) < len(classes):
        raise ValueError(f"Expected class names without repetition, but got {list(classes)}.")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
