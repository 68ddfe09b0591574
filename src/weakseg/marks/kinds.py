"""Marks: annotations of one image, of any kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Place = tuple[float, float]
"""x and y in pixels: 0 is the image's left (top) edge, so that pixel i spans i to i + 1."""


@dataclass(frozen=True, slots=True)
class Point:
    """A click: the pixel that holds (x, y) is of the class."""

    class_id: int
    x: float
    y: float
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A box around an object: its first and last columns and rows, both of them inside."""

    class_id: int
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    instance: int | None = None

    @classmethod
    def from_edges(
        cls,
        class_id: int,
        left: float,
        top: float,
        right: float,
        bottom: float,
        instance: int | None = None,
    ) -> Box:
        """Make a box of all pixels that a rectangle, given by its edges, touches.

        Examples:
            >>> Box.from_edges(1, 2.0, 2.0, 5.0, 3.0)
            Box(class_id=1, xmin=2, ymin=2, xmax=4, ymax=2, instance=None)
        """
        return cls(
            class_id,
            math.floor(left),
            math.floor(top),
            math.ceil(right) - 1,
            math.ceil(bottom) - 1,
            instance,
        )

    @property
    def has_area(self) -> bool:
        """It holds at least one pixel."""
        return self.xmin <= self.xmax and self.ymin <= self.ymax

    @property
    def ring(self) -> tuple[Place, ...]:
        """The outline of its pixels.

        Examples:
            >>> Box(1, xmin=2, ymin=2, xmax=2, ymax=3).ring
            ((2, 2), (3, 2), (3, 4), (2, 4))
        """
        left, top, right, bottom = self.xmin, self.ymin, self.xmax + 1, self.ymax + 1
        return (left, top), (right, top), (right, bottom), (left, bottom)

    def window(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of an image (height, width) that it covers; maybe none.

        Examples:
            >>> Box(1, xmin=-3, ymin=2, xmax=1, ymax=90).window((4, 5))
            (slice(2, 4, None), slice(0, 2, None))
        """
        rows, columns = (
            slice(min(side, max(0, int(low))), min(side, max(0, int(high) + 1)))
            for low, high, side in zip(
                (self.ymin, self.xmin), (self.ymax, self.xmax), size, strict=True
            )
        )
        return rows, columns


@dataclass(frozen=True, slots=True)
class Stroke:
    """A scribble drawn as a line through places.

    Args:
        class_id: The class.
        path: The places, at least one.
        width: Width of the pen in pixels; 1 is the thinnest.
        instance: Number of the object.
    """

    class_id: int
    path: tuple[Place, ...]
    width: float = 1.0
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area inside closed rings, by the even-odd rule: a ring inside another is a hole."""

    class_id: int
    rings: tuple[tuple[Place, ...], ...]
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A painted area, as run lengths so that many of them fit into memory.

    Args:
        class_id: The class.
        height: Rows of the area's frame.
        width: Columns of the frame.
        runs: Lengths of the runs of pixels, row by row, outside and inside in turn, beginning with
            outside.
        x: Column of the image at which the frame begins.
        y: Row of the image at which it begins.
        kind: Whether the person painted the whole object ("mask") or a part ("scribble").
        instance: Number of the object.

    Examples:
        >>> region = Region.from_mask(1, np.array([[0, 1, 1], [1, 0, 0]], bool))
        >>> region.runs
        (1, 3, 2)
        >>> region.mask().astype(int).tolist()
        [[0, 1, 1], [1, 0, 0]]
    """

    class_id: int
    height: int
    width: int
    runs: tuple[int, ...]
    x: int = 0
    y: int = 0
    kind: Literal["mask", "scribble"] = "mask"
    instance: int | None = None

    @classmethod
    def from_mask(
        cls,
        class_id: int,
        mask: NDArray[np.bool_],
        x: int = 0,
        y: int = 0,
        *,
        kind: Literal["mask", "scribble"] = "mask",
        instance: int | None = None,
    ) -> Region:
        """Pack an area given as booleans, (h, w)."""
        flat = np.pad(mask.ravel(), (1, 0))
        changes = np.flatnonzero(flat[1:] != flat[:-1])
        runs = np.diff(np.concatenate([[0], changes, [mask.size]]))
        height, width = mask.shape
        return cls(class_id, height, width, tuple(runs.tolist()), x, y, kind, instance)

    def mask(self) -> NDArray[np.bool_]:
        """Unpack the area into booleans, (height, width).

        Raises:
            ValueError: The runs do not fill the frame.
        """
        if sum(self.runs) != self.height * self.width:
            raise ValueError(
                f"Expected runs over {self.height} × {self.width} pixels, but got "
                f"{sum(self.runs)} pixels."
            )
        inside = np.arange(len(self.runs)) % 2 == 1
        return np.repeat(inside, self.runs).reshape(self.height, self.width)


Drawn = Point | Box | Stroke | Polygon | Region


@dataclass(frozen=True)
class Marks:
    """All marks of one image, of any kind and in any mix.

    Class ids may be `VOID`, for areas that shall be left out.

    Args:
        tags: Classes that are somewhere in the image.
        boxes: Boxes around objects.
        points: Clicks.
        strokes: Scribbles, as lines.
        polygons: Outlined areas.
        regions: Painted areas.
        scribbles: Label map of scribbles.
        mask: Label map of a full mask.
    """

    tags: frozenset[int] = frozenset()
    boxes: tuple[Box, ...] = ()
    points: tuple[Point, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    polygons: tuple[Polygon, ...] = ()
    regions: tuple[Region, ...] = ()
    scribbles: Path | None = None
    mask: Path | None = None

    def __add__(self, other: Marks) -> Marks:
        """Join the marks of two sources; a label map of `other` replaces an own one."""
        return Marks(
            self.tags | other.tags,
            self.boxes + other.boxes,
            self.points + other.points,
            self.strokes + other.strokes,
            self.polygons + other.polygons,
            self.regions + other.regions,
            other.scribbles or self.scribbles,
            other.mask or self.mask,
        )

    def only(self, kinds: set[str]) -> Marks:
        """Return the marks of some kinds, named as in DataConfig.marks."""
        kept = {name: getattr(self, name) for kind in kinds for name in _FIELDS[kind]}
        return Marks(**kept, regions=tuple(r for r in self.regions if f"{r.kind}s" in kinds))

    def without(self, class_id: int) -> Marks:
        """Return all marks but those of a class; label maps stay as they are."""
        kept = {
            name: tuple(mark for mark in getattr(self, name) if mark.class_id != class_id)
            for name in ("boxes", "points", "strokes", "polygons", "regions")
        }
        return replace(self, tags=self.tags - {class_id}, **kept)  # type: ignore[arg-type]

    @property
    def named_classes(self) -> frozenset[int]:
        """Classes that marks name, those of label maps aside."""
        drawn: tuple[Drawn, ...] = (
            *self.boxes,
            *self.points,
            *self.strokes,
            *self.polygons,
            *self.regions,
        )
        return self.tags | {mark.class_id for mark in drawn}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds there are, as in DataConfig.marks, the least informative first."""
        painted = {f"{region.kind}s" for region in self.regions}
        return tuple(
            kind
            for kind, names in _FIELDS.items()
            if kind in painted or any(getattr(self, name) for name in names)
        )

    @property
    def is_empty(self) -> bool:
        """No mark of any kind."""
        return self == Marks()


_FIELDS = {
    "tags": ("tags",),
    "boxes": ("boxes",),
    "points": ("points",),
    "scribbles": ("strokes", "scribbles"),
    "masks": ("polygons", "mask"),
}

MARK_KINDS = tuple(_FIELDS)
"""All kinds of marks, the weakest first."""
