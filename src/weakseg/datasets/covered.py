"""Marks of objects that background would cover, where masks leave no object out."""

from __future__ import annotations

import numpy as np

from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.wording import counted

_NO_OBJECT = (0, UNLABELLED, VOID)
_NAMES = (("point", "points"), ("pixel of scribbles", "pixels of scribbles"), ("box", "boxes"))


def covered_marks(marks: Marks, scribbles: LabelMap | None, mask: LabelMap) -> str:
    """Describe marks of objects where a full mask, (H, W), is not labelled.

    Args:
        marks: Marks inside the image; void ones and those of background do not count.
        scribbles: Label map of scribbles, (H, W).
        mask: Label map in which what is not labelled is to be background. A box counts where the
            mask holds nothing of its class inside.

    Returns:
        A description; nothing where there are none.

    Examples:
        >>> from weakseg.marks.kinds import Point
        >>> mask = np.full((4, 4), 254, np.uint8)
        >>> covered_marks(Marks(points=(Point(1, 2, 2), Point(0, 0, 0))), None, mask)
        '1 point of objects lies'
    """
    apart = {0, VOID}
    points = [point for point in marks.points if point.class_id not in apart]
    boxes = [box for box in marks.boxes if box.class_id not in apart]
    drawn = np.zeros(mask.shape, bool) if scribbles is None else ~np.isin(scribbles, _NO_OBJECT)
    counts = (
        sum(bool(mask[int(point.y), int(point.x)] == UNLABELLED) for point in points),
        int((drawn & (mask == UNLABELLED)).sum()),
        sum(not (mask[box.window(mask.shape)] == box.class_id).any() for box in boxes),
    )
    named = [counted(n, *words) for n, words in zip(counts, _NAMES, strict=True) if n]
    if not named:
        return ""
    return f"{', '.join(named)} of objects {'lies' if sum(counts) == 1 else 'lie'}"
