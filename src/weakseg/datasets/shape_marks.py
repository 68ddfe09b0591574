"""Marks that a person might make on a scene of shapes: boxes, points, scribbles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from weakseg.annotations.marks import Box, Point
from weakseg.datasets.shape_scenes import Scene
from weakseg.method.constants import UNLABELLED, VOID

Depth = NDArray[np.float64]

_POINT_DEPTH = 5.0  # from the region's edge, in pixels, where the region is that wide
_SCRIBBLE_WIDTH = 3
_SCRIBBLE_DEPTH = 3.0
_STEP = 2.0
# A hand's possible turns from one step to the next.
_TURNS = np.linspace(-0.6, 0.6, 9)


def draw_boxes(scene: Scene) -> list[Box]:
    """Put a box, corners included, around what is seen of every object."""
    found = ndimage.find_objects(scene.objects)
    return [
        Box(class_id, columns.start, rows.start, columns.stop - 1, rows.stop - 1)
        for class_id, (rows, columns) in zip(scene.class_ids, found, strict=True)
    ]


def click_points(rng: np.random.Generator, scene: Scene, depths: Sequence[Depth]) -> list[Point]:
    """Click one or two points inside every object, and two to four on the background.

    Args:
        rng: Where all chance comes from.
        scene: The scene.
        depths: Its `region_depths`.
    """
    points: list[Point] = []
    for number, (class_id, depth) in enumerate(zip((0, *scene.class_ids), depths, strict=True)):
        wanted = int(rng.integers(1, 3)) if number else int(rng.integers(2, 5))
        places = np.argwhere(depth >= min(_POINT_DEPTH, 0.8 * depth.max()))
        chosen = rng.choice(places, size=min(wanted, len(places)), replace=False)
        points += [Point(class_id, int(x), int(y)) for y, x in chosen]
    return points


def draw_scribbles(
    rng: np.random.Generator, scene: Scene, depths: Sequence[Depth]
) -> NDArray[np.uint8]:
    """Draw one stroke inside every object, and one or two on the background.

    Args:
        rng: Where all chance comes from.
        scene: The scene.
        depths: Its `region_depths`.

    Returns:
        Label map, (H, W); what no stroke covers is unlabelled.
    """
    scribbles = np.full(scene.labels.shape, UNLABELLED, np.uint8)
    size = len(scribbles)
    for number, (class_id, depth) in enumerate(zip((0, *scene.class_ids), depths, strict=True)):
        for _ in range(1 if number else int(rng.integers(1, 3))):
            # About as long as the object is wide; on the background, half the image.
            length = 1.2 * np.sqrt((depth > 0).sum()) if number else size / 2
            stroke = _paint(_walk(rng, depth, int(length / _STEP)), size)
            scribbles[stroke & (depth > 0)] = class_id
    return scribbles


def region_depths(scene: Scene) -> list[Depth]:
    """Measure how deep each pixel lies in the background, and in every object.

    Returns:
        Distance to the region's edge or the image's, (H, W), for background and each object; 0
        outside the region and where it is void.
    """
    depths = []
    for number in range(len(scene.class_ids) + 1):
        region = np.pad((scene.objects == number) & (scene.labels != VOID), 1)
        depths.append(ndimage.distance_transform_edt(region)[1:-1, 1:-1])
    return depths


def _walk(rng: np.random.Generator, depth: Depth, steps: int) -> list[tuple[float, float]]:
    """Walk through a region in soft curves, away from its edge, for so many steps at most."""
    floor = min(_SCRIBBLE_DEPTH, depth.max())
    places = np.argwhere(depth >= max(floor, 0.5 * depth.max()))
    y, x = rng.choice(places).astype(float)
    heading = rng.uniform(0, 2 * np.pi)
    turn = 0.0
    path = [(x, y)]
    for _ in range(steps):
        headings = heading + _TURNS if len(path) > 1 else np.linspace(0, 2 * np.pi, 24)
        # One step ahead must be inside; a few steps ahead had better be.
        near = _look(depth, x, y, headings, _STEP)
        far = _look(depth, x, y, headings, 3 * _STEP)
        turn = 0.7 * turn + rng.normal(0, 0.15)
        wish = np.minimum(far, 6.0) + np.minimum(near, 4.0) - 2 * np.abs(headings - heading - turn)
        best = int(np.where(near >= floor, wish, -np.inf).argmax())
        if near[best] < floor:
            break
        heading = float(headings[best])
        x, y = x + _STEP * np.cos(heading), y + _STEP * np.sin(heading)
        path.append((x, y))
    return path


def _look(
    depth: Depth, x: float, y: float, headings: NDArray[np.float64], distance: float
) -> NDArray[np.float64]:
    """Depth at a distance in each direction; 0 outside the image."""
    height, width = depth.shape
    columns = np.rint(x + distance * np.cos(headings)).astype(int)
    rows = np.rint(y + distance * np.sin(headings)).astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return np.where(inside, depth[rows % height, columns % width], 0.0)


def _paint(path: Sequence[tuple[float, float]], size: int) -> NDArray[np.bool_]:
    canvas = Image.new("1", (size, size))
    pen = ImageDraw.Draw(canvas)
    pen.line([*path, path[-1]], fill=1, width=_SCRIBBLE_WIDTH, joint="curve")
    half = _SCRIBBLE_WIDTH // 2
    for x, y in (path[0], path[-1]):
        pen.ellipse((x - half, y - half, x + half, y + half), fill=1)
    return np.asarray(canvas)
