"""Marks of several kinds for one image."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Literal

import numpy as np

from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.simulation.boxes import simulate_boxes
from weakseg.marks.simulation.objects import InstanceMap, background_parts, find_objects
from weakseg.marks.simulation.points import simulate_points
from weakseg.marks.simulation.scribbles import simulate_scribbles
from weakseg.marks.simulation.tags import simulate_tags


def simulate_marks(
    labels: LabelMap,
    name: str,
    kinds: Collection[str],
    *,
    points_per_object: int,
    placement: Literal["centre", "random"],
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
