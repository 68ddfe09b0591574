"""Collecting the marks of one image, and what is odd about them, as a reader comes upon them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from weakseg.marks.findings import Finding, Oddity
from weakseg.marks.kinds import Box, Drawn, Marks, Place, Point, Polygon, Region, Stroke
from weakseg.marks.outlines import ellipse
from weakseg.support.errors import DataError

_NAMED = 8  # things in one finding


class Collector:
    """The marks and findings of one image; marks without an extent become findings.

    Args:
        path: The file of marks.
        entry: Where in it the image is.

    Examples:
        >>> collector = Collector(Path("a.json"))
        >>> collector.box(1, [(2, 2), (5, 3)], "shape 1")
        >>> collector.polygon(1, [(2, 2), (5, 3)], "shape 2")
        >>> len(collector.marks().boxes), str(collector.findings()[0])
        (1, 'a.json, shape 2: a polygon of 2 corners; left out')
    """

    def __init__(self, path: Path, entry: str | None = None) -> None:
        self.path = path
        self.entry = entry
        self._tags: set[int] = set()
        self._drawn: list[Drawn] = []
        self._findings: dict[Finding, None] = {}
        self._unread: dict[str, None] = {}

    def tag(self, class_id: int) -> None:
        """Add a class that is somewhere in the image."""
        self._tags.add(class_id)

    def point(self, class_id: int, place: Place, entry: str, instance: int | None = None) -> None:
        """Add a click."""
        self._check([place], entry)
        self._drawn.append(Point(class_id, *place, instance))

    def box(
        self,
        class_id: int,
        corners: Sequence[Place],
        entry: str,
        instance: int | None = None,
        *,
        turned: bool = False,
    ) -> None:
        """Add the box around the corners of a rectangle, which may be turned."""
        self._check(corners, entry)
        columns, rows = [x for x, _ in corners] or [0.0], [y for _, y in corners] or [0.0]
        box = Box.from_edges(class_id, min(columns), min(rows), max(columns), max(rows), instance)
        if box.has_area:
            self._drawn.append(box)
        else:
            self.note("empty", "a box without area; left out", entry)
        if turned:
            self.note("unsure", "turned rectangles are read as the boxes around them")

    def stroke(
        self, class_id: int, path: Sequence[Place], entry: str, instance: int | None = None
    ) -> None:
        """Add a line of the thinnest pen."""
        self._check(path, entry)
        if path:
            self._drawn.append(Stroke(class_id, tuple(path), instance=instance))
        else:
            self.note("empty", "a line without places; left out", entry)

    def polygon(
        self, class_id: int, ring: Sequence[Place], entry: str, instance: int | None = None
    ) -> None:
        """Add an outlined area."""
        self._check(ring, entry)
        if len(ring) >= 3:
            self._drawn.append(Polygon(class_id, (tuple(ring),), instance))
        else:
            self.note("empty", f"a polygon of {len(ring)} corners; left out", entry)

    def ellipse(
        self,
        class_id: int,
        centre: Place,
        radii: Place,
        degrees: float,
        entry: str,
        instance: int | None = None,
    ) -> None:
        """Add the area of an ellipse, turned clockwise."""
        self._check([centre, radii], entry)
        if all(radii):
            with np.errstate(over="ignore", invalid="ignore"):  # polygon() sees what is infinite
                ring = ellipse(*centre, *radii, degrees)
            self.polygon(class_id, ring, entry, instance)
        else:
            self.note("empty", "an ellipse without area; left out", entry)

    def region(self, region: Region, entry: str) -> None:
        """Add a painted area."""
        if len(region.runs) > 1:
            self._drawn.append(region)
        else:
            self.note("empty", "a painted area without pixels; left out", entry)

    def note(self, kind: Oddity, message: str, entry: str | None = None) -> None:
        """Say what is odd; the same thing of the same entry is said once."""
        self._findings[Finding(kind, message, self.path, entry or self.entry)] = None

    def unread(self, what: str) -> None:
        """Say what the file holds and weakseg does not use; an image gets one finding of all."""
        self._unread[what] = None

    def marks(self) -> Marks:
        """Give all marks, by their kind."""
        return Marks(
            tags=frozenset(self._tags),
            boxes=tuple(mark for mark in self._drawn if isinstance(mark, Box)),
            points=tuple(mark for mark in self._drawn if isinstance(mark, Point)),
            strokes=tuple(mark for mark in self._drawn if isinstance(mark, Stroke)),
            polygons=tuple(mark for mark in self._drawn if isinstance(mark, Polygon)),
            regions=tuple(mark for mark in self._drawn if isinstance(mark, Region)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Give all that was odd."""
        if not self._unread:
            return tuple(self._findings)
        named = list(self._unread)[:_NAMED]
        more = f" and {len(self._unread) - _NAMED} more" if len(self._unread) > _NAMED else ""
        message = f"weakseg does not use {', '.join(named)}{more}"
        return (*self._findings, Finding("unread", message, self.path, self.entry))

    def _check(self, places: Iterable[Place], entry: str) -> None:
        """Refuse places so far away that arithmetic has made them infinite."""
        if not all(math.isfinite(x) and math.isfinite(y) for x, y in places):
            raise DataError(
                "expected places near the image, but got one too far away for a number",
                path=self.path,
                entry=entry,
            )
