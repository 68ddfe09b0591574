"""Datumaro's own JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from weakseg.formats.collector import Collector
from weakseg.formats.folders import files_of, holds_file, safely, split_of
from weakseg.formats.json_files import (
    first_keys,
    read_corners,
    read_json,
    read_list,
    read_numbers,
    read_object,
    read_text,
    stated_size,
)
from weakseg.formats.run_lengths import mask_of_runs, read_run_lengths
from weakseg.formats.source import (
    Annotated,
    ClassFinder,
    Format,
    SourceOptions,
    find_picture,
    read_integer,
    read_name,
)
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Place
from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError

_PATTERNS = ("annotations/*.json", "*.json")
_KINDS = {"label", "mask", "polyline", "polygon", "bbox", "points", "ellipse"}
_ABSENT = 0  # of visibilities

Object = dict[str, Any]


def _recognises(path: Path) -> bool:
    """Check whether this is a JSON file that datumaro wrote, or a folder with one."""
    return holds_file(path, _PATTERNS, _is_datumaro)


def _is_datumaro(path: Path) -> bool:
    is_list, keys = first_keys(path)
    return not is_list and "categories" in keys and bool(keys & {"items", "infos"})


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the items of a file, or of all files in a folder.

    Annotations become marks of their kind, ellipses outlines; crowds are void. What lies on top, by
    the z-order, comes last. Objects are numbered by their group or else their id.

    Raises:
        DataError: A file is damaged.
    """
    for file in files_of(path, _PATTERNS, _is_datumaro):
        tree = read_object(read_json(file), "the file", file)
        class_ids = [
            classes.find(label, path=file, entry=f"label {number}")
            for number, label in enumerate(_labels(tree, file))
        ]
        items = read_list(tree.get("items"), "'items'", file)
        if not items:
            raise DataError("holds no image", path=file)
        for number, item in enumerate(items, 1):
            yield _read_item(item, Collector(file, f"item {number}"), class_ids, options)


DATUMARO = Format(
    "datumaro", "datumaro's own JSON, or a folder of them", safely(_recognises), _read
)


def _labels(tree: Object, path: Path) -> list[str]:
    categories = read_object(tree.get("categories"), "'categories'", path)
    if "label" not in categories:
        return []
    label = read_object(categories["label"], "'label'", path)
    labels = []
    for number, value in enumerate(read_list(label.get("labels"), "'labels'", path)):
        entry = f"label {number}"
        name = read_object(value, "a label", path, entry).get("name")
        labels.append(read_text(name, "'name'", path, entry))
    return labels


def _read_item(
    value: Any, collector: Collector, class_ids: Sequence[int], options: SourceOptions
) -> Annotated:
    path, entry = collector.path, str(collector.entry)
    item = read_object(value, "an item", path, entry)
    given = read_text(item.get("id"), "'id'", path, entry)
    name = read_name(given, path, entry)
    image = read_object(item.get("image") or item.get("media") or {}, "'image'", path, entry)
    written = read_text(image.get("path", given), "'path'", path, entry)
    folders = (path.parent.parent / "images", path.parent / "images")
    around = [folder / path.stem for folder in folders]
    options = replace(options, images=(*options.images, *around, *folders))
    for annotation, place in _annotations(item, collector):
        _read_annotation(annotation, collector, class_ids, place)
    return Annotated(
        name,
        collector.marks(),
        find_picture(written, path, options) or find_picture(given, path, options),
        _size(image, collector),
        path,
        entry,
        _split(path),
        collector.findings(),
    )


def _split(path: Path) -> str | None:
    is_split = path.parent.name == "annotations" and path.stem != "default"
    return path.stem if is_split else split_of([path.stem])


def _size(image: Object, collector: Collector) -> Size | None:
    stated = image.get("size") or [None, None]
    size = read_list(stated, "'size'", collector.path, collector.entry)
    if len(size) != 2:
        raise collector.error(f"expected height and width as 'size', but got {size!r:.60}")
    height, width = size
    return stated_size(height, width, collector.path, collector.entry)


def _annotations(item: Object, collector: Collector) -> list[tuple[Object, str]]:
    """List the annotations that can be read, with their place; what lies on top comes last."""
    path, found = collector.path, []
    listed = read_list(item.get("annotations", []), "'annotations'", path, collector.entry)
    for number, value in enumerate(listed, 1):
        entry = f"{collector.entry}, annotation {number}"
        annotation = read_object(value, "an annotation", path, entry)
        kind = read_text(annotation.get("type"), "'type'", path, entry)
        if kind not in _KINDS:
            collector.unread(f"annotations of kind {kind:.40}")
        elif annotation.get("label_id") is None:
            collector.note("unknown", f"a {kind} without a class; left out", entry)
        else:
            depth = read_integer(annotation.get("z_order") or 0, "'z_order'", path, entry)
            found.append((depth, annotation, entry))
    found.sort(key=lambda one: one[0])
    return [(annotation, entry) for _, annotation, entry in found]


def _class_of(
    annotation: Object, class_ids: Sequence[int], collector: Collector, entry: str
) -> int:
    label = read_integer(annotation["label_id"], "'label_id'", collector.path, entry)
    if not 0 <= label < len(class_ids):
        raise collector.error(
            f"class number {label} is not among the {len(class_ids)} of the file", entry
        )
    attributes = annotation.get("attributes")
    is_crowd = isinstance(attributes, dict) and attributes.get("is_crowd")
    return VOID if is_crowd else class_ids[label]


def _read_annotation(
    annotation: Object, collector: Collector, class_ids: Sequence[int], entry: str
) -> None:
    class_id = _class_of(annotation, class_ids, collector, entry)
    number = annotation.get("group") or annotation.get("id") or 0
    instance = read_integer(number, "'group' or 'id'", collector.path, entry) or None
    match annotation["type"]:
        case "label":
            collector.tag(class_id)
        case "bbox":
            x, y, width, height = _four(annotation, "bbox", collector, entry)
            collector.rectangle(class_id, (x, y), (width, height), entry, instance)
        case "ellipse":
            left, top, right, bottom = _four(annotation, "points", collector, entry)
            centre, radii = (
                ((left + sign * right) / 2, (top + sign * bottom) / 2) for sign in (1, -1)
            )
            collector.ellipse(class_id, centre, radii, 0, entry, instance)
        case "mask":
            size, runs = read_run_lengths(annotation.get("rle"), "'rle'", collector.path, entry)
            collector.mask(class_id, mask_of_runs(runs, size), entry, instance)
        case "points":
            for place in _visible(annotation, collector, entry):
                collector.point(class_id, place, entry, instance)
        case kind:
            places = read_corners(annotation.get("points"), "'points'", collector.path, entry)
            add = collector.polygon if kind == "polygon" else collector.stroke
            add(class_id, places, entry, instance)


def _four(annotation: Object, key: str, collector: Collector, entry: str) -> Sequence[float]:
    numbers = read_numbers(annotation.get(key), f"'{key}'", collector.path, entry)
    if len(numbers) != 4:
        raise collector.error(f"expected four numbers as '{key}', but got {numbers!r:.60}", entry)
    return numbers


def _visible(annotation: Object, collector: Collector, entry: str) -> list[Place]:
    """Read places, without those that are marked as absent."""
    places = read_corners(annotation.get("points"), "'points'", collector.path, entry)
    stated = annotation.get("visibility")
    if stated is None:
        return list(places)
    visibility = read_numbers(stated, "'visibility'", collector.path, entry)
    if len(visibility) != len(places):
        raise collector.error(
            f"expected the visibility of {len(places)} points, but got {len(visibility)} numbers",
            entry,
        )
    return [place for place, one in zip(places, visibility, strict=True) if one != _ABSENT]
