"""Points from full masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.kinds import Point
from weakseg.marks.simulation.objects import ObjectArea

Placement = Literal["centre", "random"]
_PULL = 4.0  # how strongly people are drawn to where an object is widest


def simulate_points(
    rng: np.random.Generator,
    areas: Sequence[ObjectArea],
    *,
    per_object: int = 1,
    placement: Placement = "centre",
) -> list[Point]:
    """Click on every object.

    Args:
        rng: Where all chance comes from. The same state gives the same points; more points for an
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
    """Draw all pixels without replacement, each with a chance that goes with depth ** pull.

    The largest logarithm of the chance plus Gumbel noise is drawn first.

    Returns:
        Rows and columns, (pixels, 2), in the order in which they are drawn.
    """
    pixels = np.argwhere(area.covered)
    keys = pull * np.log(area.depth[area.covered]) + rng.gumbel(size=len(pixels))
    return pixels[np.argsort(-keys)]
