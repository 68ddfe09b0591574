"""Marks of one image -> its label map and tags."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import LabelMap, read_label_map
from weakseg.annotations.marks import Marks, Point
from weakseg.errors import DataError
from weakseg.method.constants import UNLABELLED, VOID


def rasterize(
    marks: Marks,
    size: tuple[int, int],
    classes: ClassList,
    *,
    point_radius: float = 6.0,
    scribble_dilation: float = 3.0,
    image: str = "image",
) -> LabelMap:
    """Draw the marks that say which pixel is what.

    Marks that say more win over marks that say less: mask over scribble over point. Tags and boxes
    label no pixel.

    Args:
        marks: Marks of the image.
        size: Height and width of the image.
        classes: The classes.
        point_radius: Radius of a point's disc, in pixels (the paper: 6).
        scribble_dilation: Pixels by which scribbles grow into what is unlabelled (the paper: 3).
        image: Name of the image, for messages.

    Returns:
        Label map, (H, W); what no mark says is unlabelled.

    Raises:
        DataError: A point is outside the image, or a label map does not fit.
    """
    labels = np.full(size, UNLABELLED, np.uint8)
    for point in marks.points:
        draw_disc(labels, point, point_radius, image=image)
    if marks.scribbles is not None:
        scribbles = read_label_map(marks.scribbles, num_classes=len(classes), image_size=size)
        _lay_over(labels, dilate(scribbles, scribble_dilation))
    if marks.mask is not None:
        mask = read_label_map(marks.mask, num_classes=len(classes), image_size=size)
        _lay_over(labels, mask)
    return labels


def draw_disc(labels: LabelMap, point: Point, radius: float, *, image: str = "image") -> None:
    """Draw a point into a label map as a filled disc, cut off at the border.

    Args:
        labels: Label map, (H, W), changed in place.
        point: The point.
        radius: Radius in pixels; 0 marks one pixel.
        image: Name of the image, for the message.

    Raises:
        DataError: The point is outside the image.

    Examples:
        >>> labels = np.full((5, 5), UNLABELLED, np.uint8)
        >>> draw_disc(labels, Point(1, x=2, y=2), radius=1)
        >>> int((labels == 1).sum())
        5
    """
    height, width = labels.shape
    # Coordinates run from 0 to the full width: a click on the far edge belongs to the last pixel.
    if not (0 <= point.x <= width and 0 <= point.y <= height):
        raise DataError(
            f"point of class {point.class_id} at x={point.x:g}, y={point.y:g} is outside the "
            f"image, which is {width} wide and {height} high",
            entry=f"image {image!r}",
        )
    x, y = min(int(point.x), width - 1), min(int(point.y), height - 1)
    reach = int(radius)
    rows = slice(max(0, y - reach), y + reach + 1)
    columns = slice(max(0, x - reach), x + reach + 1)
    near_y, near_x = np.ogrid[rows.start : min(rows.stop, height),
                              columns.start : min(columns.stop, width)]  # fmt: skip
    inside = (near_y - y) ** 2 + (near_x - x) ** 2 <= radius**2
    labels[rows, columns][inside] = point.class_id


def dilate(labels: LabelMap, distance: float) -> LabelMap:
    """Grow every label into unlabelled pixels around it; where two meet, the nearer one wins.

    Args:
        labels: Label map, (H, W).
        distance: How far, in pixels.

    Returns:
        Label map, (H, W).
    """
    marked = (labels != UNLABELLED) & (labels != VOID)
    if distance <= 0 or not marked.any():
        return labels
    far, nearest = ndimage.distance_transform_edt(~marked, return_indices=True)
    grown = np.where(far <= distance, labels[tuple(nearest)], labels)
    return np.where(labels == UNLABELLED, grown, labels).astype(np.uint8)


def tags_of(labels: LabelMap, marks: Marks, classes: ClassList) -> list[bool]:
    """Say which classes an image holds, from all its marks; background is no tag.

    Args:
        labels: The image's rasterised marks, (H, W).
        marks: Its marks, for tags and boxes that label no pixel.
        classes: The classes.

    Returns:
        One value a class.
    """
    present = set(np.unique(labels).tolist()) | marks.named_classes
    first = 1 if classes.has_background else 0
    return [first <= class_id and class_id in present for class_id in range(len(classes))]


def _lay_over(labels: LabelMap, upper: LabelMap) -> None:
    labels[upper != UNLABELLED] = upper[upper != UNLABELLED]
