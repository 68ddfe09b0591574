"""YOLO, as Darknet, Ultralytics and tools that export labels beside images lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions, find_picture, read_number
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

_CONFIGS = ("obj.data", "data.yaml", "*.yaml", "*.yml", "obj.names", "classes.txt")
_LABEL_FOLDERS = ("labels", "annotations")


def recognises(path: Path) -> bool:
    """Tell whether this is a file that names YOLO's classes, or a folder with one."""
    return files.holds_file(path, _CONFIGS, _is_config)


def _is_config(path: Path) -> bool:
    head = files.head(path)
    if path.suffix in {".yaml", ".yml"}:
        keys = set(re.findall(r"^(\w+)\s*:", head, re.MULTILINE))
        return "names" in keys and bool(keys & {"nc", "path", "train", "val", "test"})
    if path.suffix == ".data":
        return re.search(r"^\s*names\s*=", head, re.MULTILINE) is not None
    return any(True for folder in _label_folders(path.parent) for _ in folder.rglob("*.txt"))


def _label_folders(root: Path) -> list[Path]:
    inside = (*root.glob("*"), *root.glob("*/*"))
    return sorted(one for one in inside if one.name.lower() in _LABEL_FOLDERS and one.is_dir())


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the files of labels, and the images that have none."""
    configs = files.files_of(path, _CONFIGS, _is_config)
    # Where there are several, the one that says most.
    config = next((file for name in _CONFIGS for file in configs if file.match(name)), configs[0])
    data = _read_config(config)
    pairs = _listed(config) if config.suffix == ".data" else _in_folders(data.root, options)
    found = False
    for pair in pairs:
        found = True
        yield _entry(pair, data, options)
    if not found:
        raise DataError("there is neither a file of labels nor an image", path=config)


@dataclass(frozen=True)
class _Data:
    """What a configuration says.

    Args:
        root: Folder of the images and labels.
        labels: Names of the classes, by their number.
        has_points: After each box come key points.
    """

    root: Path
    labels: tuple[str, ...]
    has_points: bool = False


def _read_config(path: Path) -> _Data:
    if path.suffix in {".yaml", ".yml"}:
        return _read_yaml(path)
    names = path
    if path.suffix == ".data":
        names = _named(path, _settings(path).get("names", "obj.names"))
    return _Data(path.parent, tuple(filter(None, map(str.strip, files.read_lines(names)))))


def _read_yaml(path: Path) -> _Data:
    where = Where(path)
    with where.reading("YAML"):
        tree = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    names = fields.take(tree, "names", (list, dict), where)
    if isinstance(names, dict):
        with where.reading("names of classes by their numbers, from 0 on"):
            names = [names[number] for number in range(len(names))]
    strange = next((name for name in names if not isinstance(name, str | int)), None)
    if strange is not None:
        raise where.error(f"expected names of classes, but got {strange!r:.60}")
    root = path.parent / str(tree.get("path") or ".")[:4096]
    with where.reading("a configuration"):
        root = root if root.is_dir() else path.parent
    return _Data(root, tuple(map(str, names)), "kpt_shape" in tree)


def _settings(path: Path) -> dict[str, str]:
    """Read lines `key = value`."""
    pairs = (line.partition("=") for line in files.read_lines(path))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def _named(config: Path, written: str) -> Path:
    """Give a file that a configuration names; Darknet writes a folder `data` before it."""
    return config.parent / written.replace("\\", "/").strip().removeprefix("data/")


@dataclass(frozen=True)
class _Pair:
    """An image and its file of labels.

    Args:
        written: Name of the image.
        image: Its file, if found.
        labels: The file of labels, if there is one.
        split: Name of the split.
    """

    written: str
    image: Path | None
    labels: Path | None
    split: str | None


def _listed(config: Path) -> Iterator[_Pair]:
    """Go through the lists of images that Darknet's configuration names."""
    for split, written in _settings(config).items():
        if split in {"classes", "names", "backup"}:
            continue
        for line in filter(str.strip, files.read_lines(_named(config, written))):
            image = _named(config, line)
            labels = image.parent / f"{image.stem}.txt"
            folders = image.parts[len(config.parent.parts) :]
            yield _Pair(
                "/".join(folders[1:] or folders),
                files.existing(image),
                files.existing(labels),
                split,
            )


def _in_folders(root: Path, options: SourceOptions) -> Iterator[_Pair]:
    """Go through `labels/…/NAME.txt` and `images/…/NAME.jpg`, beside or below the splits."""
    for folder in _label_folders(root):
        images = folder.with_name("images")
        for labels in sorted(folder.rglob("*.txt")):
            written = labels.relative_to(folder).with_suffix("").as_posix()
            if labels.name != "classes.txt":
                image = find_picture(written, images, options)
                split = files.split_of(labels.relative_to(root).parts[:-1])
                yield _Pair(written.removeprefix(f"{split}/"), image, labels, split)
        for image in sorted(images.rglob("*")):
            written = image.relative_to(images).as_posix()
            if files.is_image(image) and not (folder / written).with_suffix(".txt").is_file():
                split = files.split_of(image.relative_to(root).parts[:-1])
                yield _Pair(written.removeprefix(f"{split}/"), image, None, split)


def _entry(pair: _Pair, data: _Data, options: SourceOptions) -> Entry:
    where = Where(pair.labels or pair.image or data.root)
    lines = files.read_lines(pair.labels) if pair.labels else []
    numbered = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    findings: list[Finding] = []
    image = pair.image or find_picture(pair.written, data.root, options)
    size = files.header_size(image, where, findings) if numbered else None
    shapes: dict[int, Shape] = {}
    if size is not None:
        shapes = {
            number: _shape(parts, data, size, replace(where, entry=f"line {number}"))
            for number, parts in numbered
        }
        if data.has_points:
            findings.append(where.finding("unread", "key points after the boxes"))
    return Entry(
        pair.written,
        where,
        data.labels,
        _lay_out(shapes, len(data.labels), size) if size and shapes else None,
        image,
        split=pair.split,
        findings=findings,
    )


Shape = str | tuple[int, list[float]]
"""A box as a line of the file, or the class and the corners of an outline, in pixels."""


def _shape(parts: Sequence[str], data: _Data, size: Size, where: Where) -> Shape:
    """Tell a box, which datumaro reads, from an outline, which it does not."""
    if len(parts) == 5 or (data.has_points and len(parts) > 5):
        return " ".join(parts[:5])
    if len(parts) < 7 or len(parts) % 2 == 0:
        raise where.error(
            "expected a class with x, y, width and height, or with x and y of three "
            f"corners or more, but got {len(parts)} values"
        )
    label = fields.whole_number(parts[0], "number of a class", where)
    place = str(where.entry)
    shares = [read_number(part, "coordinate", where.path, place) for part in parts[1:]]
    return label, [share * size[1 - index % 2] for index, share in enumerate(shares)]


def _lay_out(shapes: dict[int, Shape], labels: int, size: Size) -> LayOut:
    def lay_out(folder: Path) -> Any:
        boxes = {number: shape for number, shape in shapes.items() if isinstance(shape, str)}
        files.write(folder / "obj_one_data" / "1.txt", "\n".join(boxes.values()))
        files.write(folder / "one.txt", "obj_one_data/1.jpg\n")
        files.write(folder / "obj.names", "\n".join(map(str, range(labels))))
        config = files.write(folder / "obj.data", "one = one.txt\nnames = obj.names\n")
        read = plugin("yolo.base", "YoloStrictBase")
        items = list(read(str(config), image_info={"1": size}, subset="one"))
        polygon = import_module("datumaro").Polygon
        for item in items:
            for number, annotation in zip(boxes, item.annotations, strict=True):
                annotation.group = number
            item.annotations += [
                polygon(shape[1], label=shape[0], group=number)
                for number, shape in shapes.items()
                if not isinstance(shape, str)
            ]
        return items

    return lay_out
