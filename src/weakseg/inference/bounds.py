"""What a person's marks allow each pixel of an image to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Canvas
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import boxed, tags_of

Probabilities = NDArray[np.float32]  # (C, H, W)
Window = tuple[slice, slice]  # rows and columns

WHOLE_IMAGE: Window = (slice(None), slice(None))


class Bounds:
    """Classes that the marks of one image allow, in all of it and at each pixel.

    Args:
        labels: The image's marks, drawn, (H, W).
        marks: Its marks, for tags and boxes.
        classes: The classes.

    Attributes:
        labels: The same, (H, W).
        is_marked: Whether any mark names a class, be it background; void names none.
        is_complete: Whether the marks leave no pixel open.
        named: Classes, but for background, that a mark names.
        allowed: Classes that the image may hold, (C,): those named, and background. So every class
            of an image needs a mark in it, of whatever kind. Where no class is named, all are
            allowed.
        limits: For each class that stays inside its boxes, the pixels in them, (H, W). A class
            that is marked outside of its boxes too may be anywhere. Without a background class
            there are no limits, as something has to be outside.

    Examples:
        >>> nothing_drawn = np.full((2, 2), UNLABELLED, np.uint8)
        >>> classes = ClassList(("background", "cat", "dog"))
        >>> Bounds(nothing_drawn, Marks(tags=frozenset({2})), classes).allowed.tolist()
        [True, False, True]
        >>> Bounds(nothing_drawn, Marks(), classes).allowed.tolist()
        [True, True, True]
    """

    def __init__(self, labels: LabelMap, marks: Marks, classes: ClassList) -> None:
        tags = np.array(tags_of(labels, marks, classes))
        self.labels = labels
        self.is_marked = bool(marks.named_classes - {VOID} or (labels < UNLABELLED).any())
        self.is_complete = not (labels == UNLABELLED).any()
        self.named: tuple[int, ...] = tuple(np.flatnonzero(tags).tolist())
        self.allowed: NDArray[np.bool_] = tags if self.is_marked else np.ones(len(classes), bool)
        self.allowed[0] |= classes.has_background
        self.limits = _box_limits(labels, marks, classes) if classes.has_background else {}

    def apply(self, probabilities: Probabilities, window: Window = WHOLE_IMAGE) -> Probabilities:
        """Return probabilities that keep to the bounds.

        A marked pixel is of its class. Elsewhere allowed classes keep their proportions; where all
        of them are 0, they are equal.

        Args:
            probabilities: 0 or more, of the window, (C, h, w).
            window: Rows and columns of the image.

        Returns:
            Probabilities, (C, h, w), which add up to 1 over the classes.

        Raises:
            ValueError: Sizes do not fit.

        Examples:
            >>> classes = ClassList(("background", "cat", "dog"))
            >>> labels = np.array([[2, UNLABELLED]], np.uint8)
            >>> bounds = Bounds(labels, Marks(), classes)
            >>> predicted = np.array([[[0.2, 0.2]], [[0.6, 0.6]], [[0.2, 0.2]]], np.float32)
            >>> bounds.apply(predicted).tolist()
            [[[0.0, 0.5]], [[0.0, 0.0]], [[1.0, 0.5]]]
        """
        labels = self.labels[window]  # (h, w)
        expected = (len(self.allowed), *labels.shape)
        if probabilities.shape != expected:
            raise ValueError(
                f"Expected argument `probabilities` to be (C, H, W), {expected}, "
                f"but got {probabilities.shape}."
            )
        bound = np.zeros(expected, np.float32)
        bound[self.allowed] = probabilities[self.allowed]
        for class_id, inside in self.limits.items():
            bound[class_id][~inside[window]] = 0
        total = bound.sum(axis=0)  # (h, w)
        nothing = total <= 0
        bound[:, nothing] = self._equal(window, nothing)
        total[nothing] = 1
        bound /= total
        rows, columns = np.nonzero(labels < len(bound))  # (N,) each
        bound[:, rows, columns] = 0
        bound[labels[rows, columns], rows, columns] = 1
        return bound

    def _equal(self, window: Window, pixels: Canvas) -> NDArray[np.float32]:
        """Return equal probabilities of all classes that each of N pixels may have, (C, N)."""
        may_have = np.repeat(self.allowed[:, None], np.count_nonzero(pixels), axis=1)  # (C, N)
        for class_id, inside in self.limits.items():
            may_have[class_id] &= inside[window][pixels]
        return np.asarray(may_have / may_have.sum(axis=0), np.float32)


def _box_limits(labels: LabelMap, marks: Marks, classes: ClassList) -> dict[int, Canvas]:
    size = (labels.shape[0], labels.shape[1])
    limits: dict[int, Canvas] = {}
    for class_id in {box.class_id for box in marks.boxes} & {*range(1, len(classes))}:
        inside = boxed((box for box in marks.boxes if box.class_id == class_id), size)
        if not ((labels == class_id) & ~inside).any():
            limits[class_id] = inside
    return limits
