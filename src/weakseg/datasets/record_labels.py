"""A record's marks, drawn as a recipe says."""

from __future__ import annotations

import numpy as np

from weakseg.datasets.folder import Record
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
    """Draw the marks of an image, over what a stage of the run found out.

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
    if record.beneath is not None:
        found = read_label_map(record.beneath, num_classes=len(classes), image_size=size)
        labels = np.where(labels == UNLABELLED, found, labels)
    return labels
