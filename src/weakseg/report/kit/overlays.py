"""One image with all its marks drawn over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from weakseg.images.orientation import shown_size, stored_size, upright
from weakseg.images.reading import opened_image
from weakseg.inspection.mark_checks import with_every_value
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.marks.rasterize import AS_MARKED, rasterize
from weakseg.report.kit.chips import BLACK, WHITE, class_colour, draw_chip, font, label_name
from weakseg.report.kit.pictures import display_size
from weakseg.support.errors import DataError

Picture = Image.Image

_MASK_OPACITY = 0.5
_BACKGROUND_OPACITY = 0.35
_POINT_RADIUS = 5
_BOX_WIDTH = 2
_NAME_SIZE = 11
_MISSING = (208, 211, 214)
_UNKNOWN_SIZE = (240, 320)


def overlay_marks(
    image: Path | bytes | None, size: Size | None, marks: Marks, classes: ClassList
) -> Picture:
    """Draw the marks of an image over it: masks at the bottom, then scribbles, boxes and points.

    Args:
        image: The image file, or its bytes. Where it cannot be read, the marks are drawn on grey.
        size: Height and width of what the marks are drawn on; without it, none is drawn.
        marks: The marks, inside the image.
        classes: The classes.

    Returns:
        RGB picture of the image's `display_size`, enlarged.
    """
    shown = display_size(size or _UNKNOWN_SIZE, enlarge=True)
    picture = _read_picture(image, size, shown)
    if size is None:
        return picture
    scale = shown[1] / size[1]
    masks = _labels(marks.only({"masks"}), size, classes)
    if masks is not None:
        picture = _blend_masks(picture, masks, faint={0} if classes.has_background else set())
    scribbles = _labels(marks.only({"scribbles"}), size, classes)
    if scribbles is not None:
        _draw_scribbles(picture, scribbles)
    _draw_boxes(picture, marks, scale, classes)
    _draw_points(picture, marks, scale)
    return picture


def _read_picture(image: Path | bytes | None, size: Size | None, shown: Size) -> Picture:
    """Read an image at the size at which it is shown; grey where there is none."""
    if image is None:
        return _blank("no image", shown)
    try:
        with opened_image(image) as picture:
            as_stored = size == stored_size(picture) != shown_size(picture)
            # A large JPEG is decoded at a fraction of its size.
            picture.draft("RGB", (2 * max(shown), 2 * max(shown)))
            colours = (picture if as_stored else upright(picture)).convert("RGB")
            return colours.resize(shown[::-1], Image.Resampling.LANCZOS)
    except DataError:
        return _blank("cannot be read", shown)


def _blank(text: str, shown: Size) -> Picture:
    grey = Image.new("RGB", shown[::-1], _MISSING)
    middle = (shown[1] / 2, shown[0] / 2)
    ImageDraw.Draw(grey).text(middle, text, BLACK, font(), anchor="mm")
    return grey


def _labels(marks: Marks, size: Size, classes: ClassList) -> NDArray[np.uint8] | None:
    """Draw marks as a label map, (H, W); None where there are none."""
    if marks.is_empty:
        return None
    try:
        return rasterize(marks, size, with_every_value(classes), AS_MARKED)
    except DataError:  # its file has gone since the inspection
        return None


def _blend_masks(picture: Picture, labels: NDArray[np.uint8], faint: set[int]) -> Picture:
    """Blend translucent areas into a picture, all but the faint ones with an opaque outline."""
    shown = np.asarray(Image.fromarray(labels).resize(picture.size, Image.Resampling.NEAREST))
    opacity = np.full(256, _MASK_OPACITY)
    opacity[[*faint]] = _BACKGROUND_OPACITY
    opacity[UNLABELLED] = 0
    alpha = opacity[shown]
    alpha[_borders(shown) & ~np.isin(shown, [*faint, UNLABELLED, VOID])] = 1
    mixed = np.asarray(picture) * (1 - alpha[..., None]) + class_palette()[shown] * alpha[..., None]
    return Image.fromarray(mixed.round().astype(np.uint8))


def _borders(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the pixels with a neighbour of another label, (H, W)."""
    padded = np.pad(labels, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    found: NDArray[np.bool_] = np.any([labels != other for other in around], axis=0)
    return found


def _draw_scribbles(picture: Picture, labels: NDArray[np.uint8]) -> None:
    """Draw lines with a white rim, thick enough that even the thinnest is visible."""
    layers = []
    for class_id in np.unique(labels[labels != UNLABELLED]).tolist():
        # Any pixel of the line that falls into a shown pixel colours it.
        whole = Image.fromarray((labels == class_id).astype(np.uint8) * 255)
        line = whole.resize(picture.size, Image.Resampling.BOX).point(
            lambda value: 255 * (value > 0)
        )
        layers.append((class_id, line.filter(ImageFilter.MaxFilter(3))))
    for _, line in layers:
        picture.paste(WHITE, mask=line.filter(ImageFilter.MaxFilter(3)))
    for class_id, line in layers:
        picture.paste(class_colour(class_id), mask=line)


def _draw_boxes(picture: Picture, marks: Marks, scale: float, classes: ClassList) -> None:
    """Draw frames, large ones first, then their names, so that no frame covers a name."""
    pen = ImageDraw.Draw(picture)
    names: list[tuple[int, int, int]] = []
    for box in sorted(marks.boxes, key=lambda box: -(box.xmax - box.xmin) * (box.ymax - box.ymin)):
        left, top = round(box.xmin * scale), round(box.ymin * scale)
        right = max(left, round((box.xmax + 1) * scale) - 1)
        bottom = max(top, round((box.ymax + 1) * scale) - 1)
        rim = (left - 1, top - 1, right + 1, bottom + 1)
        pen.rectangle(rim, outline=WHITE, width=_BOX_WIDTH + 2)
        colour = class_colour(box.class_id)
        pen.rectangle((left, top, right, bottom), outline=colour, width=_BOX_WIDTH)
        names.append((left, top, box.class_id))
    for left, top, class_id in names:
        above = top - _NAME_SIZE - 5
        name = label_name(class_id, classes.names)
        place = (left - 1, above if above >= 0 else top)
        draw_chip(pen, *place, name, class_id, picture.size, size=_NAME_SIZE)


def _draw_points(picture: Picture, marks: Marks, scale: float) -> None:
    """Draw discs with a white rim and a black one around it."""
    pen = ImageDraw.Draw(picture)
    for point in marks.points:
        x, y = point.x * scale, point.y * scale
        for radius, colour in (
            (_POINT_RADIUS + 3, BLACK),
            (_POINT_RADIUS + 2, WHITE),
            (_POINT_RADIUS, class_colour(point.class_id)),
        ):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
