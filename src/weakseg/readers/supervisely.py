"""Supervisely: a project, or a folder of annotations, a JSON file for each image."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.png_masks import png_mask, read_base64
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Place, Region
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import SPLITS, holds_file, split_of
from weakseg.support.json_files import first_keys, read_json

_PATTERNS = ("*/ann/*.json", "ann/*.json", "*.json")
_META = "meta.json"
_BESIDE = {_META, "key_id_map.json", "obj_class_to_machine_color.json"}
_UNPACKED = 1 << 28  # bytes of a mask's PNG, at most

Object = dict[str, Any]


def _is_annotation(path: Path) -> bool:
    is_list, keys = first_keys(path)
    sized = {"size.height", "size.width"} <= keys and "objects" in keys
    return not is_list and sized and "images" not in keys and path.name != _META


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read a project, a dataset of it, or one file.

    Rectangles become boxes, polygons outlined areas with their holes, bitmaps masks, lines
    scribbles, points and the nodes of graphs points. Whole numbers mean pixels, whose centres are
    meant, as in the tool's downloads. Tags of the image without a value are its tags, or its split
    where they are called so. Objects that are damaged are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    files = chosen_files(path, _PATTERNS, _is_annotation, options, beside=_BESIDE)
    for folder in dict.fromkeys(place for file in files[:1] for place in list(file.parents)[:3]):
        _read_meta(folder / _META, classes)
    several = len({file.parent for file in files}) > 1
    for file in files:
        yield _read_file(file, several, classes, options)


SUPERVISELY = Format(
    "supervisely",
    "Supervisely: a project, a dataset of it, or a JSON file",
    lambda path: holds_file(path, _PATTERNS, _is_annotation),
    _read,
)


def _read_meta(path: Path, classes: ClassFinder) -> None:
    """Look up the classes of a project in their order, if the project is there."""
    if not path.is_file():
        return
    entry = Entry(path)
    tree = entry.object(read_json(path), "the file")
    for number, value in enumerate(entry.optional_list(tree.get("classes"), "'classes'"), 1):
        of_class = entry.part(f"class {number}")
        classes.find(of_class.object(value, "a class").get("title"), of_class)


def _read_file(
    path: Path, several: bool, classes: ClassFinder, options: SourceOptions
) -> Annotated:
    entry = Entry(path)
    tree = entry.object(read_json(path), "the file")
    size = entry.optional_object(tree.get("size"), "'size'")
    height_width = stated_size(size.get("height"), size.get("width"), entry)
    collector = Collector(entry)
    split = _read_tags(tree.get("tags"), collector, classes)
    for number, value in enumerate(entry.list(tree.get("objects"), "'objects'"), 1):
        _read_object(value, number, height_width, collector, classes)
    written = path.name.removesuffix(".json")
    dataset = path.parent.parent
    picture = find_picture(written, path, options, dataset / "img")
    name = f"{dataset.name}/{written}" if several and dataset.name else written
    return collector.annotated(
        read_name(name, entry), picture, height_width, split or split_of([dataset.name])
    )


def _read_tags(value: Any, collector: Collector, classes: ClassFinder) -> str | None:
    """Read the tags of an image; return the split that one of them names."""
    split = None
    for item in collector.entry.optional_list(value, "'tags'"):
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(item, dict) and item.get("value") is not None:
            collector.unread("tags with a value")
        elif isinstance(name, str) and name.lower() in SPLITS:
            split = split_of([name])
        else:
            class_id = collector.class_of(name, classes, collector.entry.part("tags"))
            if class_id is not None:
                collector.tag(class_id)
    return split


def _read_object(
    value: Any, number: int, size: Size | None, collector: Collector, classes: ClassFinder
) -> None:
    entry = collector.entry.part(f"object {number}")
    thing = value if isinstance(value, dict) else {}
    class_id = collector.class_of(thing.get("classTitle"), classes, entry)
    if class_id is None:
        return
    if thing.get("tags"):
        collector.unread("tags of objects")
    with collector.one_mark():
        _read_geometry(thing, class_id, number, size, collector, entry)


def _read_geometry(
    thing: Object, class_id: int, number: int, size: Size | None, collector: Collector, entry: Entry
) -> None:
    match thing.get("geometryType"):
        case "bitmap" | "alpha_mask":
            collector.region(_region(thing.get("bitmap"), class_id, number, size, entry), entry)
        case "rectangle":
            corners = _exterior(thing, entry)
            if len(corners) != 2:
                raise entry.error(f"expected two corners, but got {len(corners)}")
            if _is_whole(corners):  # the pixels in the corners, which belong to it
                columns, rows = (sorted(side) for side in zip(*corners, strict=True))
                corners = [(columns[0], rows[0]), (columns[1] + 1, rows[1] + 1)]
            collector.box(class_id, corners, entry, number)
        case "polygon":
            _add_polygon(thing.get("points"), class_id, number, collector, entry)
        case "multipolygon":
            for part in entry.list(thing.get("parts"), "'parts'"):
                _add_polygon(part, class_id, number, collector, entry)
        case "line":
            collector.stroke(class_id, _centred(_exterior(thing, entry)), entry, number)
        case "point":
            for place in _centred(_exterior(thing, entry)):
                collector.point(class_id, place, entry, number)
        case "graph":
            nodes = entry.object(thing.get("nodes"), "'nodes'").values()
            shown = [entry.object(node, "a node") for node in nodes]
            for node in shown:
                if not node.get("disabled"):
                    (place,) = entry.places([node.get("loc")], "'loc'")
                    collector.point(class_id, place, entry, number)
        case kind:
            collector.unread(f"objects of kind {kind!r:.40}")


def _exterior(thing: Object, entry: Entry) -> Sequence[Place]:
    points = entry.object(thing.get("points"), "'points'")
    return entry.places(points.get("exterior"), "'exterior'")


def _add_polygon(
    value: Any, class_id: int, number: int, collector: Collector, entry: Entry
) -> None:
    points = entry.object(value, "'points'")
    rings = [points.get("exterior"), *entry.optional_list(points.get("interior"), "'interior'")]
    first, *holes = (_centred(entry.places(ring, "a ring")) for ring in rings)
    collector.polygon(class_id, first, entry, number, holes=holes)


def _is_whole(places: Sequence[Place]) -> bool:
    return all(x.is_integer() and y.is_integer() for x, y in places)


def _centred(places: Sequence[Place]) -> Sequence[Place]:
    """Move whole numbers, which mean pixels, to the centres of these."""
    return [(x + 0.5, y + 0.5) for x, y in places] if _is_whole(places) else places


def _region(value: Any, class_id: int, number: int, size: Size | None, entry: Entry) -> Region:
    """Read a mask, a PNG that is packed with zlib, and where its top left corner lies."""
    bitmap = entry.object(value, "'bitmap'")
    ((left, top),) = entry.places([bitmap.get("origin")], "'origin'")
    packed = read_base64(bitmap.get("data"), "the bitmap", entry)
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, _UNPACKED)
    except zlib.error as error:
        raise entry.error(f"the bitmap is damaged ({error})") from error
    if unpacker.unconsumed_tail:
        raise DataError(
            f"expected a bitmap of at most {_UNPACKED} bytes", path=entry.path, entry=entry.name
        )
    area = png_mask(raw, size, entry)
    return Region.from_mask(class_id, area, round(left), round(top), instance=number)
