"""Results of one Label Studio annotation of one image, as marks."""

from __future__ import annotations

from collections.abc import Sequence
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
    as well, for they would not be all of them.

    Args:
        results: The results.
        collector: Takes up marks and findings.
        classes: Ids of classes by name.
        options: Whether painted areas are masks or scribbles.

    Returns:
        Height and width of the image, where the results state them.

    Raises:
        DataError: A result is not what it should be.
    """
    entry = collector.entry
    drawn = [result for result in results if is_drawn(result)]
    sizes = {_size(result, _entry(result, collector)) for result in drawn}
    if len(sizes) > 1:
        raise entry.error(f"expected one size of the image, but results say {sorted(sizes)!s:.60}")
    size = next(iter(sizes), None)
    for result in drawn:
        degrees = entry.number(result.get("image_rotation") or 0, "image_rotation")
        if degrees % 360:
            collector.note(
                "unread",
                f"the image was turned by {degrees:g} degrees when it was "
                "marked, which weakseg cannot undo; its marks are left out",
            )
            return size
    for group in _by_id(results):
        _read_group(group, size, collector, classes, options)
    return size


def _kind(result: Result) -> str:
    """Return the kind of a result, whether it has labels of its own or not."""
    return str(result.get("type")).removesuffix("labels")


def _entry(result: Result, collector: Collector) -> Entry:
    return collector.entry.part(f"result {result.get('id')!s:.20}")


def _size(result: Result, entry: Entry) -> Size:
    return read_size(result.get("original_height"), result.get("original_width"), entry)


def _by_id(results: Sequence[Result]) -> list[list[Result]]:
    """Group results by their region's id; those without an id are on their own."""
    groups: dict[str | int, list[Result]] = {}
    for number, result in enumerate(results):
        key = result.get("id")
        groups.setdefault(key if isinstance(key, str) else number, []).append(result)
    return list(groups.values())


def _read_group(
    group: list[Result],
    size: Size | None,
    collector: Collector,
    classes: ClassFinder,
    options: SourceOptions,
) -> None:
    drawn = [result for result in group if is_drawn(result)]
    naming = sorted((item for item in group if item.get("type") in _NAMING), key=_rank)
    for result in group:
        if not is_drawn(result) and result.get("type") not in _NAMING:
            collector.unread(f"results of type {result.get('type')!r:.40}")
        if result.get("meta"):
            collector.unread("notes on results")
    if not drawn:
        _read_tags(naming, collector, classes)
    for result in drawn:
        entry = _entry(result, collector)
        for name in _names_of_region(result, naming, collector, entry):
            class_id = classes.find(name, entry)
            _read_region(result, class_id, size, collector, options, entry)


def _names_of_region(
    result: Result, naming: list[Result], collector: Collector, entry: Entry
) -> list[Any]:
    """Return the first names of a region; further ones are not used."""
    own = [] if result["type"] == _kind(result) else [result]
    names: list[Any] = []
    for item in (*own, *naming):
        said = _names(item, entry)
        if names:
            collector.unread(f"{item['type']} of regions that have a label")
        names = names or said
    if not names:
        collector.note("empty", "a region without a label; left out", entry)
    return names


def _rank(result: Result) -> int:
    return _NAMING.index(result["type"])


def _read_tags(naming: Sequence[Result], collector: Collector, classes: ClassFinder) -> None:
    for result in naming:
        if result["type"] == "labels":
            collector.unread("labels of no region")
            continue
        entry = _entry(result, collector)
        for name in _names(result, entry):
            collector.tag(classes.find(name, entry))


def _names(result: Result, entry: Entry) -> list[Any]:
    """Return the names in a result; of a taxonomy's paths the last names."""
    kind = result["type"]
    value = entry.object(result.get("value"), "value")
    names = entry.list(value.get(kind) or [], kind)
    if kind != "taxonomy":
        return names
    return [names[-1] for names in (entry.list(item, kind) for item in names) if names]


def _read_region(
    result: Result,
    class_id: int,
    size: Size | None,
    collector: Collector,
    options: SourceOptions,
    entry: Entry,
) -> None:
    assert size is not None  # any region has said it
    value = entry.object(result.get("value"), "value")

    def number(key: str, default: float | None = None) -> float:
        return entry.number(value.get(key, default), key)

    match _kind(result):
        case "keypoint":
            collector.point(class_id, _place(number("x"), number("y"), size), entry)
        case "rectangle":
            edges = _place(number("width"), number("height"), size)
            corner = _place(number("x"), number("y"), size)
            degrees = number("rotation", 0)
            collector.rectangle(class_id, corner, edges, entry, degrees=degrees, pivot=(0, 0))
        case "ellipse":
            centre = _place(number("x"), number("y"), size)
            radii = _place(number("radiusX"), number("radiusY"), size)
            collector.ellipse(class_id, centre, radii, number("rotation", 0), entry)
        case "polygon":
            places = entry.places(value.get("points"), "points")
            line = [_place(x, y, size) for x, y in places]
            _add_line(collector, class_id, line, entry, closed=value.get("closed", True))
        case "vector":
            for line in _vector(value, size, collector, entry):
                _add_line(collector, class_id, line, entry, closed=value.get("closed", False))
        case _:
            kind: Literal["mask", "scribble"]
            kind = "scribble" if options.label_maps == "scribbles" else "mask"
            area = _painted(value, size, entry)
            collector.region(Region.from_mask(class_id, area, kind=kind), entry)


def _add_line(
    collector: Collector, class_id: int, places: list[Place], entry: Entry, *, closed: Any
) -> None:
    if closed:
        collector.polygon(class_id, places, entry)
    else:
        collector.stroke(class_id, places, entry)


def _place(x: float, y: float, size: Size) -> Place:
    """Convert percentages to pixels; what is a whole number but for rounding becomes one."""
    height, width = size
    return round(x / 100 * width, 6), round(y / 100 * height, 6)


def _vector(
    value: dict[str, Any], size: Size, collector: Collector, entry: Entry
) -> list[list[Place]]:
    """Return the lines of a vector, whose places may each follow any earlier one."""
    lines: list[list[Place]] = []
    known: dict[str, Place] = {}
    last = ""
    for item in entry.list(value.get("vertices"), "vertices"):
        vertex = entry.object(item, "a vertex")
        x, y = (entry.number(vertex.get(key), key) for key in ("x", "y"))
        place = _place(x, y, size)
        before = str(vertex.get("prevPointId", last))
        if lines and before == last:
            lines[-1].append(place)
        else:
            lines.append([known[before], place] if before in known else [place])
        last = str(vertex.get("id", ""))
        known[last] = place
        if vertex.get("isBezier"):
            collector.note("unsure", "curves are read as straight lines between their points")
    return lines


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
