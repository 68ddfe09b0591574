"""Areas as polygons: painted ones, for writers, and ellipses, for readers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weakseg.marks.drawing import Canvas
from weakseg.marks.kinds import Place

Ring = tuple[Place, ...]
Numbers = NDArray[np.int64]

# An edge's direction is right, down, left or up; these are its steps in y and x, and those from
# the place it starts at to the pixel on its right-hand side.
_RIGHT, _LEFT = 0, 2
_STEP_Y, _STEP_X = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
_PIXEL_Y, _PIXEL_X = np.array([0, 0, -1, -1]), np.array([0, -1, -1, 0])

_CORNERS = 1000  # of an ellipse, at most


def outlines(
    area: Canvas, *, tolerance: float = 0.0, bridged: bool = False
) -> list[tuple[Ring, ...]]:
    """Outline the connected parts of an area along the edges of their pixels.

    Pixels that touch only at a corner belong to two parts. `drawing.filled` makes the same area of
    the polygons again, where no tolerance is given.

    Args:
        area: The area, (H, W).
        tolerance: Pixels by which a simpler outline may miss the corners of the exact one.
        bridged: Join the rings of holes to the outer ring, each by a cut of no width, for formats
            whose polygons have one ring. The same pixels are inside.

    Returns:
        For each part its rings, the outer one first, in pixels from the top left corner.

    Examples:
        >>> outlines(np.array([[0, 1, 1], [0, 1, 1]], bool))
        [(((1.0, 0.0), (3.0, 0.0), (3.0, 2.0), (1.0, 2.0)),)]
    """
    edges = _edges(area)
    if bridged:
        _add_cuts(edges, area)
    direction, y, x = np.nonzero(edges)
    part, _ = ndimage.label(area)
    part_of_edge = part[y + _PIXEL_Y[direction], x + _PIXEL_X[direction]]
    places = np.stack([x, y], 1).astype(float)
    rings: dict[int, list[Ring]] = {}
    # A part's first edge, in the order of nonzero, lies on top of it, and so on the outer ring.
    for cycle in _cycles(_next_edges(edges)):
        corners = direction[cycle] != np.roll(direction[cycle], 1)
        ring = _simplified(places[cycle][corners], tolerance)
        rings.setdefault(int(part_of_edge[cycle[0]]), []).append(ring)
    return [tuple(of_part) for of_part in rings.values()]


def ellipse(x: float, y: float, across: float, down: float, degrees: float = 0.0) -> Ring:
    """Outline an ellipse by a polygon that comes within a twentieth of a pixel of it.

    Args:
        x: Its centre, in pixels from the left edge.
        y: Its centre, in pixels from the top edge.
        across: Radius along its first axis, in pixels.
        down: Radius along its second axis.
        degrees: Clockwise rotation of its first axis from the image's x axis.

    Examples:
        >>> ring = ellipse(10, 10, 5, 5)
        >>> len(ring), ring[0]
        (23, (15.0, 10.0))
    """
    radius = max(abs(across), abs(down), 1.0)
    corners = math.ceil(min(math.pi * math.sqrt(10 * radius), _CORNERS))
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    first, second = across * np.cos(angles), down * np.sin(angles)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    places = np.stack([x + first * cosine - second * sine, y + first * sine + second * cosine], 1)
    return _ring(places)


def _edges(area: Canvas) -> Canvas:
    """Mark the unit edges around all pixels, with the area on their right.

    Returns:
        Edges by their direction and the place they start at, (4, H + 1, W + 1).
    """
    height, width = area.shape
    inside = np.pad(area, 1)
    above, below = inside[:-1, 1:-1], inside[1:, 1:-1]
    left, right = inside[1:-1, :-1], inside[1:-1, 1:]
    edges = np.zeros((4, height + 1, width + 1), bool)
    edges[0, :, :-1] = below & ~above
    edges[1, :-1, :] = left & ~right
    edges[2, :, 1:] = above & ~below
    edges[3, 1:, :] = right & ~left
    return edges


def _add_cuts(edges: Canvas, area: Canvas) -> None:
    """Add, for each hole, edges to and fro between its leftmost corner and what is left of it.

    That is the outer ring, or a hole that reaches further left; so all rings of a part become one.
    Cuts run between rows of pixels, which filling ignores, as it goes by their centres.
    """
    hole, _ = ndimage.label(np.pad(~area, 1, constant_values=True), np.ones((3, 3)))
    for number, (rows, columns) in enumerate(ndimage.find_objects(hole), start=1):
        if number == hole[0, 0]:
            continue  # the outside
        topmost = int(np.argmax(hole[rows, columns.start] == number))
        x, y = columns.start - 1, rows.start - 1 + topmost
        blocked = np.flatnonzero(~(area[y - 1, :x] & area[y, :x]))
        end = int(blocked[-1]) + 1 if blocked.size else 0
        edges[_LEFT, y, end + 1 : x + 1] = True
        edges[_RIGHT, y, end:x] = True


def _next_edges(edges: Canvas) -> Numbers:
    """Return the edge that follows each edge, both as numbers in the order of nonzero.

    Where several leave the place at which an edge ends, the one furthest to the right follows, so
    that pixels which touch at a corner are gone around one after the other.
    """
    direction, y, x = np.nonzero(edges)
    y, x = y + _STEP_Y[direction], x + _STEP_X[direction]
    following = direction
    for turn in (3, 0, 1):  # left, straight on, right: the last that is possible
        rotated = (direction + turn) % 4
        following = np.where(edges[rotated, y, x], rotated, following)
    wanted = np.ravel_multi_index((following, y, x), edges.shape)
    return np.searchsorted(np.flatnonzero(edges), wanted)


def _cycles(following: Numbers) -> list[Numbers]:
    """Collect the numbers that follow each other around, by the lowest of each cycle."""
    successor = following.tolist()
    seen = bytearray(len(successor))
    cycles = []
    for start in range(len(successor)):
        if seen[start]:
            continue
        cycle, number = [], start
        while not seen[number]:
            seen[number] = True
            cycle.append(number)
            number = successor[number]
        cycles.append(np.array(cycle))
    return cycles


def _simplified(corners: NDArray[np.float64], tolerance: float) -> Ring:
    # skimage.measure imports scipy.signal and scipy.stats, most of a second that readers save.
    from skimage.measure import approximate_polygon

    if tolerance > 0:
        closed = np.concatenate([corners, corners[:1]])
        fewer = approximate_polygon(closed, tolerance)[:-1]  # type: ignore[no-untyped-call]
        if len(fewer) >= 3:
            return _ring(fewer)
    return _ring(corners)


def _ring(places: NDArray[np.float64]) -> Ring:
    return tuple((x, y) for x, y in places.tolist())
