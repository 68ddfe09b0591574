"""Results of one Label Studio annotation of one image, as marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from weakseg.formats.brush import decode_brush
from weakseg.formats.collector import Collector
from weakseg.formats.png_masks import read_png_mask
from weakseg.formats.source import SourceOptions
from weakseg.images.reading import read_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Canvas, Size
from weakseg.marks.kinds import Place, Region
from weakseg.support.entries import Entry

Result = dict[str, Any]

_DRAWN = ("rectangle", "polygon", "ellipse", "keypoint", "vector", "brush", "magicwand", "bitmask")
_NAMING = ("labels", "choices", "taxonomy")  # results that name regions, the surest first


def is_drawn(result: Result) -> bool:
    """Check whether a result is a region of the image."""
    return _kind(result) in _DRAWN


def read_results(
    results: Sequence[Result], collector: Collector, classes: ClassFinder, options: SourceOptions
) -> Size | None:
    """Read the results of one annotation.

    A region has its class from its own labels or, where it has none, from the labels, choices or
    taxonomy of the same id. All marks of an image that was rotated in the tool are left out, tags
    as well, for they would not be all of them. Results that are damaged, or are of an image of
    another size than most, are left out and noted.

    Args:
        results: The results.
        collector: Takes up marks and findings.
        classes: Ids of classes by name.
        options: Whether painted areas are masks or scribbles.

    Returns:
        Height and width of the image, where the results state them.

    Raises:
        DataError: A class is not in the user's list.
    """
    groups = _by_id(results)
    frames = [_frame(group, collector) for group in groups]
    sizes = Counter(size for size, _ in filter(None, frames))
    size = sizes.most_common(1)[0][0] if sizes else None
    for degrees in (degrees for _, degrees in filter(None, frames) if degrees % 360):
        collector.note(
            "unread",
            f"the image was turned by {degrees:g} degrees when it was "
            "marked, which weakseg cannot undo; its marks are left out",
        )
        return size
    reader = _Reader(collector, classes, size or (0, 0), options)
    for group, frame in zip(groups, frames, strict=True):
        if not any(map(is_drawn, group)) or (frame is not None and frame[0] == size):
            reader.read_group(group)
        elif frame is not None:
            message = f"is of an image of (H, W) {frame[0]} while most are of {size}; left out"
            collector.note("damaged", message, _entry(group[0], collector.entry))
    return size


@dataclass(frozen=True)
class _Reader:
    """Reader of the regions of one image.

    Args:
        collector: Takes up marks and findings.
        classes: Ids of classes by name.
        size: Height and width of the image, of which places are percentages.
        options: Whether painted areas are masks or scribbles.
    """

    collector: Collector
    classes: ClassFinder
    size: Size
    options: SourceOptions

    def read_group(self, group: list[Result]) -> None:
        """Read the results of one id."""
        drawn = [result for result in group if is_drawn(result)]
        naming = sorted((item for item in group if item.get("type") in _NAMING), key=_rank)
        for result in group:
            if not is_drawn(result) and result.get("type") not in _NAMING:
                self.collector.unread(f"results of type {result.get('type')!r:.40}")
            if result.get("meta"):
                self.collector.unread("notes on results")
        if not drawn:
            self._read_tags(naming)
        for result in drawn:
            entry = _entry(result, self.collector.entry)
            names: list[Any] = []
            with self.collector.one_mark():
                names = self._names_of_region(result, naming, entry)
            for name in names:
                class_id = self.collector.class_of(name, self.classes, entry)
                if class_id is not None:
                    with self.collector.one_mark():
                        self._read_region(result, class_id, entry)

    def _names_of_region(self, result: Result, naming: list[Result], entry: Entry) -> list[Any]:
        """Return the first names of a region; further ones are not used."""
        own = [] if result["type"] == _kind(result) else [result]
        names: list[Any] = []
        for item in (*own, *naming):
            said = _names(item, entry)
            if names:
                self.collector.unread(f"{item['type']} of regions that have a label")
            names = names or said
        if not names:
            self.collector.note("empty", "a region without a label; left out", entry)
        return names

    def _read_tags(self, naming: Sequence[Result]) -> None:
        for result in naming:
            if result["type"] == "labels":
                self.collector.unread("labels of no region")
                continue
            entry = _entry(result, self.collector.entry)
            names: list[Any] = []
            with self.collector.one_mark():
                names = _names(result, entry)
                if not names:
                    self.collector.note(
                        "empty", f"{result['type']} without a name; left out", entry
                    )
            for name in names:
                class_id = self.collector.class_of(name, self.classes, entry)
                if class_id is not None:
                    self.collector.tag(class_id)

    def _read_region(self, result: Result, class_id: int, entry: Entry) -> None:
        collector = self.collector
        value = entry.object(result.get("value"), "value")

        def number(key: str, default: float | None = None) -> float:
            return entry.number(value.get(key, default), key)

        def place(x: str, y: str) -> Place:
            return self._place(number(x), number(y))

        match _kind(result):
            case "keypoint":
                collector.point(class_id, place("x", "y"), entry)
            case "rectangle":
                edges, corner = place("width", "height"), place("x", "y")
                degrees = number("rotation", 0)
                collector.rectangle(class_id, corner, edges, entry, degrees=degrees, pivot=(0, 0))
            case "ellipse":
                centre, radii = place("x", "y"), place("radiusX", "radiusY")
                collector.ellipse(class_id, centre, radii, number("rotation", 0), entry)
            case "polygon":
                line = [self._place(x, y) for x, y in entry.places(value.get("points"), "points")]
                add = collector.polygon if value.get("closed", True) else collector.stroke
                add(class_id, line, entry)
            case "vector":
                add = collector.polygon if value.get("closed", False) else collector.stroke
                for line in self._lines(value, entry):
                    add(class_id, line, entry)
            case _:
                kind: Literal["mask", "scribble"]
                kind = "scribble" if self.options.label_maps == "scribbles" else "mask"
                area = _painted(value, self.size, entry)
                collector.region(Region.from_mask(class_id, area, kind=kind), entry)

    def _place(self, x: float, y: float) -> Place:
        """Convert percentages to pixels; what is a whole number but for rounding becomes one."""
        height, width = self.size
        return round(x / 100 * width, 6), round(y / 100 * height, 6)

    def _lines(self, value: dict[str, Any], entry: Entry) -> list[list[Place]]:
        """Return the lines of a vector, whose places may each follow any earlier one."""
        lines: list[list[Place]] = []
        known: dict[str, Place] = {}
        last = ""
        for item in entry.list(value.get("vertices"), "vertices"):
            vertex = entry.object(item, "a vertex")
            x, y = (entry.number(vertex.get(key), key) for key in ("x", "y"))
            place = self._place(x, y)
            before = str(vertex.get("prevPointId", last))
            if lines and before == last:
                lines[-1].append(place)
            else:
                lines.append([known[before], place] if before in known else [place])
            last = str(vertex.get("id", ""))
            known[last] = place
            if vertex.get("isBezier"):
                message = "curves are read as straight lines between their points"
                self.collector.note("unsure", message)
        return lines


def _kind(result: Result) -> str:
    """Return the kind of a result, whether it has labels of its own or not."""
    return str(result.get("type")).removesuffix("labels")


def _entry(result: Result, image: Entry) -> Entry:
    return image.part(f"result {result.get('id')!s:.20}")


def _size(result: Result, entry: Entry) -> Size:
    return read_size(result.get("original_height"), result.get("original_width"), entry)


def _frame(group: Sequence[Result], collector: Collector) -> tuple[Size, float] | None:
    """Return the image's size as the regions of one id state it, and its rotation in degrees.

    None where no region states any, or one is damaged, which is noted.
    """
    frames: list[tuple[Size, float] | None] = []
    for result in filter(is_drawn, group):
        entry = _entry(result, collector.entry)
        frames.append(None)
        with collector.one_mark():
            degrees = entry.number(result.get("image_rotation") or 0, "image_rotation")
            frames[-1] = _size(result, entry), degrees
    return frames[-1] if all(frames) and frames else None


def _by_id(results: Sequence[Result]) -> list[list[Result]]:
    """Group results by their region's id; those without an id are on their own."""
    groups: dict[str | int, list[Result]] = {}
    for number, result in enumerate(results):
        key = result.get("id")
        groups.setdefault(key if isinstance(key, str) else number, []).append(result)
    return list(groups.values())


def _rank(result: Result) -> int:
    return _NAMING.index(result["type"])


def _names(result: Result, entry: Entry) -> list[Any]:
    """Return the names in a result; of a taxonomy's paths the last names."""
    kind = result["type"]
    value = entry.object(result.get("value"), "value")
    names = list(entry.optional_list(value.get(kind), kind))
    if kind != "taxonomy":
        return names
    return [names[-1] for names in (entry.list(item, kind) for item in names) if names]


def _painted(value: dict[str, Any], size: Size, entry: Entry) -> Canvas:
    if "imageDataURL" in value:
        return read_png_mask(value["imageDataURL"], size, entry)
    if value.get("format", "rle") != "rle":
        raise entry.error(f"expected a brush of format 'rle', but got {value['format']!r:.40}")
    rle = entry.list(value.get("rle"), "rle")
    if not rle:
        return np.zeros(size, bool)
    try:
        return decode_brush(rle, *size)
    except ValueError as error:
        raise entry.error(f"the brush is damaged: {error}") from error
