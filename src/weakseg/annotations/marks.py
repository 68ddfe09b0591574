"""Marks: what a person said about one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Point:
    """A click: the pixel at (x, y), counted from 0 at the upper left, is of the class."""

    class_id: int
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A box around an object, corners included, in pixels."""

    class_id: int
    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class Marks:
    """All marks of one image, of any kind and in any mix.

    Args:
        tags: Classes that are somewhere in the image.
        boxes: Boxes around objects.
        points: Clicks.
        scribbles: Label map of scribbles.
        mask: Label map of a full mask.
    """

    tags: frozenset[int] = frozenset()
    boxes: tuple[Box, ...] = ()
    points: tuple[Point, ...] = ()
    scribbles: Path | None = None
    mask: Path | None = None

    def only(self, kinds: set[str]) -> Marks:
        """Keep the kinds that are named; `kinds` holds words of DataConfig.marks."""
        empty = Marks()
        fields = {"tags": "tags", "boxes": "boxes", "points": "points",
                  "scribbles": "scribbles", "masks": "mask"}  # fmt: skip
        dropped = {name: getattr(empty, name) for kind, name in fields.items() if kind not in kinds}
        return replace(self, **dropped)

    @property
    def named_classes(self) -> frozenset[int]:
        """Classes that tags, boxes and points name, without a look into label maps."""
        boxed = {box.class_id for box in self.boxes}
        return self.tags | boxed | {point.class_id for point in self.points}

    @property
    def is_empty(self) -> bool:
        """No mark of any kind."""
        return self == Marks()
