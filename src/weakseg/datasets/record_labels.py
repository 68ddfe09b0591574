"""Label map of a record: its marks, drawn as a recipe says, over its pseudo-labels."""

from __future__ import annotations

import numpy as np

from weakseg.datasets.records import Record
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.label_values import UNLABELLED
from weakseg.marks.rasterize import rasterize
from weakseg.recipes.recipe import DataConfig


def record_labels(
    record: Record,
    size: tuple[int, int],
    classes: ClassList,
    config: DataConfig,
    *,
    grow_scribbles: bool = True,
) -> LabelMap:
    """Draw the marks of an image over its pseudo-labels.

    Args:
        record: The image with its marks.
        size: Its height and width.
        classes: The classes.
        config: How marks are drawn.
        grow_scribbles: Grow scribbles, as in training.

    Returns:
        Label map, (H, W).

    Raises:
        DataError: A mark does not fit.
    """
    labels = rasterize(
        record.marks,
        size,
        classes,
        point_radius=config.point_radius,
        scribble_dilation=config.scribble_dilation if grow_scribbles else 0,
        boxes_complete=config.boxes_complete,
        image=record.name,
    )
    if record.pseudo_labels is not None:
        found = read_label_map(record.pseudo_labels, num_classes=len(classes), image_size=size)
        labels = np.where(labels == UNLABELLED, found, labels)
    return labels
