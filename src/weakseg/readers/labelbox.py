"""Labelbox: an export of data rows as NDJSON, one a line, or as a JSON list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Place
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, split_of
from weakseg.support.json_files import first_keys, json_values
from weakseg.support.json_stream import json_items

_PATTERNS = ("*.ndjson", "*.jsonl", "*.json")

Object = dict[str, Any]


def _is_labelbox(path: Path) -> bool:
    _, keys = first_keys(path)
    return "data_row" in keys and bool(keys & {"projects", "media_attributes"})


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read a file, or all those in a folder.

    Bounding boxes, polygons, lines and points become marks of their kind, answers of
    classifications of the image tags. Masks are only linked in an export, so they are noted. Of
    several labels of an image the last is taken. Objects are numbered by their order.

    Raises:
        DataError: A file is damaged as a whole.
    """
    for file in chosen_files(path, _PATTERNS, _is_labelbox, options):
        found = False
        for entry, value in _rows(file):
            found = True
            yield _read_row(entry.object(value, "a data row"), entry, classes, options)
        if not found:
            raise DataError("holds no image", path=file)


LABELBOX = Format(
    "labelbox",
    "Labelbox: an export as NDJSON (v2)",
    lambda path: holds_file(path, _PATTERNS, _is_labelbox),
    _read,
)


def _rows(path: Path) -> Iterator[tuple[Entry, Any]]:
    values = json_items(path) if first_keys(path)[0] else json_values(path)
    for number, value in enumerate(values, 1):
        yield Entry(path, f"row {number}"), value


def _read_row(row: Object, entry: Entry, classes: ClassFinder, options: SourceOptions) -> Annotated:
    data = entry.object(row.get("data_row"), "'data_row'")
    written = _written(data, entry)
    collector = Collector(entry.part(f"image {written!r:.60}"))
    media = entry.optional_object(row.get("media_attributes"), "'media_attributes'")
    annotations = _annotations(row, collector)
    for number, value in enumerate(
        entry.optional_list(annotations.get("objects"), "'objects'"), start=1
    ):
        _read_object(value, number, collector, classes)
    answers = entry.optional_list(annotations.get("classifications"), "'classifications'")
    for name in (name for answer in answers for name in _answers(answer, collector)):
        class_id = collector.class_of(name, classes, collector.entry)
        if class_id is not None:
            collector.tag(class_id)
    details = data.get("details")
    split = details.get("split") if isinstance(details, dict) else None
    return collector.annotated(
        read_name(written, entry),
        find_picture(written, entry.path or Path(), options),
        stated_size(media.get("height"), media.get("width"), entry),
        split_of([split]) if isinstance(split, str) else None,
    )


def _written(data: Object, entry: Entry) -> str:
    """Return an image's name: its own, else the end of its URL."""
    external, url = data.get("external_id"), data.get("row_data")
    path = unquote(urlsplit(url).path).rpartition("/")[2] if isinstance(url, str) else ""
    if isinstance(external, str) and external.strip():
        # A number of a customer's data base, say, when only the URL names the file.
        named = external.lower().endswith(IMAGE_SUFFIXES)
        return external if named or not path.lower().endswith(IMAGE_SUFFIXES) else path
    if not path:
        raise entry.expected("an 'external_id' or the URL of an image", external or url)
    return path


def _annotations(row: Object, collector: Collector) -> Object:
    """Return the annotations of an image: of each project the last label's, equal ones once."""
    entry = collector.entry
    projects = entry.optional_object(row.get("projects"), "'projects'")
    if "projects" not in row:
        collector.note("unread", "has no 'projects', in which labels are")
    found: dict[str, list[Any]] = {"objects": [], "classifications": []}
    named = []
    for key, value in projects.items():
        project = entry.object(value, "a project")
        name = f"{project.get('name') or key!s:.40}"
        labels = [
            entry.object(label, "a label")
            for label in entry.list(project.get("labels"), "'labels'")
        ]
        if not labels:
            continue
        named.append(name)
        if len(labels) > 1:
            message = f"{len(labels)} labels of one image in project {name!r}; the last is taken"
            collector.note("unsure", message)
        annotations = _of_label(labels[-1], collector)
        for kind, values in found.items():
            held = entry.optional_list(annotations.get(kind), repr(kind))
            values += [each for each in held if each not in values]
    if len(named) > 1:
        collector.note("unsure", f"the labels of the projects {', '.join(named)} are joined")
    return found


def _of_label(label: Object, collector: Collector) -> Object:
    """Return the annotations of a label."""
    annotations = collector.entry.object(label.get("annotations"), "'annotations'")
    if annotations.get("frames"):
        collector.unread("frames of a video")
    missing = [key for key in ("objects", "classifications") if key not in annotations]
    if missing and "frames" not in annotations:
        collector.note("unread", f"has no {' and no '.join(map(repr, missing))}")
    return annotations


def _read_object(value: Any, number: int, collector: Collector, classes: ClassFinder) -> None:
    entry = collector.entry.part(f"object {number}")
    thing = value if isinstance(value, dict) else {}
    class_id = collector.class_of(thing.get("name") or thing.get("value"), classes, entry)
    if class_id is None:
        return
    if thing.get("classifications"):
        collector.unread("classifications of objects")
    with collector.one_mark():
        if "bounding_box" in thing:
            box = entry.object(thing["bounding_box"], "'bounding_box'")
            left, top, width, height = (
                entry.number(box.get(key), key) for key in ("left", "top", "width", "height")
            )
            collector.rectangle(class_id, (left, top), (width, height), entry, number)
        elif "polygon" in thing:
            collector.polygon(class_id, _line(thing["polygon"], "polygon", entry), entry, number)
        elif "line" in thing:
            collector.stroke(class_id, _line(thing["line"], "line", entry), entry, number)
        elif "point" in thing:
            (place,) = _line([thing["point"]], "point", entry)
            collector.point(class_id, place, entry, number)
        elif "mask" in thing or "composite_mask" in thing:
            collector.note(
                "missing",
                "a mask is only linked in the export, which weakseg does not download: save the "
                "masks as label maps (see label-pngs) and import those",
            )
        else:
            collector.unread(f"objects of kind {thing.get('annotation_kind')!r:.40}")


def _line(value: Any, what: str, entry: Entry) -> list[Place]:
    places = (entry.object(place, f"a place of '{what}'") for place in entry.list(value, what))
    return [
        (entry.number(place.get("x"), "x"), entry.number(place.get("y"), "y")) for place in places
    ]


def _answers(value: Any, collector: Collector) -> Iterator[Any]:
    """Iterate over the answers of a classification: one of a choice, or several."""
    answer = value if isinstance(value, dict) else {}
    if isinstance(answer.get("radio_answer"), dict):
        yield answer["radio_answer"].get("name")
    elif isinstance(answer.get("checklist_answers"), list):
        answers = answer["checklist_answers"]
        yield from (one.get("name") if isinstance(one, dict) else None for one in answers)
    else:
        collector.unread("classifications that are no choice")
