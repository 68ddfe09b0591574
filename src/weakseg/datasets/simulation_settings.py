"""What a user may say about marks made from full masks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from weakseg.recipes.recipe import MarkKind
from weakseg.support.errors import RecipeError


@dataclass(frozen=True)
class SimulationSettings:
    """Which marks a simulated person makes, on which images.

    Args:
        kinds: Kinds of marks that every training image gets: tags, boxes, points, scribbles, masks.
        shares: A mix instead, of images with one kind each: shares of the images by kind, which sum
            to 1.
        points_per_object: Points on every object.
        placement: Where points are: centre (deep inside, with some spread, as people click) or
            random (anywhere on the object).
        scribble_length: Share of a scribble's length that is drawn, about its middle, 0 to 1; 0
            leaves a dot.
        scribble_width: Width of the pen in pixels; 1 on objects too thin for it.
        background: Points and scribbles are made on the background too.
        least_area: Pixels below which a region is no object; its class is a tag all the same.
        instances: Folder of instance maps NAME.png, whose values number the objects of an image
            (PASCAL VOC: SegmentationObject). Where there is none, objects are the connected
            regions of a class.
        link: Link to the images instead of copying them.
        seed: Seed of all chance.
    """

    kinds: list[MarkKind] = field(default_factory=lambda: ["tags", "boxes", "points", "scribbles"])
    shares: dict[str, float] = field(default_factory=dict)
    points_per_object: int = 1
    placement: Literal["centre", "random"] = "centre"
    scribble_length: float = 1.0
    scribble_width: int = 3
    background: bool = True
    least_area: int = 20
    instances: str | None = None
    link: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        problems = [
            f"{key}: expected {expected}, but got {getattr(self, key)!r}"
            for key, expected, holds in self._checks()
            if not holds
        ]
        if problems:
            raise RecipeError("\n".join(problems))

    def _checks(self) -> Iterator[tuple[str, str, bool]]:
        known = get_args(MarkKind)
        named = f"kinds among {', '.join(known)}"
        yield "kinds", f"one or more {named}", bool(self.kinds) and set(self.kinds) <= set(known)
        yield "shares", f"shares by {named}", self.shares.keys() <= set(known)
        shares = self.shares.values()
        whole = not self.shares or math.isclose(sum(shares), 1, abs_tol=1e-6)
        yield "shares", "shares of 0 or more that sum to 1", whole and min(shares, default=0) >= 0
        yield "placement", "centre or random", self.placement in ("centre", "random")
        yield "scribble_length", "0 to 1", 0 <= self.scribble_length <= 1
        for key in ("points_per_object", "scribble_width", "least_area"):
            yield key, "at least 1", getattr(self, key) >= 1
        yield "seed", "0 or more", self.seed >= 0
