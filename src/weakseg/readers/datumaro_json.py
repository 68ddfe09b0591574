"""Datumaro's own JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.run_lengths import read_run_lengths, region_of_runs
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.formats.tool_exports import rotation_of
from weakseg.images.reading import stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Place
from weakseg.marks.label_values import VOID
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, split_of
from weakseg.support.json_files import first_keys, read_json

_PATTERNS = ("annotations/*.json", "*.json")
_KINDS = {"label", "mask", "polyline", "polygon", "bbox", "points", "ellipse"}
_ABSENT = 0  # of visibilities

Object = dict[str, Any]


def _is_datumaro(path: Path) -> bool:
    is_list, keys = first_keys(path)
    return not is_list and "categories" in keys and bool(keys & {"items", "infos"})


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the items of a file, or of all files in a folder.

    Annotations become marks of their kind, ellipses outlines; crowds are void. What lies on top, by
    the z-order, comes last. Objects are numbered by their group or else their id. Annotations that
    are damaged are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    for file in chosen_files(path, _PATTERNS, _is_datumaro, options):
        entry = Entry(file)
        tree = entry.object(read_json(file), "the file")
        class_ids = _class_ids(tree, entry, classes)
        items = entry.list(tree.get("items"), "'items'")
        if not items:
            raise DataError("holds no image", path=file)
        for number, item in enumerate(items, 1):
            yield _read_item(item, Collector(entry.part(f"item {number}")), class_ids, options)


DATUMARO = Format(
    "datumaro",
    "datumaro's own JSON, or a folder of them",
    lambda path: holds_file(path, _PATTERNS, _is_datumaro),
    _read,
    heeds=("crowd",),
)


def _class_ids(tree: Object, file: Entry, classes: ClassFinder) -> list[int]:
    categories = file.object(tree.get("categories"), "'categories'")
    if "label" not in categories:
        return []
    label = file.object(categories["label"], "'label'")
    labels = []
    for number, value in enumerate(file.list(label.get("labels"), "'labels'")):
        entry = file.part(f"label {number}")
        name = entry.text(entry.object(value, "a label").get("name"), "'name'")
        labels.append((name, entry))
    return [classes.find(name, entry) for name, entry in labels]


def _read_item(
    value: Any, collector: Collector, class_ids: Sequence[int], options: SourceOptions
) -> Annotated:
    entry, path = collector.entry, collector.entry.path or Path()
    item = entry.object(value, "an item")
    given = entry.text(item.get("id"), "'id'")
    name = read_name(given, entry)
    image = entry.object(item.get("image") or item.get("media") or {}, "'image'")
    written = entry.text(image.get("path", given), "'path'")
    folders = (path.parent.parent / "images", path.parent / "images")
    around = [folder / path.stem for folder in folders]
    pictures = (find_picture(file, path, options, *around, *folders) for file in (written, given))
    for annotation, place in _annotations(item, collector):
        with collector.one_mark():
            _read_annotation(annotation, collector, class_ids, options, place)
    picture = next(filter(None, pictures), None)
    return collector.annotated(name, picture, _size(image, entry), _split(path))


def _split(path: Path) -> str | None:
    is_split = path.parent.name == "annotations" and path.stem != "default"
    return path.stem if is_split else split_of([path.stem])


def _size(image: Object, entry: Entry) -> Size | None:
    size = entry.list(image.get("size") or [None, None], "'size'")
    if len(size) != 2:
        raise entry.expected("height and width as 'size'", size)
    height, width = size
    return stated_size(height, width, entry)


def _annotations(item: Object, collector: Collector) -> list[tuple[Object, Entry]]:
    """List the annotations that can be read, with their place; what lies on top comes last."""
    found = []
    listed = collector.entry.optional_list(item.get("annotations"), "'annotations'")
    if "annotations" not in item:
        collector.note("damaged", "has no 'annotations'")
    for number, value in enumerate(listed, 1):
        entry = collector.entry.part(f"annotation {number}")
        with collector.one_mark():
            annotation = entry.object(value, "an annotation")
            kind = entry.text(annotation.get("type"), "'type'")
            if kind not in _KINDS:
                collector.unread(f"annotations of kind {kind:.40}")
            elif annotation.get("label_id") is None:
                collector.note("unknown", f"a {kind} without a class; left out", entry)
            else:
                depth = entry.integer(annotation.get("z_order") or 0, "'z_order'")
                found.append((depth, annotation, entry))
    found.sort(key=lambda one: one[0])
    return [(annotation, entry) for _, annotation, entry in found]


def _class_of(annotation: Object, class_ids: Sequence[int], entry: Entry) -> int:
    label = entry.integer(annotation["label_id"], "'label_id'")
    if not 0 <= label < len(class_ids):
        raise entry.error(f"class number {label} is not among the {len(class_ids)} of the file")
    return class_ids[label]


def _is_crowd(annotation: Object) -> bool:
    attributes = annotation.get("attributes")
    return isinstance(attributes, dict) and bool(attributes.get("is_crowd"))


def _read_annotation(
    annotation: Object,
    collector: Collector,
    class_ids: Sequence[int],
    options: SourceOptions,
    entry: Entry,
) -> None:
    class_id = _class_of(annotation, class_ids, entry)
    if _is_crowd(annotation) and options.crowd != "object":
        class_id = VOID
        if options.crowd is None:
            collector.note("unsure", "crowds are taken as void (--crowd object: as objects)")
    number = annotation.get("group") or annotation.get("id") or 0
    instance = entry.integer(number, "'group' or 'id'") or None
    match annotation["type"]:
        case "label":
            collector.tag(class_id)
        case "bbox":
            x, y, width, height = _four(annotation, "bbox", entry)
            degrees = rotation_of(annotation.get("attributes"))
            collector.rectangle(class_id, (x, y), (width, height), entry, instance, degrees=degrees)
        case "ellipse":
            left, top, right, bottom = _four(annotation, "points", entry)
            centre, radii = (
                ((left + sign * right) / 2, (top + sign * bottom) / 2) for sign in (1, -1)
            )
            collector.ellipse(class_id, centre, radii, 0, entry, instance)
        case "mask":
            size, runs = read_run_lengths(annotation.get("rle"), "'rle'", entry)
            collector.region(region_of_runs(class_id, runs, size, instance), entry)
        case "points":
            for place in _visible(annotation, entry):
                collector.point(class_id, place, entry, instance)
        case kind:
            places = entry.corners(annotation.get("points"), "'points'")
            add = collector.polygon if kind == "polygon" else collector.stroke
            add(class_id, places, entry, instance)


def _four(annotation: Object, key: str, entry: Entry) -> Sequence[float]:
    numbers = entry.numbers(annotation.get(key), f"'{key}'")
    if len(numbers) != 4:
        raise entry.expected(f"four numbers as '{key}'", numbers)
    return numbers


def _visible(annotation: Object, entry: Entry) -> list[Place]:
    """Read places, without those that are marked as absent."""
    places = entry.corners(annotation.get("points"), "'points'")
    stated = annotation.get("visibility")
    if stated is None:
        return list(places)
    visibility = entry.numbers(stated, "'visibility'")
    if len(visibility) != len(places):
        raise entry.error(
            f"expected the visibility of {len(places)} points, but got {len(visibility)} numbers"
        )
    return [place for place, one in zip(places, visibility, strict=True) if one != _ABSENT]
