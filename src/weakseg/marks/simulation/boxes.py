"""Boxes from full masks."""

from __future__ import annotations

from collections.abc import Iterable

from weakseg.marks.kinds import Box
from weakseg.marks.simulation.objects import ObjectArea


def simulate_boxes(areas: Iterable[ObjectArea]) -> list[Box]:
    """Put a tight box around every object.

    Args:
        areas: The objects.

    Examples:
        >>> import numpy as np
        >>> from weakseg.marks.simulation.objects import find_objects
        >>> simulate_boxes(find_objects(np.array([[0, 0, 3], [0, 3, 3]], np.uint8)))
        [Box(class_id=3, xmin=1, ymin=0, xmax=2, ymax=1, instance=1)]
    """
    return [
        Box(
            area.class_id,
            area.columns.start,
            area.rows.start,
            area.columns.stop - 1,
            area.rows.stop - 1,
            area.instance,
        )
        for area in areas
    ]
