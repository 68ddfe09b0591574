"""Key points after the boxes of YOLO's labels, where no kpt_shape says that there are any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MANY = 10  # lines that all look like a box with places in it are no outlines
_SLACK = 0.01  # of the image's size, by which a place may be outside of its box


def has_points(lines: Iterable[Sequence[str]]) -> bool | None:
    """Return whether lines of labels are boxes with key points after them.

    Outlines are longer than boxes, too, yet their corners are not all in the box that their first
    four numbers would be.

    Args:
        lines: The values of each line.

    Returns:
        Whether they are; None where they may be either, as there are few.

    Examples:
        >>> pose = "0 0.5 0.5 0.2 0.4 0.45 0.4 0.55 0.6".split()
        >>> has_points([pose] * 10), has_points([pose]), has_points([[*pose, "0.9", "0.9"]])
        (True, None, False)
    """
    longer = [line for line in lines if len(line) > 5]
    if not longer or any(len(line) != len(longer[0]) for line in longer):
        return False
    try:
        rows = [list(map(float, line[1:])) for line in longer]
    except ValueError:
        return False
    if (len(longer[0]) - 5) % 3 == 0 and all(map(_has_seen_places, rows)):
        return True
    if (len(longer[0]) - 5) % 2 or not all(_all_inside(row, row[4::2], row[5::2]) for row in rows):
        return False
    return True if len(rows) >= _MANY else None


def _has_seen_places(row: Sequence[float]) -> bool:
    """Whether each place has a third value, which is 2 where it is seen, else 1 or 0."""
    seen = row[6::3]
    are_seen = set(seen) <= {0.0, 1.0, 2.0} and 2.0 in seen
    return are_seen and _all_inside(row, row[4::3], row[5::3])


def _all_inside(row: Sequence[float], columns: Sequence[float], rows: Sequence[float]) -> bool:
    x, y, width, height = row[:4]
    across, down = width / 2 + _SLACK, height / 2 + _SLACK
    return all(
        (column, line) == (0, 0) or (abs(column - x) <= across and abs(line - y) <= down)
        for column, line in zip(columns, rows, strict=True)
    )
