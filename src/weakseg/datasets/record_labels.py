"""Label map of a record: its marks, drawn as a recipe says, over its pseudo-labels."""

from __future__ import annotations

from weakseg.datasets.records import Record
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.rasterize import DrawingRules, lay_over, rasterize
from weakseg.recipes.recipe import DataConfig


def record_labels(
    record: Record,
    size: tuple[int, int],
    classes: ClassList,
    config: DataConfig,
    *,
    rules: DrawingRules | None = None,
) -> LabelMap:
    """Draw the marks of an image over its pseudo-labels.

    Args:
        record: The image with its marks.
        size: Its height and width.
        classes: The classes.
        config: How marks are drawn in training.
        rules: Other rules of drawing.

    Returns:
        Label map, (H, W).

    Raises:
        DataError: A mark does not fit.
    """
    labels = rasterize(
        record.marks,
        size,
        classes,
        rules or drawing_rules(config),
        image=record.name,
    )
    if record.pseudo_labels is None:
        return labels
    found = read_label_map(record.pseudo_labels, num_classes=len(classes), image_size=size)
    lay_over(found, labels)
    return found


def drawing_rules(config: DataConfig) -> DrawingRules:
    """Return how marks are drawn in training."""
    return DrawingRules(config.point_radius, config.scribble_dilation, config.boxes_complete)
