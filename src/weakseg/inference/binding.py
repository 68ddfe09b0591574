"""Predictions of an image that a person has marked, bound by what the marks say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Canvas
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import tags_of

Probabilities = NDArray[np.float32]  # (C, H, W)


def allowed_classes(labels: LabelMap, marks: Marks, classes: ClassList) -> NDArray[np.bool_]:
    """Say which classes an image may hold: those that its marks name, and background.

    So every class of an image needs a mark in it, of whatever kind. Where no class is named at
    all, all are allowed.

    Args:
        labels: The image's marks, drawn, (H, W).
        marks: Its marks, for tags and boxes.
        classes: The classes.

    Returns:
        One value a class, (C,).

    Examples:
        >>> classes = ClassList(("background", "cat", "dog"))
        >>> nothing_drawn = np.full((2, 2), UNLABELLED, np.uint8)
        >>> allowed_classes(nothing_drawn, Marks(tags=frozenset({2})), classes).tolist()
        [True, False, True]
        >>> allowed_classes(nothing_drawn, Marks(), classes).tolist()
        [True, True, True]
    """
    if not is_marked(labels, marks):
        return np.ones(len(classes), bool)
    allowed = np.array(tags_of(labels, marks, classes))
    allowed[0] |= classes.has_background
    return allowed


def is_marked(labels: LabelMap, marks: Marks) -> bool:
    """Tell whether any mark names a class, be it background; void names none."""
    return bool(marks.named_classes - {VOID} or (labels < UNLABELLED).any())


def box_limits(labels: LabelMap, marks: Marks, classes: ClassList) -> dict[int, Canvas]:
    """Say where classes with boxes may be: inside their boxes.

    Whoever marks a class outside of its boxes has not boxed all of it, so that class may be
    anywhere. Without a background class there are no limits, as something has to be outside.

    Args:
        labels: The image's marks, drawn, (H, W).
        marks: Its marks, for the boxes.
        classes: The classes.

    Returns:
        For each limited class, the pixels that it may have, (H, W).
    """
    if not classes.has_background:
        return {}
    inside: dict[int, Canvas] = {}
    for box in marks.boxes:
        if 0 < box.class_id < len(classes):
            inside.setdefault(box.class_id, np.zeros(labels.shape, bool))
            inside[box.class_id][box.window((labels.shape[0], labels.shape[1]))] = True
    return {
        class_id: boxed
        for class_id, boxed in inside.items()
        if not ((labels == class_id) & ~boxed).any()
    }


def bind(
    probabilities: Probabilities,
    allowed: NDArray[np.bool_],
    labels: LabelMap,
    *,
    limits: Mapping[int, Canvas] | None = None,
) -> Probabilities:
    """Leave to every pixel only what marks allow.

    A marked pixel is of its class. Elsewhere allowed classes share what there is in the same
    proportions; where that is nothing, they have equal shares.

    Args:
        probabilities: 0 or more, (C, H, W).
        allowed: Whether a class may be in the image, (C,).
        labels: The image's marks, drawn, (H, W); ids of C and above say nothing.
        limits: For some classes, the pixels that they may have, (H, W).

    Returns:
        Probabilities, (C, H, W), which add up to 1 over the classes.

    Raises:
        ValueError: Sizes do not fit, or no class is allowed.

    Examples:
        >>> probabilities = np.array([[[0.2, 0.2]], [[0.6, 0.6]], [[0.2, 0.2]]], np.float32)
        >>> labels = np.array([[2, UNLABELLED]], np.uint8)
        >>> bind(probabilities, np.array([True, False, True]), labels).tolist()
        [[[0.0, 0.5]], [[0.0, 0.0]], [[1.0, 0.5]]]
    """
    _check(probabilities, allowed, labels)
    bound = np.zeros(probabilities.shape, np.float32)
    bound[allowed] = probabilities[allowed]
    for class_id, inside in (limits or {}).items():
        bound[class_id][~inside] = 0
    total = bound.sum(axis=0)
    nothing = total <= 0
    bound[:, nothing] = _equal_shares(allowed, limits or {}, nothing)
    total[nothing] = 1
    bound /= total
    rows, columns = np.nonzero(labels < len(bound))
    bound[:, rows, columns] = 0
    bound[labels[rows, columns], rows, columns] = 1
    return bound


def _equal_shares(
    allowed: NDArray[np.bool_], limits: Mapping[int, Canvas], pixels: Canvas
) -> NDArray[np.float32]:
    """Share every one of N pixels equally between the classes it may have, (C, N)."""
    may_have = np.repeat(allowed[:, None], np.count_nonzero(pixels), axis=1)
    for class_id, inside in limits.items():
        may_have[class_id] &= inside[pixels]
    may_have[:, ~may_have.any(axis=0)] = allowed[:, None]
    shares: NDArray[np.float32] = (may_have / may_have.sum(axis=0)).astype(np.float32)
    return shares


def _check(probabilities: Probabilities, allowed: NDArray[np.bool_], labels: LabelMap) -> None:
    if probabilities.ndim != 3 or probabilities.shape[1:] != labels.shape:
        raise ValueError(
            f"Expected argument `probabilities` to be (C, H, W), where `labels` is {labels.shape}, "
            f"but got {probabilities.shape}."
        )
    if allowed.shape != (len(probabilities),) or not allowed.any():
        raise ValueError(
            f"Expected argument `allowed` to hold {len(probabilities)} values, not all of them "
            f"false, but got {allowed.tolist()}."
        )
