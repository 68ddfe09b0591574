"""Rotated boxes by their corners, as YOLO OBB writes them, which look like outlines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_VALUES = 9  # a class and four corners
_EXACT = 0.001  # of the image's size, by which a corner may miss the place of a parallelogram's
_MOST = 0.9  # of the lines; boxes that are cut off at the border are no parallelograms


def are_rotated_boxes(lines: Iterable[Sequence[str]]) -> bool | None:
    """Return whether lines of labels are rotated boxes by their corners.

    Nobody outlines objects by four corners alone that are always a parallelogram, which a rotated
    rectangle stays where it is measured in fractions of width and height.

    Args:
        lines: The values of each line.

    Returns:
        Whether they are; None where all have four corners, of other shapes.

    Examples:
        >>> turned = "0 0.6 0.6 0.8 0.7 0.7 0.9 0.5 0.8".split()
        >>> other = "0 0.6 0.6 0.8 0.7 0.7 0.9 0.4 0.8".split()
        >>> are_rotated_boxes([turned]), are_rotated_boxes([other]), are_rotated_boxes([other[:7]])
        (True, None, False)
    """
    rows = [line for line in lines if line]
    if not rows or any(len(row) != _VALUES for row in rows):
        return False
    try:
        fitting = sum(_is_parallelogram(list(map(float, row[1:]))) for row in rows)
    except ValueError:
        return False
    return True if fitting >= _MOST * len(rows) else None


def _is_parallelogram(corners: Sequence[float]) -> bool:
    """Whether the middle of both diagonals is the same."""
    return all(
        abs(corners[axis] + corners[axis + 4] - corners[axis + 2] - corners[axis + 6]) <= _EXACT
        for axis in (0, 1)
    )
