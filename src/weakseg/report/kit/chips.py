"""Class names on coloured chips, drawn into pictures, and the legend of class colours."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
from PIL import ImageDraw, ImageFont

from weakseg.marks.label_values import MAX_CLASSES, UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.report.kit.formats import one_line

Colour = tuple[int, int, int]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
TEXT_SIZE = 14
_MAX_NAME_WIDTH = 200  # pixels
_PADDING = 3


class LegendEntry(NamedTuple):
    """A class in a legend.

    Args:
        name: Name of the class.
        class_id: Its id, or `VOID`.
    """

    name: str
    class_id: int

    @property
    def css_colour(self) -> str:
        """Colour of the class, as in ``#800000``."""
        return "#" + bytes(class_colour(self.class_id)).hex()


def legend(labels: Iterable[int], names: Sequence[str]) -> list[LegendEntry]:
    """List the classes that pictures show, in the order of their ids.

    Args:
        labels: Values of label maps; unlabelled, where pictures show the image, is left out.
        names: Names of the classes.

    Examples:
        >>> legend({255, 1, 254}, ["sky", "cow"])
        [LegendEntry(name='cow', class_id=1), LegendEntry(name='void (ignored)', class_id=255)]
    """
    return [
        LegendEntry("void (ignored)" if label == VOID else label_name(label, names), label)
        for label in sorted(labels)
        if label != UNLABELLED
    ]


def label_name(label: int, names: Sequence[str]) -> str:
    """Return the name of a value of a label map, the number itself where it is no class."""
    if 0 <= label < min(len(names), MAX_CLASSES):
        return names[label]
    return "void" if label == VOID else str(label)


def class_colour(class_id: int) -> Colour:
    """Return the colour of a class, as in label maps."""
    red, green, blue = class_palette()[class_id].tolist()
    return red, green, blue


def ink_on(colour: Colour) -> Colour:
    """Return black or white, whichever is more legible on a colour."""
    red, green, blue = colour
    return BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else WHITE


@functools.cache
def font(size: int = TEXT_SIZE) -> ImageFont.FreeTypeFont:
    """Load the typeface of all pictures."""
    # Pillow's own has little more than ASCII; this one comes with matplotlib.
    return ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size
    )


def shortened(
    text: str, width: float, measure: Callable[[str], float], *, keep_end: bool = False
) -> str:
    """Cut text until it fits: at its end, or at its beginning, as suits paths.

    Examples:
        >>> shortened("photos/cats/7.jpg", 10, len, keep_end=True)
        '…ats/7.jpg'
    """
    kept = text
    while len(kept) > 1 and measure(kept) > width:
        text = text[1:] if keep_end else text[:-1]
        kept = f"…{text}" if keep_end else f"{text}…"
    return kept


def chip_width(text: str, size: int = TEXT_SIZE) -> float:
    """Return the width of a chip with text; long names are cut."""
    return min(font(size).getlength(one_line(text)), _MAX_NAME_WIDTH) + 2 * _PADDING


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
    """Write text on a chip in the colour of a class, moved so that it stays inside the picture.

    Args:
        pen: Draws on the picture.
        left: Left edge of the chip.
        top: Its top edge.
        text: The text.
        class_id: The class.
        bounds: Width and height of the picture.
        size: Height of the letters.
    """
    letters = font(size)
    width, height = chip_width(text, size), size + 4
    text = shortened(one_line(text), width - 2 * _PADDING, letters.getlength)
    left = max(0, min(left, bounds[0] - width))
    top = max(0, min(top, bounds[1] - height))
    colour = class_colour(class_id)
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    pen.text((left + _PADDING, top + height / 2), text, ink_on(colour), letters, anchor="lm")
