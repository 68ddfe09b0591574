"""Scribbles from full masks: one stroke along the skeleton of every object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric
from skimage.morphology import skeletonize

from weakseg.marks.drawing import Canvas, line
from weakseg.marks.kinds import Place, Stroke
from weakseg.marks.simulation.objects import Depth, ObjectArea

Pixels = NDArray[np.intp]  # (places, 2); row and column, each pixel touching the next
Places = NDArray[np.float64]  # (places, 2); y and x
Value = TypeVar("Value", bound=np.generic)

_WORTH_IT = 0.3  # of the longest path: a wide pen must be able to draw it, or a thin one is taken
_REACH = 0.3  # of the greatest depth: so near to the edge do strokes across a blob come
_TANGENT = 10  # pixels of a path that give its direction
_SMOOTHING = 0.5  # of the depth, along the path
_TREMBLE = 0.05  # of the depth
_TREMBLE_LENGTH = 15.0  # pixels along the path
_CAUTION = 1.0  # pixels that a free hand keeps off the edge, more than the pen needs
_FREEDOMS = np.linspace(0, 1, 9)  # from the path of pixels, which never leaves the object
_BLEND = 20  # pixels along the path over which freedom changes


def simulate_scribbles(
    rng: np.random.Generator,
    areas: Sequence[ObjectArea],
    *,
    length: float = 1.0,
    width: float = 3.0,
) -> list[Stroke]:
    """Draw a stroke through every object, from end to end, as a person does.

    Args:
        rng: The only source of randomness. The same state draws the same strokes, of which shorter
            ones are parts of the longer.
        areas: The objects, and parts of the background if they are to be drawn on.
        length: Fraction of the stroke's length that is drawn, about its middle; 0 leaves a dot.
        width: Width of the pen in pixels; where an object is too thin for it, 1.

    Returns:
        One stroke for each, wholly inside it, as are the pixels that it covers.

    Examples:
        >>> from weakseg.marks.simulation.objects import find_objects
        >>> areas = find_objects(np.array([[0, 0, 0, 0, 0], [2, 2, 2, 2, 2]], np.uint8))
        >>> (stroke,) = simulate_scribbles(np.random.default_rng(0), areas, length=0)
        >>> stroke.path, stroke.width
        (((2.5, 1.5),), 1.0)
    """
    strokes = []
    for own, area in zip(rng.spawn(len(areas)), areas, strict=True):
        places, pen = _draw_inside(own, area, width)
        path = _in_image(_middle(places, length), area)
        strokes.append(Stroke(area.class_id, path, pen, area.instance))
    return strokes


def _draw_inside(rng: np.random.Generator, area: ObjectArea, width: float) -> tuple[Places, float]:
    """Draw as freely, and with as wide a pen, as the object allows."""
    skeleton = _skeleton(area)
    whole = _longest_path(skeleton)
    wide = _longest_path(skeleton & (area.depth > _clearance(width)))
    paths = [(wide, width)] if len(wide) >= _WORTH_IT * len(whole) else []
    for path, pen in [*paths, (whole, 1.0)]:
        pixels = _lengthen(rng, path, area.depth, _clearance(pen))
        places = _hand_drawn(rng, pixels, area.depth, _clearance(pen))
        if _stays_inside(places, pen, area):
            return places, pen
    return whole + np.float64(0.5), 1.0


def _clearance(width: float) -> float:
    """Depth above which a pen of a width stays inside: half a diagonal, and a bit."""
    return (width - 1) / math.sqrt(2) + 0.1


def _skeleton(area: ObjectArea) -> Canvas:
    """Thin the object's largest part to lines of one pixel."""
    largest = _largest_part(area.covered)
    thinned = skeletonize(np.pad(largest, 1))  # type: ignore[no-untyped-call]
    skeleton: Canvas = thinned[1:-1, 1:-1]
    if not skeleton.any():  # nothing need be left of a few pixels
        skeleton.flat[np.where(largest, area.depth, 0).argmax()] = True
    return skeleton


def _longest_path(skeleton: Canvas) -> Pixels:
    """Find the longest of all shortest ways along the largest connected part of a skeleton."""
    if not skeleton.any():
        return np.zeros((0, 2), np.intp)
    largest = _largest_part(skeleton)
    ways = MCP_Geometric(np.where(largest, 1.0, -1.0))
    end = tuple(np.argwhere(largest)[0])
    for _ in range(2):  # the farthest place from anywhere is an end; from there, the other end
        distance, _ = ways.find_costs([end])
        end = np.unravel_index(np.where(largest, distance, -1).argmax(), largest.shape)
    return np.array(ways.traceback(end))


def _largest_part(covered: Canvas) -> Canvas:
    """Keep the largest of the 8-connected parts."""
    parts, _ = ndimage.label(covered, np.ones((3, 3)))
    largest: Canvas = parts == np.bincount(parts[covered]).argmax()
    return largest


def _lengthen(rng: np.random.Generator, pixels: Pixels, depth: Depth, clearance: float) -> Pixels:
    """Go on straight from both ends, where there is room: the skeleton of a disc is a dot."""
    floor = max(clearance, _REACH * float(depth.max()))
    angle = rng.uniform(0, 2 * math.pi)
    steps = np.arange(1, 2 + math.ceil(math.hypot(*depth.shape)))[:, None]
    for _ in range(2):
        heading = (pixels[-1] - pixels[-_TANGENT:][0]).astype(float)
        if not heading.any():
            heading = np.array([math.sin(angle), math.cos(angle)])
        ahead = np.rint(pixels[-1] + steps * heading / np.hypot(*heading)).astype(np.intp)
        room = _value_at(depth, ahead) >= floor
        pixels = np.concatenate([pixels, ahead[: np.append(room, False).argmin()]])[::-1]
    return pixels


def _hand_drawn(rng: np.random.Generator, pixels: Pixels, depth: Depth, clearance: float) -> Places:
    """Smooth a path of pixels and let the hand tremble, as far as the object allows."""
    room = _value_at(depth, pixels)
    centres = pixels + np.float64(0.5)
    smoothing = max(1.0, _SMOOTHING * float(np.median(room)))
    smooth = ndimage.gaussian_filter1d(centres, smoothing, axis=0, mode="nearest")
    tremble = ndimage.gaussian_filter1d(rng.normal(size=pixels.shape), _TREMBLE_LENGTH, axis=0)
    tremble *= _TREMBLE * math.sqrt(2 * math.sqrt(math.pi) * _TREMBLE_LENGTH)
    moves = smooth + room[:, None] * tremble - centres
    freedom = _freedom(centres, moves, depth > clearance + _CAUTION)
    # Eighths of pixels survive the move into the image without rounding.
    places: Places = np.round(8 * (centres + freedom[:, None] * moves)) / 8
    return places


def _freedom(centres: Places, moves: Places, allowed: Canvas) -> NDArray[np.float64]:
    """Find the fraction of its move that each place can make without leaving the allowed pixels."""
    tried = np.floor(centres + _FREEDOMS[:, None, None] * moves).astype(np.intp)
    inside = _value_at(allowed, tried)
    inside[0] = True
    freedom = _FREEDOMS[np.logical_and.accumulate(inside).sum(0) - 1]
    # The weighted mean of the smallest freedoms around stays below each place's own.
    freedom = ndimage.minimum_filter1d(freedom, 2 * _BLEND + 1)
    blended: NDArray[np.float64] = ndimage.gaussian_filter1d(
        freedom, _BLEND / 3, radius=_BLEND, mode="nearest"
    )
    return blended


def _value_at(values: NDArray[Value], pixels: Pixels) -> NDArray[Value]:
    """Look up pixels, (..., 2), on a map that goes on with zeros outside its frame."""
    within = np.clip(pixels, -1, values.shape) + 1
    return np.pad(values, 1)[within[..., 0], within[..., 1]]


def _stays_inside(places: Places, width: float, area: ObjectArea) -> bool:
    """Check that no pixel under the pen lies outside the object."""
    margin = math.ceil(width) + 1
    covered = np.pad(area.covered, margin)
    drawn = line(covered.shape, [(x, y) for y, x in (places + margin).tolist()], width)
    return not (drawn.covered & ~covered[drawn.rows, drawn.columns]).any()


def _middle(places: Places, length: float) -> Places:
    """Keep a fraction of a path's length, about its middle; the middle itself always stays."""
    steps = np.hypot(*np.diff(places, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    off = np.abs(along - along[-1] / 2)
    kept = off <= length * along[-1] / 2
    kept[off.argmin()] = True
    middle: Places = places[kept]
    return middle


def _in_image(places: Places, area: ObjectArea) -> tuple[Place, ...]:
    moved = places[:, ::-1] + (area.columns.start, area.rows.start)
    return tuple((x, y) for x, y in moved.tolist())
