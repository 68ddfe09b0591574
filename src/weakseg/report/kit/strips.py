"""Pictures side by side under their captions, as one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weakseg.report.kit.chips import BLACK, WHITE, font

_GAP, _HEAD = 6, 28


def strip(
    captions: Sequence[str], rows: Sequence[Sequence[NDArray[np.uint8]]], *, height: int
) -> Image.Image:
    """Put pictures in rows and columns, each column under its caption.

    Args:
        captions: A caption for each column.
        rows: Pictures of each row, RGB, (H, W, 3), 8 bits a channel; those of a column have the
            same proportions.
        height: Height at which every picture is shown, in pixels.

    Returns:
        RGB picture.

    Raises:
        ValueError: There is no row, or a row has another number of pictures than there are
            captions.

    Examples:
        >>> picture = np.zeros((20, 30, 3), np.uint8)
        >>> strip(["image", "mask"], [[picture, picture]], height=40).size
        (126, 68)
    """
    if not rows or any(len(row) != len(captions) for row in rows):
        raise ValueError(
            f"Expected rows of {len(captions)} pictures, but got {[len(row) for row in rows]}."
        )
    widths = [round(height * each.shape[1] / each.shape[0]) for each in rows[0]]
    size = (sum(widths) + _GAP * (len(widths) - 1), _HEAD + len(rows) * (height + _GAP) - _GAP)
    whole = Image.new("RGB", size, WHITE)
    pen, left = ImageDraw.Draw(whole), 0
    for column, (caption, width) in enumerate(zip(captions, widths, strict=True)):
        pen.text((left + width / 2, _HEAD / 2), caption, BLACK, font(), anchor="mm")
        for number, row in enumerate(rows):
            picture = Image.fromarray(row[column])
            smaller = picture.height > height
            how = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
            place = (left, _HEAD + number * (height + _GAP))
            whole.paste(picture.resize((width, height), how), place)
        left += width + _GAP
    return whole
