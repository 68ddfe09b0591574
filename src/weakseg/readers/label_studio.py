"""Label Studio: a JSON export of tasks, each of one image or of several, with annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from weakseg.formats.collector import Collector
from weakseg.formats.data_folders import is_data_folder
from weakseg.formats.pictures import find_picture, find_renamed
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, image_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.readers.label_studio_results import Result, is_drawn, read_results
from weakseg.support.entries import Entry
from weakseg.support.folders import files_below, files_of, holds_file
from weakseg.support.json_files import first_keys
from weakseg.support.json_stream import json_items

_PATTERNS = ("*.json",)
_UPLOAD = re.compile(r"(?:^|/)data/upload/(?:\d+/)?((?:[0-9a-f]{8}-)?(.+))$")
_LOCAL = re.compile(r"[?&]d=(.*)", re.DOTALL)


def _is_export(path: Path) -> bool:
    is_list, keys = first_keys(path)
    tasks = "annotations.result" in keys or {"annotations", "data"} <= keys
    # JSON-MIN too, so that reading it can say which export to take.
    return tasks or (is_list and {"annotation_id", "annotator"} <= keys)


def _recognises(path: Path) -> bool:
    if path.is_dir():
        return not is_data_folder(path) and holds_file(path, _PATTERNS, _is_export)
    return _is_export(path)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the tasks of an export as "JSON", or of all those in a folder, one at a time.

    Choices and taxonomies become tags (of a taxonomy the last name); rectangles, points, outlines,
    open lines and ellipses become marks of their kind. Painted areas are masks, or scribbles where
    the options say that label maps are. Of several annotations of a task the ground truth is
    taken, else the newest. Results that are damaged are left out and noted.

    Raises:
        DataError: A file is damaged as a whole, or another export than "JSON".
    """
    files = files_of(path, _PATTERNS, _is_export)
    inside = files_below(path, *_PATTERNS) if path.is_dir() else []
    others = [file for file in inside if file not in files]
    findings = tuple(
        Finding("unread", "is no export of Label Studio; left out", file) for file in others
    )
    shared = _shared_names(files)
    for file in files:
        for number, task in enumerate(json_items(file), start=1):
            for image in _read_task(task, Entry(file, f"task {number}"), shared, classes, options):
                yield replace(image, findings=findings + image.findings) if findings else image
                findings = ()


LABEL_STUDIO = Format(
    "label-studio",
    'Label Studio: an export as "JSON", or a folder of them',
    _recognises,
    _read,
    heeds=("label_maps",),
)


def _shared_names(files: Sequence[Path]) -> set[str]:
    """Return the names that more than one uploaded image has, but for the digits before them."""
    stored: dict[str, set[str]] = {}
    for file in files:
        for task in json_items(file):
            data = task.get("data") if isinstance(task, dict) else None
            for text in _texts(list(data.values()) if isinstance(data, dict) else []):
                upload = _UPLOAD.search(_readings(text)[0])
                if upload is not None:
                    stored.setdefault(upload[2], set()).add(upload[1])
    return {name for name, of_name in stored.items() if len(of_name) > 1}


def _texts(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        yield from filter(_is_text, value if isinstance(value, list) else [value])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _read_task(
    value: Any, entry: Entry, shared: set[str], classes: ClassFinder, options: SourceOptions
) -> Iterator[Annotated]:
    task = entry.object(value, "a task")
    entry = Entry(entry.path, f"task {task['id']!s:.20}" if "id" in task else entry.name)
    if "annotations" not in task:
        raise entry.error(
            'expected a task with "data" and "annotations"; the export "JSON" of Label Studio has '
            'them, "JSON-MIN" has not: export as "JSON"'
        )
    collector = Collector(entry)
    results = _chosen_results(task, collector)
    pages = _pages(task.get("data"), results, collector)
    for number, (written, own) in enumerate(pages, 1):
        if number > 1:
            collector = Collector(entry.part(f"image {number}"))
        name, picture = _find(written, shared, collector, options)
        size = read_results(own, collector, classes, options)
        yield collector.annotated(name, picture, size)


def _chosen_results(task: dict[str, Any], collector: Collector) -> list[Result]:
    """Choose among the annotations of a task: the ground truth, else the newest."""
    entry = collector.entry
    given = entry.list(task["annotations"], "annotations")
    annotations = [entry.object(item, "an annotation") for item in given]
    usable = [item for item in annotations if not item.get("was_cancelled")]
    if not usable:
        if any(item.get("result") for item in annotations):
            collector.unread("marks of annotations that were all cancelled")
        for unused in ("drafts", "predictions"):
            if task.get(unused):
                collector.unread(f"{unused}, which nobody has submitted")
        return []
    truths = [item for item in usable if item.get("ground_truth")]
    chosen = sorted(truths or usable, key=_time)[-1]
    if len(usable) > 1:
        which = "the ground truth" if truths else "the newest"
        collector.note(
            "unsure",
            f"{len(usable)} annotations of one image; {which} is taken, "
            f"annotation {chosen.get('id')!s:.20}",
        )
    results = entry.list(chosen.get("result"), "result")
    for number, item in enumerate(results, 1):
        if not isinstance(item, dict):
            message = f"expected an object as a result, but got {item!r:.60}; left out"
            collector.note("damaged", message, entry.part(f"result {number}"))
    return [item for item in results if isinstance(item, dict)]


def _time(annotation: dict[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


_Page = tuple[str, list[Result]]
"""An image, as it is written, and the results that are of it."""


def _pages(value: Any, results: Sequence[Result], collector: Collector) -> Sequence[_Page]:
    """Find the images of a task: "image", what marks name, or the only path or list of paths."""
    entry = collector.entry
    data = entry.object(value, "data")
    marked = list(dict.fromkeys(str(item.get("to_name")) for item in results if is_drawn(item)))
    if len(marked) > 1:
        if not all(_is_text(data.get(name)) for name in marked):
            raise entry.error(
                "expected marks of one image, or of images that data names so, but got marks of "
                f"{', '.join(marked):.60}"
            )
        # What names no image, a relation for one, goes with the first.
        of = [item.get("to_name", marked[0]) for item in results]
        return [
            (data[name], [item for item, own in zip(results, of, strict=True) if own == name])
            for name in marked
        ]
    images = {key: item for key, item in data.items() if list(_texts([item]))}
    paths = [item for item in images.values() if all(map(_is_path, _texts([item])))]
    named = [images[key] for key in ("image", *marked) if key in images]
    found = named[:1] or paths
    if len(found) != 1:
        keys = ", ".join(map(repr, data))
        other = next((key for key in ("video", "audio", "text") if key in data), None)
        if other is not None and not found:
            raise entry.error(
                f"is a task of {other}, and weakseg reads images: of a video, annotate its frames "
                "as images, or export these"
            )
        raise entry.error(
            f"expected the path of one image in data, but got {len(found)} among {keys:.60}"
        )
    if isinstance(found[0], str):
        return [(found[0], list(results))]
    return _listed(list(_texts(found)), results, collector)


def _is_path(written: str) -> bool:
    return any(path.lower().endswith(IMAGE_SUFFIXES) for path in _readings(written))


def _listed(
    files: Sequence[str], results: Sequence[Result], collector: Collector
) -> Sequence[_Page]:
    """Sort results by their image's place in the task's list, which those of one id share."""
    places = {_id(item): item["item_index"] for item in results if "item_index" in item}
    pages: list[_Page] = [(file, []) for file in files]
    for item in results:
        place = item.get("item_index", places.get(_id(item), 0 if is_drawn(item) else None))
        if type(place) is int and 0 <= place < len(files):
            pages[place][1].append(item)
        elif place is None:
            collector.unread("tags of a task of several images that do not say of which")
        else:
            collector.note(
                "damaged",
                f"expected the number of one of {len(files)} images, from 0 on, as item_index, but "
                f"got {place!r:.40}; left out",
                collector.entry.part(f"result {item.get('id')!s:.20}"),
            )
    return pages


def _id(result: Result) -> str:
    return str(result.get("id"))


def _find(
    written: str, shared: set[str], collector: Collector, options: SourceOptions
) -> tuple[str, Path | None]:
    """Return the name of an image, and its file if it is here.

    Label Studio puts eight digits before the name of a file that somebody uploads. They stay where
    several uploads have one name.
    """
    entry = collector.entry
    if written.startswith("data:"):
        raise entry.error("expected the path or URL of an image, but got one inside the file")
    names = []
    for file in _readings(written):
        upload = _UPLOAD.search(file)
        stored, own = upload.groups() if upload is not None else (file, file)
        is_shared = upload is not None and own in shared
        if is_shared:
            collector.note(
                "unsure",
                f"several uploads are called {own!r:.60}; this one is {stored!r:.80}, with the "
                "digits that Label Studio put before",
            )
        names.append(image_name(stored if is_shared else own))
        for path in (stored,) if is_shared else (stored, own):
            picture = find_picture(path, entry.path or Path(), options)
            if picture is not None and names[-1]:
                return names[-1], picture
        if picture is None and upload is not None and not is_shared:
            picture = find_renamed(own, _upload_name, entry.path or Path(), options)
            if picture is not None:
                return image_name(picture.name), picture
    if not names[0]:
        raise entry.expected("the path of an image", written)
    return names[0], None


def _upload_name(name: str) -> str:
    """Return what Label Studio calls a file that somebody uploads, without the digits before it.

    Examples:
        >>> _upload_name("coffee, cup (2).png")
        'coffee_cup_2.png'
    """
    return re.sub(r"[^\w.-]", "", name.strip().replace(" ", "_"))


def _readings(written: str) -> list[str]:
    """Return the path in a URL, or the paths it may mean; that of a local file is in its query.

    People write "+", "#" and spaces into URLs as they stand in a file's name, so that what comes
    out of a URL by the rules is only the first of the readings.

    Examples:
        >>> _readings("/data/local-files/?d=photos/a+b.jpg")
        ['photos/a b.jpg', 'photos/a+b.jpg']
    """
    try:
        url = urlsplit(written)
    except ValueError:
        return [written]
    local = _LOCAL.search(written)
    if local and url.path.rstrip("/").endswith("data/local-files"):
        by_rule, raw = parse_qs(url.query).get("d", [""])[0], local[1]
    elif len(url.scheme) == 1:  # a drive of Windows
        return [written[2:]]
    elif url.scheme or written.startswith("/data/"):
        by_rule = unquote(url.path).lstrip("/")
        raw = written.removeprefix(f"{url.scheme}:").removeprefix(f"//{url.netloc}").lstrip("/")
    else:
        return [written]
    readings = dict.fromkeys((by_rule, unquote(raw), raw))
    return sorted(readings, key=lambda path: not path.lower().endswith(IMAGE_SUFFIXES))
