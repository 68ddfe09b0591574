"""Areas of the classes in a label map, for formats that hold areas."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Canvas
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError


def class_areas(
    labels: LabelMap, classes: ClassList, image: str, *, background: bool = True
) -> Iterator[tuple[int, str, Canvas]]:
    """Split a label map into the areas of its classes; unlabelled and void pixels are in none.

    Args:
        labels: Label map, (H, W).
        classes: The classes.
        image: Name of the image, for the message.
        background: Yield the area of background too.

    Yields:
        For each class in the map: its id, its name and its area, (H, W).

    Raises:
        DataError: An id is of no class.

    Examples:
        >>> labels = np.array([[0, 1], [254, 255]], np.uint8)
        >>> [name for _, name, _ in class_areas(labels, ClassList(("background", "cat")), "a.jpg")]
        ['background', 'cat']
    """
    for class_id in np.setdiff1d(labels, [UNLABELLED, VOID]).tolist():
        if class_id >= len(classes):
            raise DataError(
                f"the label map holds id {class_id}, but {classes.source} has {len(classes)} "
                "classes",
                entry=f"image {image!r}",
            )
        if class_id == 0 and classes.has_background and not background:
            continue
        yield class_id, classes.names[class_id], labels == class_id
