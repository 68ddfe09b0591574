"""YOLO, as Darknet, Ultralytics and tools that export labels beside images lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.formats.tool_exports import rotation_hint
from weakseg.images.reading import image_name, is_image
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.readers.yolo_splits import SplitFinder, Stated, stated_splits
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import (
    existing,
    files_below,
    files_of,
    head,
    holds_file,
    read_lines,
    split_of,
    usual_split,
)
from weakseg.support.json_files import read_json

_CONFIGS = ("obj.data", "data.yaml", "*.yaml", "*.yml", "obj.names", "classes.txt")
_LABEL_FOLDERS = ("labels", "annotations")
_CVAT_FOLDERS = "obj_*_data"  # of its "YOLO 1.1", by split
_LONGEST = 4096  # characters of a path
_DIGITS = 2  # of a place in pixels; fractions are written with six


def _is_config(path: Path) -> bool:
    beginning = head(path)
    if path.suffix in {".yaml", ".yml"}:
        keys = set(re.findall(r"^(\w+)\s*:", beginning, re.MULTILINE))
        return "names" in keys and bool(keys & {"nc", "path", "train", "val", "test"})
    if path.suffix == ".data":
        return re.search(r"^\s*names\s*=", beginning, re.MULTILINE) is not None
    return any(
        True for folder in _label_folders(path.parent) for _ in files_below(folder, "**/*.txt")
    )


def _label_folders(root: Path) -> list[Path]:
    inside = files_below(root, "*", "*/*")
    return [one for one in inside if one.name.lower() in _LABEL_FOLDERS and one.is_dir()]


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the files of labels, and the images that have none.

    Lines of five values become boxes, longer ones outlines, both numbered by their line. They are
    fractions of the image's size, so marks of an image that is not there are left out. Lines that
    are damaged are left out and noted. Splits are those that data.yaml states, else those that
    folders name.

    Raises:
        DataError: A file is damaged as a whole, or there is none.
    """
    configs = files_of(path, _CONFIGS, _is_config)
    # Where there are several, the one that says most.
    config = next((file for name in _CONFIGS for file in configs if file.match(name)), configs[0])
    data = _read_config(config, classes)
    findings: tuple[Finding, ...] = ()
    if config.suffix == ".data":
        pairs = list(_listed(config))
    else:
        pairs, findings = _in_stated_splits(config, data, list(_in_folders(data.root, options)))
    hint = _rotation_hint(config)
    for pair in pairs:
        item = _read_pair(pair, data, options)
        if item.marks.boxes and hint:
            item, hint = replace(item, findings=item.findings + hint), ()
        yield replace(item, findings=findings + item.findings) if findings else item
        findings = ()
    if not pairs:
        raise DataError("there is neither a file of labels nor an image", path=config)


def _rotation_hint(config: Path) -> tuple[Finding, ...]:
    """Return a finding where a folder is laid out like an export that loses rotated boxes."""
    if config.suffix == ".data" and any(config.parent.glob(_CVAT_FOLDERS)):
        return (rotation_hint("CVAT", "leaves them out", config),)
    notes = config.parent / "notes.json"
    try:
        info = read_json(notes)["info"]
        if info["contributor"] != "Label Studio":
            return ()
    except (DataError, LookupError, TypeError):
        return ()
    return (rotation_hint("Label Studio", "ignores the rotation", notes),)


YOLO = Format(
    "yolo",
    "YOLO: boxes or outlines in data.yaml's, obj.data's or labels' folders",
    lambda path: holds_file(path, _CONFIGS, _is_config),
    _read,
)


@dataclass(frozen=True)
class _Data:
    """A configuration.

    Args:
        root: Folder of the images and labels.
        class_ids: Ids of the classes, by their number in the files of labels.
        has_points: After each box come key points.
        stated: Splits that data.yaml states.
    """

    root: Path
    class_ids: Sequence[int]
    has_points: bool = False
    stated: Stated = ()


def _read_config(path: Path, classes: ClassFinder) -> _Data:
    stated: Stated = ()
    root, has_points = path.parent, False
    if path.suffix in {".yaml", ".yml"}:
        names, root, has_points, stated = _read_yaml(path)
    else:
        file = path
        if path.suffix == ".data":
            file = _named(path, _settings(path).get("names", "obj.names"))
        names = list(filter(None, map(str.strip, read_lines(file))))
    return _Data(root, [classes.find(name, Entry(path)) for name in names], has_points, stated)


def _read_yaml(path: Path) -> tuple[list[str], Path, bool, Stated]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"is not readable as YAML ({error})", path=path) from error
    file = Entry(path)
    tree = file.object(tree, "the file")
    names = tree.get("names")
    if isinstance(names, dict):
        if names.keys() != set(range(len(names))):
            raise file.expected("names of classes by their numbers, from 0 on", names)
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise file.expected("a list of classes as 'names'", names)
    root = path.parent / str(tree.get("path") or ".")[:_LONGEST]
    try:
        root = root if root.is_dir() else path.parent
    except (OSError, ValueError):  # a name too long, for one
        root = path.parent
    return list(map(str, names)), root, "kpt_shape" in tree, stated_splits(tree)


def _settings(path: Path) -> dict[str, str]:
    """Read lines `key = value`."""
    pairs = (line.partition("=") for line in read_lines(path))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def _named(config: Path, written: str) -> Path:
    """Return a file that a configuration names; Darknet writes a folder `data` before it."""
    return config.parent / written.replace("\\", "/").strip().removeprefix("data/")


@dataclass(frozen=True)
class _Pair:
    """An image and its file of labels.

    Args:
        written: Name of the image.
        image: Its file, if found.
        labels: The file of labels, if there is one.
        split: Name of the split.
        place: Where below the root it is, or should be, without the ending.
        is_listed: The split is stated, not only the name of a folder.
    """

    written: str
    image: Path | None
    labels: Path | None
    split: str | None
    place: str = ""
    is_listed: bool = False


def _listed(config: Path) -> Iterator[_Pair]:
    """Iterate over the lists of images that Darknet's configuration names."""
    for split, written in _settings(config).items():
        if split in {"classes", "names", "backup"}:
            continue
        for line in filter(str.strip, read_lines(_named(config, written))):
            image = _named(config, line)
            labels = image.parent / f"{image.stem}.txt"
            folders = image.parts[len(config.parent.parts) :]
            written = "/".join(folders[1:] or folders)
            yield _Pair(written, existing(image), existing(labels), split, is_listed=True)


def _in_stated_splits(
    config: Path, data: _Data, pairs: Sequence[_Pair]
) -> tuple[list[_Pair], tuple[Finding, ...]]:
    """Put images into the splits that data.yaml states; the others keep that of their folder."""
    finder = SplitFinder(config, data.root, data.stated, [pair.place for pair in pairs])
    placed = []
    for pair in pairs:
        split = finder.split_of(pair.place)
        placed.append(replace(pair, split=split, is_listed=True) if split else pair)
    stated = {usual_split(key) for key, _ in data.stated}
    if stated == {"train"} and {usual_split(pair.split) for pair in placed} <= {"train", None}:
        message = "is the only split here, so no image is left to score on: --split 0.8 makes one"
        return placed, (*finder.findings, Finding("unsure", message, config, "'train'"))
    return placed, finder.findings


def _in_folders(root: Path, options: SourceOptions) -> Iterator[_Pair]:
    """Iterate over `labels/…/NAME.txt` and `images/…/NAME.jpg`, beside or below the splits."""
    for folder in _label_folders(root):
        images = folder.with_name("images")
        inside = images.relative_to(root)
        taken = set()
        for labels in files_below(folder, "**/*.txt"):
            written = labels.relative_to(folder).with_suffix("").as_posix()
            if labels.name != "classes.txt":
                image = find_picture(written, images, options)
                taken.add(image)
                split = split_of(labels.relative_to(root).parts[:-1])
                place = image_name((inside / written).as_posix())
                yield _Pair(written.removeprefix(f"{split}/"), image, labels, split, place)
        for image in files_below(images):
            written = image.relative_to(images).as_posix()
            if is_image(image) and image not in taken:
                split = split_of(image.relative_to(root).parts[:-1])
                place = image_name((inside / written).as_posix())
                yield _Pair(written.removeprefix(f"{split}/"), image, None, split, place)


def _read_pair(pair: _Pair, data: _Data, options: SourceOptions) -> Annotated:
    collector = Collector(Entry(pair.labels or pair.image or data.root))
    name = read_name(pair.written, collector.entry)
    lines = read_lines(pair.labels) if pair.labels else []
    numbered = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    image = pair.image or find_picture(pair.written, data.root, options)
    size = collector.fraction_size(image) if numbered else None
    if size is not None:
        for number, values in numbered:
            with collector.one_mark():
                _read_line(values, number, size, data, collector)
        if data.has_points:
            collector.unread("key points after the boxes")
    item = collector.annotated(name, image, None, pair.split)
    return replace(item, is_listed=pair.is_listed)


def _read_line(
    values: Sequence[str], number: int, size: Size, data: _Data, collector: Collector
) -> None:
    """Read a box, by its centre, width and height, or the corners of an outline."""
    entry = collector.entry.part(f"line {number}")
    is_box = len(values) == 5 or (data.has_points and len(values) > 5)
    if not is_box and (len(values) < 7 or len(values) % 2 == 0):
        raise entry.error(
            "expected a class with x, y, width and height, or with x and y of three "
            f"corners or more, but got {len(values)} values"
        )
    label = entry.integer(values[0], "number of a class")
    if not 0 <= label < len(data.class_ids):
        raise entry.error(
            f"class number {label} is not among the {len(data.class_ids)} of the file"
        )
    class_id = data.class_ids[label]
    fractions = [entry.number(value, "coordinate") for value in values[1:]]
    if is_box:
        x, y, width, height = fractions[:4]
        fractions = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    rows, columns = size
    pairs = zip(fractions[::2], fractions[1::2], strict=True)
    places = [(round(x * columns, _DIGITS), round(y * rows, _DIGITS)) for x, y in pairs]
    if is_box:
        (left, top), (right, bottom) = places
        edges = right - left, bottom - top
        collector.rectangle(class_id, (left, top), edges, entry, number)
    else:
        collector.polygon(class_id, places, entry, number)
