"""Label Studio: a JSON export of tasks, each an image with its annotations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.readers.label_studio_results import Result, is_drawn, read_results
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, image_name
from weakseg.marks.classes import ClassFinder
from weakseg.support.entries import Entry
from weakseg.support.json_files import first_keys, json_items

_UPLOAD = re.compile(r"(?:^|/)data/upload/(?:\d+/)?((?:[0-9a-f]{8}-)?(.+))$")


def _recognises(path: Path) -> bool:
    is_list, keys = first_keys(path)
    tasks = "annotations.result" in keys or {"annotations", "data"} <= keys
    # JSON-MIN too, so that reading it can say which export to take.
    return tasks or (is_list and {"annotation_id", "annotator"} <= keys)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the tasks of an export as "JSON", one at a time.

    Choices and taxonomies become tags (of a taxonomy the last name); rectangles, points, outlines,
    open lines and ellipses become marks of their kind. Painted areas are masks, or scribbles where
    the options say that label maps are. Of several annotations of a task the ground truth is
    taken, else the newest.

    Raises:
        DataError: The file is damaged, or another export than "JSON".
    """
    for number, task in enumerate(json_items(path), start=1):
        yield _read_task(task, number, path, classes, options)


LABEL_STUDIO = Format("label-studio", 'Label Studio: an export as "JSON"', _recognises, _read)


def _read_task(
    value: Any, number: int, path: Path, classes: ClassFinder, options: SourceOptions
) -> Annotated:
    task = Entry(path, f"task {number}").object(value, "a task")
    entry = Entry(path, f"task {task.get('id', number)!s:.20}")
    if "annotations" not in task:
        raise entry.error(
            'expected a task with "data" and "annotations"; the export "JSON" of Label Studio has '
            'them, "JSON-MIN" has not: export as "JSON"'
        )
    collector = Collector(entry)
    results = _chosen_results(task, collector)
    written = _image_file(task.get("data"), results, entry)
    name, files = _name_and_files(written)
    if not name:
        raise entry.expected("the path of an image", written)
    size = read_results(results, collector, classes, options)
    pictures = (find_picture(file, path, options) for file in files)
    return collector.annotated(name, next(filter(None, pictures), None), size)


def _chosen_results(task: dict[str, Any], collector: Collector) -> list[Result]:
    """Choose among the annotations of a task: the ground truth, else the newest."""
    entry = collector.entry
    given = entry.list(task["annotations"], "annotations")
    annotations = [entry.object(item, "an annotation") for item in given]
    usable = [item for item in annotations if not item.get("was_cancelled")]
    if not usable:
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
    return [entry.object(item, "a result") for item in results]


def _time(annotation: dict[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _image_file(value: Any, results: Iterable[Result], entry: Entry) -> str:
    """Find the image among a task's data: "image", what marks name, or the only path."""
    data = entry.object(value, "data")
    marked = list(dict.fromkeys(str(item.get("to_name")) for item in results if is_drawn(item)))
    if len(marked) > 1:
        raise entry.error(f"expected marks of one image, but got marks of {', '.join(marked):.60}")
    texts = {key: text for key, text in data.items() if isinstance(text, str) and text}
    files = [
        text for text in texts.values() if _without_server(text).lower().endswith(IMAGE_SUFFIXES)
    ]
    named = [texts[key] for key in ("image", *marked) if key in texts]
    found = named[:1] or files
    if len(found) != 1:
        keys = ", ".join(map(repr, data))
        raise entry.error(
            f"expected the path of one image in data, but got {len(found)} among {keys:.60}"
        )
    if found[0].startswith("data:"):
        raise entry.error("expected the path or URL of an image, but got one inside the file")
    return found[0]


def _name_and_files(written: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of an image, and the paths under which it may lie here.

    Label Studio puts eight digits before the name of a file that somebody uploads.

    Args:
        written: A path, a URL, or a path of Label Studio's own.
    """
    file = _without_server(written)
    upload = _UPLOAD.search(file)
    if upload is None:
        return image_name(file), (file,)
    stored, own = upload.groups()
    return image_name(own), (stored, own)


def _without_server(written: str) -> str:
    """Return the path in a URL; that of a local file stands in its query."""
    try:
        url = urlsplit(written)
    except ValueError:
        return written
    folder = parse_qs(url.query).get("d", [""])[0]
    if url.path.rstrip("/").endswith("data/local-files") and folder:
        return folder
    if len(url.scheme) == 1:  # a drive of Windows
        return written[2:]
    if url.scheme or written.startswith("/data/"):
        return unquote(url.path).lstrip("/")
    return written
