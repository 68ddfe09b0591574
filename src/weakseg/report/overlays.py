"""One image with all its marks drawn over it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from weakseg.images.reading import opened
from weakseg.inspection.checks import is_class, with_every_value
from weakseg.inspection.sample import Sampled
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.marks.rasterize import rasterize
from weakseg.report.inspection_words import one_line
from weakseg.support.errors import DataError

Colour = tuple[int, int, int]
Picture = Image.Image

TEXT_SIZE = 14
LONG_EDGE = 320
"""Pixels of an overlay's longer side."""

_MASK_OPACITY = 0.5
_BACKGROUND_OPACITY = 0.35
_POINT_RADIUS = 5
_BOX_WIDTH = 2
_NAME_SIZE = 11
_LONGEST_NAME = 200  # pixels
_WHITE, _BLACK, _MISSING = (255, 255, 255), (0, 0, 0), (208, 211, 214)


def overlay_marks(image: Sampled, classes: ClassList) -> Picture:
    """Draw the marks of an image over it: masks below, then scribbles, boxes and points.

    Args:
        image: The image. Where it cannot be read, the marks are drawn on grey.
        classes: The classes.

    Returns:
        RGB picture whose longer side is `LONG_EDGE`.
    """
    height, width = image.size or (3, 4)
    scale = LONG_EDGE / max(height, width)
    shown = max(1, round(height * scale)), max(1, round(width * scale))
    picture = _read_picture(image, shown)
    if image.size is None:
        return picture
    drawn = _labels(image.marks.only({"masks"}), image.size, classes)
    if drawn is not None:
        picture = _lay_masks(picture, drawn, faint={0} if classes.has_background else set())
    drawn = _labels(image.marks.only({"scribbles"}), image.size, classes)
    if drawn is not None:
        _lay_scribbles(picture, drawn)
    _lay_boxes(picture, image.marks, scale, classes)
    _lay_points(picture, image.marks, scale)
    return picture


@functools.cache
def font(size: int = TEXT_SIZE) -> ImageFont.FreeTypeFont:
    """Give the typeface of all pictures."""
    # Pillow's own knows little more than ASCII; this one comes with matplotlib.
    return ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size
    )


def class_colour(class_id: int) -> Colour:
    """Give the colour of a class, as in label maps."""
    red, green, blue = class_palette()[class_id].tolist()
    return red, green, blue


def ink_on(colour: Colour) -> Colour:
    """Give black or white, whichever is read better on a colour."""
    red, green, blue = colour
    return _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _WHITE


def shortened(
    text: str, width: float, measure: Callable[[str], float], *, keep_end: bool = False
) -> str:
    """Cut text until it fits: at its end, or at its beginning, where paths say least.

    Examples:
        >>> shortened("photos/cats/7.jpg", 10, len, keep_end=True)
        '…ats/7.jpg'
    """
    kept = text
    while len(kept) > 1 and measure(kept) > width:
        text = text[1:] if keep_end else text[:-1]
        kept = f"…{text}" if keep_end else f"{text}…"
    return kept


def _read_picture(image: Sampled, shown: Size) -> Picture:
    """Read an image at the size at which it is shown; grey where there is none."""
    if image.picture is None:
        return _blank("no image", shown)
    try:
        with opened(image.picture) as picture:
            stored = picture.height, picture.width
            # A large JPEG is decoded at a fraction of its size.
            picture.draft("RGB", (2 * LONG_EDGE, 2 * LONG_EDGE))
            colours = picture.convert("RGB")
            if image.size == stored[::-1] != stored:
                colours = ImageOps.exif_transpose(picture).convert("RGB")
            return colours.resize(shown[::-1], Image.Resampling.LANCZOS)
    except DataError:
        return _blank("cannot be read", shown)


def _blank(text: str, shown: Size) -> Picture:
    grey = Image.new("RGB", shown[::-1], _MISSING)
    middle = (shown[1] / 2, shown[0] / 2)
    ImageDraw.Draw(grey).text(middle, text, _BLACK, font(), anchor="mm")
    return grey


def _labels(marks: Marks, size: Size, classes: ClassList) -> NDArray[np.uint8] | None:
    """Draw marks as a label map; None where there are none."""
    if marks.is_empty:
        return None
    try:
        return rasterize(marks, size, with_every_value(classes), scribble_dilation=0)
    except DataError:  # it was there when it was inspected
        return None


def _lay_masks(picture: Picture, labels: NDArray[np.uint8], faint: set[int]) -> Picture:
    """Lay translucent areas over a picture, all but the faint ones with a strong outline."""
    shown = np.asarray(Image.fromarray(labels).resize(picture.size, Image.Resampling.NEAREST))
    opacity = np.full(256, _MASK_OPACITY)
    opacity[[*faint]] = _BACKGROUND_OPACITY
    opacity[UNLABELLED] = 0
    share = opacity[shown]
    share[_borders(shown) & ~np.isin(shown, [*faint, UNLABELLED, VOID])] = 1
    mixed = np.asarray(picture) * (1 - share[..., None]) + class_palette()[shown] * share[..., None]
    return Image.fromarray(mixed.round().astype(np.uint8))


def _borders(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the pixels beside which another label begins, (H, W)."""
    padded = np.pad(labels, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    found: NDArray[np.bool_] = np.any([labels != other for other in around], axis=0)
    return found


def _lay_scribbles(picture: Picture, labels: NDArray[np.uint8]) -> None:
    """Draw lines so that even the thinnest is seen, with a white rim."""
    layers = []
    for class_id in np.unique(labels[labels != UNLABELLED]).tolist():
        # Any pixel of the line that falls into a shown pixel colours it.
        whole = Image.fromarray((labels == class_id).astype(np.uint8) * 255)
        line = whole.resize(picture.size, Image.Resampling.BOX).point(
            lambda value: 255 * (value > 0)
        )
        layers.append((class_id, line.filter(ImageFilter.MaxFilter(3))))
    for _, line in layers:
        picture.paste(_WHITE, mask=line.filter(ImageFilter.MaxFilter(3)))
    for class_id, line in layers:
        picture.paste(class_colour(class_id), mask=line)


def _lay_boxes(picture: Picture, marks: Marks, scale: float, classes: ClassList) -> None:
    pen = ImageDraw.Draw(picture)
    names: list[tuple[int, int, int]] = []
    for box in sorted(marks.boxes, key=lambda box: -(box.xmax - box.xmin) * (box.ymax - box.ymin)):
        left, top = round(box.xmin * scale), round(box.ymin * scale)
        right = max(left, round((box.xmax + 1) * scale) - 1)
        lower = max(top, round((box.ymax + 1) * scale) - 1)
        pen.rectangle(
            (left - 1, top - 1, right + 1, lower + 1), outline=_WHITE, width=_BOX_WIDTH + 2
        )
        pen.rectangle(
            (left, top, right, lower), outline=class_colour(box.class_id), width=_BOX_WIDTH
        )
        names.append((left, top, box.class_id))
    for left, top, class_id in names:
        name = label_name(class_id, classes)
        above = top - _NAME_SIZE - 5
        draw_chip(
            pen,
            left - 1,
            above if above >= 0 else top,
            name,
            class_id,
            picture.size,
            size=_NAME_SIZE,
        )


def _lay_points(picture: Picture, marks: Marks, scale: float) -> None:
    pen = ImageDraw.Draw(picture)
    for point in marks.points:
        x, y = point.x * scale, point.y * scale
        for radius, colour in (
            (_POINT_RADIUS + 3, _BLACK),
            (_POINT_RADIUS + 2, _WHITE),
            (_POINT_RADIUS, class_colour(point.class_id)),
        ):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def draw_chip(
    pen: ImageDraw.ImageDraw,
    left: float,
    top: float,
    text: str,
    class_id: int,
    bounds: tuple[int, int],
    *,
    size: int = TEXT_SIZE,
) -> None:
    """Write text on a plate in the colour of a class, moved so that it stays inside.

    Args:
        pen: Draws on the picture.
        left: Where the plate begins.
        top: Where it begins.
        text: The text.
        class_id: The class.
        bounds: Width and height of the picture.
        size: Height of the letters.
    """
    letters = font(size)
    text = shortened(one_line(text), chip_width(text, size) - 6, letters.getlength)
    width, height = chip_width(text, size), size + 4
    left = max(0, min(left, bounds[0] - width))
    top = max(0, min(top, bounds[1] - height))
    colour = class_colour(class_id)
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    pen.text((left + 3, top + height / 2), text, ink_on(colour), letters, anchor="lm")


def chip_width(text: str, size: int = TEXT_SIZE) -> float:
    """Give the width of a plate with text; long names are cut."""
    return min(font(size).getlength(one_line(text)), _LONGEST_NAME) + 6


def label_name(class_id: int, classes: ClassList) -> str:
    """Name a value of a label map."""
    if is_class(class_id, classes):
        return classes.names[class_id]
    return "void" if class_id == VOID else str(class_id)
