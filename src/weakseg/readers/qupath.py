"""QuPath: objects exported as GeoJSON, a file for each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Place
from weakseg.support.entries import Entry
from weakseg.support.folders import holds_file
from weakseg.support.json_files import first_keys, read_json

_PATTERNS = ("*.geojson", "*.json")

Object = dict[str, Any]


def _is_geojson(path: Path) -> bool:
    is_list, keys = first_keys(path)
    of_feature = {"geometry.coordinates", "geometry.type"}
    return ({f"features.{key}" for key in of_feature} <= keys) or (
        of_feature <= keys and (is_list or "type" in keys)
    )


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read a file, or all those in a folder; each is of the image of its name.

    Polygons become outlined areas with their holes, lines scribbles, points points, in pixels of
    the full image, as QuPath writes them. Objects are numbered by their order. Those that are
    damaged or have no classification are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    for file in chosen_files(path, _PATTERNS, _is_geojson, options):
        entry = Entry(file)
        tree = read_json(file)
        features = tree
        if isinstance(tree, dict):
            features = [tree] if tree.get("type") == "Feature" else tree.get("features")
        collector = Collector(entry)
        for number, value in enumerate(entry.list(features, "'features'"), 1):
            _read_feature(value, number, collector, classes)
        written = file.name.removesuffix(file.suffix)
        picture = find_picture(written, file, options)
        yield collector.annotated(read_name(written, entry), picture)


QUPATH = Format(
    "qupath",
    "QuPath: GeoJSON, a file named like each image, or a folder of them",
    lambda path: holds_file(path, _PATTERNS, _is_geojson),
    _read,
)


def _read_feature(value: Any, number: int, collector: Collector, classes: ClassFinder) -> None:
    entry = collector.entry.part(f"feature {number}")
    name: Any = None
    with collector.one_mark():
        feature = entry.object(value, "a feature")
        name = _name(entry.optional_object(feature.get("properties"), "'properties'"))
    if not isinstance(value, dict):
        return
    class_id = collector.class_of(name, classes, entry)
    if class_id is not None:
        with collector.one_mark():
            _read_geometry(value.get("geometry"), class_id, number, collector, entry)


def _name(properties: Object) -> Any:
    """Return a feature's class: its classification, of which newer versions list the parts."""
    stated = properties.get("classification")
    if isinstance(stated, dict):
        names = stated.get("names")
        return ": ".join(map(str, names)) if isinstance(names, list) else stated.get("name")
    return stated


def _read_geometry(
    value: Any, class_id: int, number: int, collector: Collector, entry: Entry
) -> None:
    geometry = entry.object(value, "'geometry'")
    kind, given = geometry.get("type"), geometry.get("coordinates")
    match kind:
        case "Point":
            (place,) = _line([given], entry)
            collector.point(class_id, place, entry, number)
        case "MultiPoint":
            for place in _line(given, entry):
                collector.point(class_id, place, entry, number)
        case "LineString":
            collector.stroke(class_id, _line(given, entry), entry, number)
        case "MultiLineString":
            for line in entry.list(given, "'coordinates'"):
                collector.stroke(class_id, _line(line, entry), entry, number)
        case "Polygon":
            _add_polygon(given, class_id, number, collector, entry)
        case "MultiPolygon":
            for polygon in entry.list(given, "'coordinates'"):
                _add_polygon(polygon, class_id, number, collector, entry)
        case _:
            collector.unread(f"geometries of type {kind!r:.40}")


def _add_polygon(
    rings: Any, class_id: int, number: int, collector: Collector, entry: Entry
) -> None:
    lines = [_line(ring, entry)[:-1] for ring in entry.list(rings, "'coordinates'")]
    if not lines:
        raise entry.expected("a ring of places", rings)
    collector.polygon(class_id, lines[0], entry, number, holes=lines[1:])


def _line(value: Any, entry: Entry) -> Sequence[Place]:
    """Read places, of which a third number, the depth, is of no use."""
    places = entry.list(value, "'coordinates'")
    return entry.places(
        [place[:2] if isinstance(place, list) else place for place in places], "'coordinates'"
    )
