"""datumaro's own JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from weakseg.formats.json_files import first_keys, read_json
from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where, left_out
from weakseg.formats.readers.by_datumaro.run_lengths import check_run_lengths
from weakseg.formats.source import SourceOptions, find_picture
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

_PATTERNS = ("annotations/*.json", "*.json")
# What datumaro's reader of its own files understands; it fails at other kinds.
_KINDS = {"label", "mask", "polyline", "polygon", "bbox", "points", "ellipse"}
_KEPT = {"id", "type", "group", "label_id", "z_order", "points", "visibility", "bbox", "rle"}


def recognises(path: Path) -> bool:
    """Tell whether this is a JSON file that datumaro wrote, or a folder with one."""
    return files.holds_file(path, _PATTERNS, _is_datumaro)


def _is_datumaro(path: Path) -> bool:
    is_list, keys = first_keys(path)
    return not is_list and "categories" in keys and bool(keys & {"items", "infos"})


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the items of a file, or of all files in a folder."""
    for file in files.files_of(path, _PATTERNS, _is_datumaro):
        tree = read_json(file)
        labels = _labels(tree, Where(file))
        items = fields.take(tree, "items", list, Where(file))
        if not items:
            raise DataError("holds no image", path=file)
        for number, item in enumerate(items, 1):
            yield _entry(item, Where(file, f"item {number}"), labels, options)


def _labels(tree: Any, where: Where) -> tuple[str, ...]:
    categories = fields.take(tree, "categories", dict, where)
    if "label" not in categories:
        return ()
    label = fields.take(categories, "label", dict, where)
    return tuple(
        fields.take(one, "name", str, replace(where, entry=f"label {number}"))
        for number, one in enumerate(fields.take(label, "labels", list, where))
    )


def _entry(item: Any, where: Where, labels: tuple[str, ...], options: SourceOptions) -> Entry:
    name = fields.take(item, "id", str, where)
    image = item.get("image") or item.get("media") or {}
    if not isinstance(image, dict):
        raise where.error(f"expected an object as 'image', but got {image!r:.60}")
    written = fields.take({"path": name} | image, "path", str, where)
    around = [folder / where.path.stem for folder in _image_folders(where.path)]
    options = replace(options, images=(*options.images, *around, *_image_folders(where.path)))
    staged, findings = _staged(item, where)
    return Entry(
        name,
        where,
        labels,
        _lay_out(staged, len(labels)) if staged else None,
        find_picture(written, where.path, options) or find_picture(name, where.path, options),
        _size(image, where),
        _split(where.path),
        findings=findings,
    )


def _split(path: Path) -> str | None:
    is_split = path.parent.name == "annotations" and path.stem != "default"
    return path.stem if is_split else files.split_of([path.stem])


def _image_folders(path: Path) -> tuple[Path, ...]:
    return (path.parent.parent / "images", path.parent / "images")


def _size(image: dict[str, Any], where: Where) -> Size | None:
    size = image.get("size") or (None, None)
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise where.error(f"expected height and width as 'size', but got {size!r:.60}")
    height, width = size
    return fields.stated_size(height, width, where)


def _staged(item: dict[str, Any], where: Where) -> tuple[list[str], list[Finding]]:
    staged, findings = [], []
    unread: Counter[str] = Counter()
    listed = fields.take({"annotations": []} | item, "annotations", list, where)
    for number, annotation in enumerate(listed, 1):
        place = replace(where, entry=f"{where.entry}, annotation {number}")
        kind = fields.take(annotation, "type", str, place)
        if kind not in _KINDS:
            unread[kind] += 1
            continue
        if kind == "mask":
            check_run_lengths(annotation.get("rle"), place)
        kept = {key: value for key, value in annotation.items() if key in _KEPT}
        attributes = annotation.get("attributes")
        is_crowd = isinstance(attributes, dict) and bool(attributes.get("is_crowd"))
        try:
            text = json.dumps(kept | {"attributes": {"is_crowd": is_crowd}}, allow_nan=False)
        except ValueError:
            raise place.error("expected finite numbers, but got NaN or infinity") from None
        staged.append(text)
    if unread:
        findings.append(left_out(unread, where))
    return staged, findings


def _lay_out(annotations: Sequence[str], labels: int) -> LayOut:
    def lay_out(folder: Path) -> Any:
        names = [{"name": str(number), "parent": ""} for number in range(labels)]
        categories = json.dumps({"label": {"labels": names}})
        item = f'{{"id": "1", "annotations": [{", ".join(annotations)}]}}'
        text = f'{{"categories": {categories}, "items": [{item}]}}'
        path = files.write(folder / "annotations" / "one.json", text)
        return plugin("datumaro.base", "DatumaroBase")(str(path))

    return lay_out
