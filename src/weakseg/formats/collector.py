"""Marks and findings of one image, collected while its file is read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from weakseg.formats.source import Annotated
from weakseg.images.reading import image_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Canvas, Size
from weakseg.marks.findings import Finding, Oddity, left_out
from weakseg.marks.kinds import Box, Drawn, Marks, Place, Point, Polygon, Region, Stroke
from weakseg.marks.label_values import VOID
from weakseg.marks.outlines import ellipse
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

_NAMED = 8  # things in one finding
_NO_PIXELS = "a painted area without pixels"
_DIGITS = 6  # of places that are computed, so that whole numbers stay whole


class Collector:
    """The marks and findings of one image; marks without an extent become findings.

    Args:
        entry: Where the image is in the file of marks.

    Examples:
        >>> collector = Collector(Entry(Path("a.json")))
        >>> collector.box(1, [(2, 2), (5, 3)], collector.entry.part("shape 1"))
        >>> collector.polygon(1, [(2, 2), (5, 3)], collector.entry.part("shape 2"))
        >>> len(collector.marks().boxes), str(collector.findings()[0])
        (1, 'a.json, shape 2: a polygon of 2 corners; left out')
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._tags: set[int] = set()
        self._drawn: list[Drawn] = []
        self._findings: dict[Finding, None] = {}
        self._unread: Counter[str] = Counter()

    @contextmanager
    def one_mark(self) -> Iterator[None]:
        """Read one mark in a block; one that is damaged is left out whole and noted.

        Look up classes outside of it: a class that is not in the user's list is no damage.
        """
        before = len(self._drawn)
        try:
            yield
        except DataError as error:
            del self._drawn[before:]
            self._findings[left_out(error)] = None

    def class_of(self, name: Any, classes: ClassFinder, entry: Entry) -> int | None:
        """Find the class of a mark; note a mark whose label is empty or no name.

        Raises:
            DataError: There is no such class in the user's list.
        """
        if (isinstance(name, str) and name.strip()) or type(name) is int:
            return classes.find(name, entry)
        if name is None or isinstance(name, str):
            if getattr(classes, "names_unlabelled", False):
                return classes.find("", entry)
            self.note("unknown", "has no label; left out", entry)
        else:
            self.note(
                "damaged", f"expected the name of a class, but got {name!r:.60}; left out", entry
            )
        return None

    def tag(self, class_id: int) -> None:
        """Add a class that is somewhere in the image."""
        self._tags.add(class_id)

    def add(self, *marks: Drawn) -> None:
        """Add marks as they are."""
        self._drawn += marks

    def point(self, class_id: int, place: Place, entry: Entry, instance: int | None = None) -> None:
        """Add a click."""
        self._check([place], entry)
        self._drawn.append(Point(class_id, *place, instance))

    def box(
        self,
        class_id: int,
        corners: Sequence[Place],
        entry: Entry,
        instance: int | None = None,
        *,
        rotated: bool = False,
    ) -> None:
        """Add the box around the corners of a rectangle, which may be rotated; void is an area."""
        self._check(corners, entry)
        columns, rows = [x for x, _ in corners] or [0.0], [y for _, y in corners] or [0.0]
        box = Box.from_edges(class_id, min(columns), min(rows), max(columns), max(rows), instance)
        if class_id == VOID and box.has_area:  # an area is left out, not an object boxed
            ring = corners if rotated and len(corners) == 4 else box.ring
            self.polygon(class_id, ring, entry, instance)
            return
        self._keep(box if box.has_area else None, "a box without area", entry)
        if rotated:
            self.note("unsure", "rotated rectangles are read as the boxes around them")

    def rectangle(
        self,
        class_id: int,
        corner: Place,
        edges: Place,
        entry: Entry,
        instance: int | None = None,
        *,
        degrees: float = 0.0,
        pivot: Place = (0.5, 0.5),
    ) -> None:
        """Add the box around a rectangle.

        Args:
            class_id: The class.
            corner: The rectangle's top left corner, before it is rotated.
            edges: Its width and height.
            entry: Where in the file it stands.
            instance: Number of the object.
            degrees: By how much it is rotated clockwise.
            pivot: About where, in fractions of width and height from the corner.
        """
        self._check([corner, edges], entry)
        if min(edges) <= 0:
            self._keep(None, "a box without area", entry)
            return
        corners = _rectangle(corner, edges, degrees, pivot)
        self.box(class_id, corners, entry, instance, rotated=degrees % 360 != 0)

    def stroke(
        self, class_id: int, path: Sequence[Place], entry: Entry, instance: int | None = None
    ) -> None:
        """Add a line of the thinnest pen."""
        self._check(path, entry)
        stroke = Stroke(class_id, tuple(path), instance=instance) if path else None
        self._keep(stroke, "a line without places", entry)

    def polygon(
        self,
        class_id: int,
        ring: Sequence[Place],
        entry: Entry,
        instance: int | None = None,
        *,
        holes: Sequence[Sequence[Place]] = (),
    ) -> None:
        """Add an outlined area, perhaps with holes; holes without area are none."""
        rings = (tuple(ring), *(tuple(hole) for hole in holes if len(hole) >= 3))
        self._check(chain.from_iterable(rings), entry)
        polygon = Polygon(class_id, rings, instance) if len(ring) >= 3 else None
        self._keep(polygon, f"a polygon of {len(ring)} corners", entry)

    def ellipse(
        self,
        class_id: int,
        centre: Place,
        radii: Place,
        degrees: float,
        entry: Entry,
        instance: int | None = None,
    ) -> None:
        """Add the area of an ellipse, rotated clockwise."""
        self._check([centre, radii], entry)
        if all(radii):
            with np.errstate(over="ignore", invalid="ignore"):  # polygon() sees what is infinite
                ring = ellipse(*centre, *radii, degrees)
            self.polygon(class_id, ring, entry, instance)
        else:
            self._keep(None, "an ellipse without area", entry)

    def mask(self, class_id: int, mask: Canvas, entry: Entry, instance: int | None = None) -> None:
        """Add a painted area, (H, W), of the image's size; only its bounding box is kept."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if rows.size:
            top, left = int(rows[0]), int(columns[0])
            mask = mask[top : rows[-1] + 1, left : columns[-1] + 1]
            self.region(Region.from_mask(class_id, mask, left, top, instance=instance), entry)
        else:
            self._keep(None, _NO_PIXELS, entry)

    def region(self, region: Region, entry: Entry) -> None:
        """Add a painted area."""
        self._keep(region if any(region.runs[1::2]) else None, _NO_PIXELS, entry)

    def note(self, kind: Oddity, message: str, entry: Entry | None = None) -> None:
        """Add a finding; the same one of the same entry is kept once."""
        place = entry or self.entry
        self._findings[Finding(kind, message, place.path, place.name)] = None

    def unread(self, what: str) -> None:
        """Note what the file holds and weakseg does not use; an image gets one finding of all."""
        self._unread[what] += 1

    def marks(self) -> Marks:
        """Return all marks, by their kind."""
        return Marks(
            tags=frozenset(self._tags),
            boxes=tuple(mark for mark in self._drawn if isinstance(mark, Box)),
            points=tuple(mark for mark in self._drawn if isinstance(mark, Point)),
            strokes=tuple(mark for mark in self._drawn if isinstance(mark, Stroke)),
            polygons=tuple(mark for mark in self._drawn if isinstance(mark, Polygon)),
            regions=tuple(mark for mark in self._drawn if isinstance(mark, Region)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings."""
        if not self._unread:
            return tuple(self._findings)
        named = [
            f"{what} ({count} times)" if count > 1 else what
            for what, count in islice(self._unread.items(), _NAMED)
        ]
        more = f" and {len(self._unread) - _NAMED} more" if len(self._unread) > _NAMED else ""
        message = f"weakseg does not use {', '.join(named)}{more}"
        return (*self._findings, Finding("unread", message, self.entry.path, self.entry.name))

    def fraction_size(self, picture: Path | None) -> Size | None:
        """Read the size of the image, of which marks are fractions; note where that is impossible.

        Args:
            picture: The image, if found.
        """
        if picture is None:
            self.note(
                "missing",
                "the marks are fractions of the image's size, and the image is not there; left out",
            )
            return None
        try:
            return image_size(picture)
        except DataError as error:
            message = str(error).removeprefix(f"{picture}: ")
            self._findings[Finding("damaged", message, picture)] = None
            return None

    def annotated(
        self,
        name: str,
        picture: Path | bytes | None,
        size: Size | None = None,
        split: str | None = None,
    ) -> Annotated:
        """Return the image with its marks and findings; see `Annotated`."""
        path, entry = self.entry.path or Path(), self.entry.name
        return Annotated(name, self.marks(), picture, size, path, entry, split, self.findings())

    def _keep(self, mark: Drawn | None, empty: str, entry: Entry) -> None:
        """Add a mark, or note that it is empty."""
        if mark is None:
            self.note("empty", f"{empty}; left out", entry)
        else:
            self._drawn.append(mark)

    def _check(self, places: Iterable[Place], entry: Entry) -> None:
        """Refuse places so far away that arithmetic has made them infinite."""
        if not all(map(math.isfinite, chain.from_iterable(places))):
            raise entry.error(
                "expected places near the image, but got one too far away for a number"
            )


def _rectangle(corner: Place, edges: Place, degrees: float, pivot: Place) -> list[Place]:
    """Compute the corners of a rectangle that is rotated clockwise about a place in it."""
    (left, top), (width, height), (fraction_x, fraction_y) = corner, edges, pivot
    x, y = left + fraction_x * width, top + fraction_y * height
    if degrees == 0:  # two of them span it
        return [
            (round(x - fraction_x * width, _DIGITS), round(y - fraction_y * height, _DIGITS)),
            (
                round(x + (1 - fraction_x) * width, _DIGITS),
                round(y + (1 - fraction_y) * height, _DIGITS),
            ),
        ]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (
            round(x + across * width * cosine - down * height * sine, _DIGITS),
            round(y + across * width * sine + down * height * cosine, _DIGITS),
        )
        for across, down in (
            (-fraction_x, -fraction_y),
            (1 - fraction_x, -fraction_y),
            (1 - fraction_x, 1 - fraction_y),
            (-fraction_x, 1 - fraction_y),
        )
    ]
