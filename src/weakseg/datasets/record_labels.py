"""A record's marks, drawn as a recipe says."""

from __future__ import annotations

from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import LabelMap
from weakseg.annotations.rasterize import rasterize
from weakseg.config import DataConfig
from weakseg.datasets.folder import Record


def record_labels(
    record: Record,
    size: tuple[int, int],
    classes: ClassList,
    config: DataConfig,
    *,
    grow_scribbles: bool = True,
) -> LabelMap:
    """Draw the marks of an image.

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
    return rasterize(
        record.marks,
        size,
        classes,
        point_radius=config.point_radius,
        scribble_dilation=config.scribble_dilation if grow_scribbles else 0,
        boxes_complete=config.boxes_complete,
        image=record.name,
    )
