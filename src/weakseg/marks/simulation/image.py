"""Marks of one image from its full mask, of each kind and of several together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.instance_maps import InstanceMap
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import MAX_CLASSES
from weakseg.marks.simulation.objects import ObjectArea, background_parts, find_objects
from weakseg.marks.simulation.scribbles import simulate_scribbles

Placement = Literal["centre", "random"]
_PULL = 4.0  # how strongly people are drawn to where an object is widest


def simulate_marks(
    labels: LabelMap,
    name: str,
    kinds: Collection[str],
    *,
    points_per_object: int,
    placement: Placement,
    scribble_length: float,
    scribble_width: int,
    background: bool,
    min_area: int,
    seed: int,
    instances: InstanceMap | None = None,
    has_background: bool = True,
) -> Marks:
    """Make marks of several kinds for one image.

    Args:
        labels: Its full mask, (H, W).
        name: Its name; with the seed it fixes all random choices.
        kinds: Kinds of marks; full masks are not among what is made.
        points_per_object: Points on every object.
        placement: Where points are: centre or random.
        scribble_length: Fraction of a scribble's length that is drawn, 0 to 1.
        scribble_width: Width of the pen in pixels.
        background: Points and scribbles are made on the background too.
        min_area: Smallest number of pixels of an object.
        seed: Seed of all random choices.
        instances: Its instance map, (H, W).
        has_background: Class 0 is background.

    Returns:
        Tags, boxes, points and strokes.
    """
    objects = find_objects(labels, instances, min_area=min_area, has_background=has_background)
    wanted = background and has_background
    areas = [*objects, *(background_parts(labels, min_area=min_area) if wanted else ())]
    marks = Marks()
    if "tags" in kinds:
        marks += Marks(tags=simulate_tags(labels, has_background=has_background))
    if "boxes" in kinds:
        marks += Marks(boxes=tuple(simulate_boxes(objects)))
    if "points" in kinds:
        rng = image_generator(seed, "points", name)
        points = simulate_points(rng, areas, per_object=points_per_object, placement=placement)
        marks += Marks(points=tuple(points))
    if "scribbles" in kinds:
        rng = image_generator(seed, "scribbles", name)
        strokes = simulate_scribbles(rng, areas, length=scribble_length, width=scribble_width)
        marks += Marks(strokes=tuple(strokes))
    return marks


def image_generator(seed: int, purpose: str, name: str) -> np.random.Generator:
    """Make a random generator that depends on the seed, its purpose and the image's name alone."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))


def simulate_tags(labels: LabelMap, *, has_background: bool = True) -> frozenset[int]:
    """Return the classes that an image holds, be it with a single pixel.

    Args:
        labels: Label map, (H, W).
        has_background: Class 0 is background, and so no tag.

    Examples:
        >>> sorted(simulate_tags(np.array([[0, 2, 255], [1, 254, 1]], np.uint8)))
        [1, 2]
    """
    present = np.unique(labels)
    return frozenset(present[(present >= int(has_background)) & (present < MAX_CLASSES)].tolist())


def simulate_boxes(areas: Iterable[ObjectArea]) -> list[Box]:
    """Put a tight box around every object.

    Examples:
        >>> from weakseg.marks.simulation.objects import find_objects
        >>> simulate_boxes(find_objects(np.array([[0, 0, 3], [0, 3, 3]], np.uint8)))
        [Box(class_id=3, xmin=1, ymin=0, xmax=2, ymax=1, instance=1)]
    """
    return [
        Box(
            area.class_id,
            area.columns.start,
            area.rows.start,
            area.columns.stop - 1,
            area.rows.stop - 1,
            area.instance,
        )
        for area in areas
    ]


def simulate_points(
    rng: np.random.Generator,
    areas: Sequence[ObjectArea],
    *,
    per_object: int = 1,
    placement: Placement = "centre",
) -> list[Point]:
    """Click on every object.

    Args:
        rng: The only source of randomness. The same state draws the same points; more points for an
            object keep those that fewer give.
        areas: The objects, and parts of the background if they are to be clicked on.
        per_object: Points on each, in pixels of their own; all pixels where there are fewer.
        placement: "centre": deep inside, with some spread, as people click; "random": anywhere on
            the object.

    Examples:
        >>> from weakseg.marks.simulation.objects import find_objects
        >>> areas = find_objects(np.array([[0, 2, 0]], np.uint8))
        >>> simulate_points(np.random.default_rng(0), areas)
        [Point(class_id=2, x=1.5, y=0.5, instance=1)]
    """
    points = []
    for own, area in zip(rng.spawn(len(areas)), areas, strict=True):
        pull = _PULL if placement == "centre" else 0.0
        for y, x in _draw_pixels(own, area, pull)[:per_object]:
            column, row = area.columns.start + int(x), area.rows.start + int(y)
            points.append(Point(area.class_id, column + 0.5, row + 0.5, area.instance))
    return points


def _draw_pixels(rng: np.random.Generator, area: ObjectArea, pull: float) -> NDArray[np.intp]:
    """Draw all pixels without replacement, each with a probability proportional to depth ** pull.

    The largest logarithm of the probability plus Gumbel noise is drawn first.

    Returns:
        Rows and columns, (pixels, 2), in the order in which they are drawn.
    """
    pixels = np.argwhere(area.covered)
    keys = pull * np.log(area.depth[area.covered]) + rng.gumbel(size=len(pixels))
    return pixels[np.argsort(-keys)]
