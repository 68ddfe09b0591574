"""Drawing single marks into a boolean picture, cut off at the image's border."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weakseg.marks.kinds import Place, Region

Size = tuple[int, int]  # height, width
Canvas = NDArray[np.bool_]  # (H, W)

_FAR = 1e9  # px
_MAX_CROSSINGS = 1_000_000  # of edges with rows, at once; bounds the memory of a polygon


class Patch(NamedTuple):
    """Pixels that a mark covers, in the part of the image that holds them.

    Args:
        rows: Rows of the part.
        columns: Columns of the part.
        covered: The pixels, (rows, columns).
    """

    rows: slice
    columns: slice
    covered: Canvas

    def canvas(self, size: Size) -> Canvas:
        """Lay the patch on an empty picture, (H, W)."""
        whole = np.zeros(size, bool)
        whole[self.rows, self.columns] = self.covered
        return whole


def disc(size: Size, x: float, y: float, radius: float) -> Patch:
    """Draw a filled disc around the pixel that holds a place.

    Args:
        size: Height and width of the image.
        x: Place, in pixels from the left edge.
        y: Place, in pixels from the top edge.
        radius: Radius in pixels; 0 marks one pixel.

    Examples:
        >>> int(disc((5, 5), 2, 2, 1).covered.sum())
        5
    """
    column, row = int(x), int(y)
    rows, columns = _part(size, x - radius, y - radius, x + radius, y + radius)
    near_y, near_x = np.ogrid[rows, columns]
    return Patch(rows, columns, (near_y - row) ** 2 + (near_x - column) ** 2 <= radius**2)


def line(size: Size, path: Sequence[Place], width: float) -> Patch:
    """Draw a line through places with a round pen.

    Args:
        size: Height and width of the image.
        path: Places, in pixels from the top left corner; one alone makes a dot.
        width: Width of the pen in pixels; below 1 counts as 1.

    Examples:
        >>> line((3, 5), [(0.5, 1.5), (3.5, 1.5)], 1).canvas((3, 5)).astype(int).tolist()
        [[0, 0, 0, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    # Far away places would make the pen draw for ever; what they look like in the image is alike.
    reach = 4 * max(size)
    width = min(max(1, round(width)), reach)
    places = np.floor(np.clip(np.array(path, float), -reach, reach))
    low, high = places.min(0) - width, places.max(0) + width
    rows, columns = _part(size, *low, *high)
    pixels = [(int(x) - columns.start, int(y) - rows.start) for x, y in places]
    canvas = Image.new("1", (columns.stop - columns.start, rows.stop - rows.start))
    if 0 in canvas.size:
        return Patch(rows, columns, np.zeros(canvas.size[::-1], bool))
    pen = ImageDraw.Draw(canvas)
    pen.line([*pixels, pixels[-1]], fill=1, width=width)
    half = (width - 1) / 2
    # At every place, so that part of a path never covers what the whole does not.
    for x, y in set(pixels):
        pen.ellipse((x - half, y - half, x + half, y + half), fill=1)
    return Patch(rows, columns, np.array(canvas))


def filled(size: Size, rings: Sequence[Sequence[Place]]) -> Patch:
    """Fill closed rings by the even-odd rule: a pixel belongs to them if its centre does.

    Args:
        size: Height and width of the image.
        rings: Closed rings of places, in pixels from the top left corner.

    Returns:
        The area; empty where the rings are so thin that they hold no pixel's centre, so that areas
        that share a border never share a pixel.

    Examples:
        >>> filled((3, 4), [[(1, 0), (3, 0), (3, 2), (1, 2)]]).canvas((3, 4)).astype(int).tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    # Where exactly a corner far away lies makes no difference, but its numbers may overflow.
    places = [np.clip(np.array(ring, float).reshape(-1, 2), -_FAR, _FAR) for ring in rings]
    every = np.concatenate(places)
    rows, columns = _part(size, *every.min(0), *every.max(0))
    toggled = np.zeros((rows.stop - rows.start, columns.stop - columns.start + 1), bool)
    for ring in places:
        _toggle(toggled, ring - (columns.start, rows.start))
    covered: Canvas = np.logical_xor.accumulate(toggled, axis=1)[:, :-1]
    return Patch(rows, columns, covered)


def pasted(size: Size, region: Region) -> Patch:
    """Put a painted area at its place in the image; what is outside the image is cut off."""
    right, bottom = region.x + region.width - 1, region.y + region.height - 1
    rows, columns = _part(size, region.x, region.y, right, bottom)
    inside = region.mask()[
        rows.start - region.y : rows.stop - region.y,
        columns.start - region.x : columns.stop - region.x,
    ]
    return Patch(rows, columns, inside)


def _part(size: Size, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
    """Return the rows and columns of the image that hold places in a range, ends included."""
    height, width = size
    first_row, first_column = _within(top, height), _within(left, width)
    return (
        slice(first_row, max(first_row, _within(bottom + 1, height))),
        slice(first_column, max(first_column, _within(right + 1, width))),
    )


def _within(place: float, side: int) -> int:
    return math.floor(min(max(place, 0), side))


def _toggle(toggled: Canvas, ring: NDArray[np.float64]) -> None:
    """Mark, in each row, the columns from which on the row is inside instead of outside."""
    height, width = toggled.shape[0], toggled.shape[1] - 1
    first, last = ring, np.concatenate([ring[1:], ring[:1]])
    # An edge crosses the rows whose centre lies from its top to above its bottom.
    ends = np.ceil(np.stack([first[:, 1], last[:, 1]]) - 0.5).clip(0, height).astype(int)
    start = ends.min(0)
    crossed = ends.max(0) - start
    groups = np.cumsum(crossed) // _MAX_CROSSINGS
    for group in range(groups[0], groups[-1] + 1):
        edges = np.flatnonzero((groups == group) & (crossed > 0))
        counts = crossed[edges]
        edge = np.repeat(edges, counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        row = start[edge] + within
        (x0, y0), (x1, y1) = first[edge].T, last[edge].T
        x = x0 + (row + 0.5 - y0) / (y1 - y0) * (x1 - x0)
        column = np.ceil(x - 0.5).clip(0, width).astype(int)
        np.logical_xor.at(toggled, (row, column), True)
