"""Drawing single marks into a boolean picture, cut off at the image's border."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weakseg.marks.kinds import Place, Region

Size = tuple[int, int]  # height, width
Canvas = NDArray[np.bool_]  # (H, W)

_FAR = 1e9  # px
_MAX_CROSSINGS = 1_000_000  # of edges with rows, at once; bounds the memory of a polygon
_MAX_PIXELS = 4_000_000  # of areas that are filled at once


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
    (patch,) = filled_areas(size, [rings])
    return patch


def filled_areas(size: Size, areas: Sequence[Sequence[Sequence[Place]]]) -> Iterator[Patch]:
    """Fill several areas, each as `filled` fills one; many of them cost little more than one.

    Args:
        size: Height and width of the image.
        areas: Closed rings of each area, at least one.
    """
    if not areas:
        return
    places, corners = _flat(areas)
    ends = np.cumsum([len(ring) for rings in areas for ring in rings])
    following = np.arange(1, len(places) + 1)
    following[ends - 1] = np.concatenate([[0], ends[:-1]])  # a ring's last corner: its first
    edges = np.concatenate([places, places[following]], 1)  # (corners, 4): x, y of both ends
    windows = _windows(size, *_extents(places, corners))
    ends = np.concatenate([[0], np.cumsum(corners)])
    for first, last in _batches(windows):
        yield from _filled(
            edges[ends[first] : ends[last]], corners[first:last], windows[first:last]
        )


def extents_of(areas: Sequence[Sequence[Sequence[Place]]]) -> NDArray[np.float64]:
    """Return the left, top, right and bottom edges of areas, given by their rings, (A, 4)."""
    return np.concatenate(_extents(*_flat(areas)), 1) if areas else np.zeros((0, 4))


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


def _flat(
    areas: Sequence[Sequence[Sequence[Place]]],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return all corners of areas in turn, (N, 2), and how many each area has, (A,)."""
    corners = np.array([sum(map(len, rings)) for rings in areas])
    numbers = chain.from_iterable(chain.from_iterable(chain.from_iterable(areas)))
    flat = np.fromiter(numbers, float, 2 * int(corners.sum()))
    # Where exactly a corner far away lies makes no difference, but its numbers may overflow.
    return flat.clip(-_FAR, _FAR).reshape(-1, 2), corners


def _extents(
    places: NDArray[np.float64], corners: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest x and y of each area, both (A, 2)."""
    starts = np.cumsum(corners) - corners
    return np.minimum.reduceat(places, starts), np.maximum.reduceat(places, starts)


def _windows(size: Size, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the part of the image that holds each area: left, top, right, bottom, (A, 4)."""
    sides = size[::-1]
    first = np.floor(low.clip(0, sides)).astype(int)
    last = np.maximum(first, np.floor((high + 1).clip(0, sides)).astype(int))
    return np.concatenate([first, last], 1)


def _batches(windows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Divide areas into groups of a bounded number of pixels, or of one area."""
    widths, heights = (windows[:, 2:] - windows[:, :2]).T
    first, pixels = 0, 0
    for place, more in enumerate((heights * (widths + 1)).tolist()):
        if place > first and pixels + more > _MAX_PIXELS:
            yield first, place
            first, pixels = place, 0
        pixels += more
    yield first, len(windows)


def _filled(
    edges: NDArray[np.float64], corners: NDArray[np.int64], windows: NDArray[np.int64]
) -> Iterator[Patch]:
    """Fill areas that lie in one row of pixels, each row of each area after the other.

    Args:
        edges: x and y of both ends of each edge, (N, 4).
        corners: Number of edges of each area, (A,).
        windows: Left, top, right and bottom of the part of the image that holds each, (A, 4).
    """
    left, top, right, bottom = windows.T
    heights, strides = bottom - top, right - left + 1  # with one column more, where rows end
    offsets = np.concatenate([[0], np.cumsum(heights * strides)])
    toggled = np.zeros(offsets[-1], bool)
    area = np.repeat(np.arange(len(corners)), corners)
    inside = edges - windows[:, [0, 1, 0, 1]][area]
    for edge, row, column in _crossings(inside, heights[area], strides[area] - 1):
        of_edge = area[edge]
        cells = offsets[of_edge] + row * strides[of_edge] + column
        np.logical_xor.at(toggled, cells, True)
    # Closed rings cross each row an even number of times, so that each begins outside again.
    covered = np.logical_xor.accumulate(toggled)
    for place, (x0, y0, x1, y1) in enumerate(windows.tolist()):
        pixels = covered[offsets[place] : offsets[place + 1]].reshape(y1 - y0, x1 - x0 + 1)
        yield Patch(slice(y0, y1), slice(x0, x1), pixels[:, :-1])


def _crossings(
    edges: NDArray[np.float64], heights: NDArray[np.int64], widths: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Find where edges cross the centres of rows.

    Args:
        edges: x and y of both ends of each edge, in the part of the image it lies in, (N, 4).
        heights: Rows of that part, (N,).
        widths: Its columns, (N,).

    Yields:
        Edges, rows, and the columns from which on the row is inside instead of outside.
    """
    # An edge crosses the rows whose centre lies from its top to above its bottom.
    ends = np.ceil(edges[:, 1::2].T - 0.5).clip(0, heights).astype(int)
    start = ends.min(0)
    crossed = ends.max(0) - start
    groups = np.cumsum(crossed) // _MAX_CROSSINGS
    for group in range(groups[0], groups[-1] + 1):
        crossing = np.flatnonzero((groups == group) & (crossed > 0))
        counts = crossed[crossing]
        edge = np.repeat(crossing, counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        row = start[edge] + within
        x0, y0, x1, y1 = edges[edge].T
        x = x0 + (row + 0.5 - y0) / (y1 - y0) * (x1 - x0)
        yield edge, row, np.ceil(x - 0.5).clip(0, widths[edge]).astype(int)
