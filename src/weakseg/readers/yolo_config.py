"""Configurations of YOLO: data.yaml, obj.data, or a list of classes, and the classes' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weakseg.images.reading import IMAGE_SUFFIXES
from weakseg.marks.classes import ClassFinder, ClassList, OpenClassList
from weakseg.marks.findings import Finding
from weakseg.readers.yolo_splits import Stated, stated_splits, unread_splits
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import existing, files_below, head, read_lines, safely
from weakseg.support.parts import leaves_temporary
from weakseg.support.yaml_files import read_yaml

_YAML = ("data.yaml", "*.yaml", "*.yml")
_LISTS = ("obj.names", "classes.txt", "*.names", "_darknet.labels")
_CONFIGS = ("obj.data", *_YAML, *_LISTS, *(f"*/{name}" for name in _LISTS))
_LABEL_FOLDERS = ("labels", "annotations")
_LINE = re.compile(r"\s*\d+(\s+[-+.\deE]+){4,}\s*")
_TRIED = 20  # files by which a folder is recognised
_LONGEST = 4096  # characters of a path
_ENDINGS = (*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES))


@dataclass(frozen=True)
class Config:
    """A configuration, read.

    Args:
        path: Its file; the folder, where there is none.
        root: Folder of the images and labels.
        class_of: Class id by the number in files of labels, and the place of that.
        has_points: After each box come key points.
        has_corners: Boxes are rotated, by their four corners.
        task: What data.yaml says that the labels are for: "obb", "segment" or others.
        stated: Splits that data.yaml states.
        findings: What is odd.
    """

    path: Path
    root: Path
    class_of: Callable[[int, Entry], int]
    has_points: bool = False
    stated: Stated = ()
    findings: tuple[Finding, ...] = field(default=())
    has_corners: bool = False
    task: str = ""


def recognises(path: Path) -> bool:
    """Whether a file is a configuration, or a folder has one, or images beside labels of YOLO."""
    if path.is_file():
        return any(path.match(name) for name in _CONFIGS) and _is_config(path)
    return bool(_configs(path)) or _has_labels(path)


def read_config(path: Path, classes: ClassFinder) -> Config:
    """Read the configuration of a folder: of several the one that says most.

    Raises:
        DataError: It is damaged, names no classes where the user names none, or differs from
            another list of classes; or there is neither a configuration nor a file of labels.
    """
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    found = [path] if path.is_file() else _configs(path)
    if not found and not _has_labels(path):
        raise DataError(
            "holds no file of this format: expected a data.yaml, an obj.data, or labels NAME.txt "
            "beside the images or in a folder labels/, with a list of classes (classes.txt)",
            path=path,
        )
    config = found[0] if found else path
    if config.suffix in {".yaml", ".yml"}:
        return _read_yaml(config, classes)
    if config.suffix == ".data":
        names = _names_of(named_file(config, settings(config).get("names", "obj.names")))
        return Config(config, config.parent, _by_names(names, config, classes))
    if not found:
        return Config(path, path, _by_numbers(classes, path))
    names = _names_of(config)
    other = next((file for file in found if _names_of(file) != names), None)
    if other is not None:
        raise DataError(
            f"lists other classes than {other}: import the folders one by one", path=config
        )
    root = path if path.is_dir() else config.parent
    if root.name.lower() in _LABEL_FOLDERS:
        root = root.parent
    return Config(config, root, _by_names(names, config, classes))


def settings(path: Path) -> dict[str, str]:
    """Read lines `key = value`."""
    pairs = (line.partition("=") for line in read_lines(path))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def named_file(config: Path, written: str) -> Path:
    """Return a file that a configuration names; Darknet writes a folder `data` before it."""
    path = config.parent / written.replace("\\", "/").strip().removeprefix("data/")
    return config.parent / path.name if leaves_temporary(config, path) else path


def label_folders(root: Path) -> list[Path]:
    """List the folders for files of labels alone."""
    inside = files_below(root, "*", "*/*")
    return [one for one in inside if one.name.lower() in _LABEL_FOLDERS and one.is_dir()]


def labels_beside_images(root: Path) -> list[tuple[Path, Path]]:
    """List files of labels with the image of the same name beside each."""
    folders = label_folders(root)
    inside = (
        file
        for file in files_below(root, "**/*.txt")
        if not is_list(file) and not any(map(file.is_relative_to, folders))
    )
    pairs = ((file, _image_beside(file)) for file in inside)
    return [(file, image) for file, image in pairs if image is not None]


def is_list(path: Path) -> bool:
    """Whether a file is a list of classes by its name."""
    return any(path.match(name) for name in _LISTS)


def _configs(folder: Path) -> list[Path]:
    """List the configurations of a folder, those that say most first; lists of one kind alone."""
    for name in _CONFIGS:
        found = [path for path in files_below(folder, name) if path.is_file()]
        found = [path for path in found if safely(_is_config)(path)]
        if found:
            return found
    return []


def _is_config(path: Path) -> bool:
    beginning = head(path)
    if path.suffix in {".yaml", ".yml"}:
        keys = set(re.findall(r"^(\w+)\s*:", beginning, re.MULTILINE))
        if "names" in keys and keys & {"nc", "path", "train", "val", "test"}:
            return True
        return bool(keys & {"names", "nc"}) and _has_labels(path.parent)
    if path.suffix == ".data":
        return re.search(r"^\s*names\s*=", beginning, re.MULTILINE) is not None
    folder = path.parent
    is_inside = folder.name.lower() in _LABEL_FOLDERS
    folders = [folder] if is_inside else label_folders(folder)
    found = (file for one in folders for file in files_below(one, "**/*.txt"))
    return any(not is_list(file) for file in found) or _has_labels(folder)


def _has_labels(folder: Path) -> bool:
    """Whether a folder has files of labels, by a line of one, and images."""
    if not folder.is_dir():
        return False
    beside = [file for file, _ in labels_beside_images(folder)]
    apart = (
        file
        for one in label_folders(folder)
        if one.with_name("images").is_dir()
        for file in files_below(one, "**/*.txt")
        if not is_list(file)
    )
    return any(map(_has_line, [*beside, *apart][:_TRIED]))


def _has_line(file: Path) -> bool:
    line = next(filter(str.strip, head(file).splitlines()), "")
    return _LINE.fullmatch(line) is not None


def _image_beside(file: Path) -> Path | None:
    return next(filter(existing, (file.with_suffix(ending) for ending in _ENDINGS)), None)


def _names_of(path: Path) -> list[str]:
    return list(filter(None, map(str.strip, read_lines(path))))


def _by_names(
    names: Sequence[str], path: Path, classes: ClassFinder
) -> Callable[[int, Entry], int]:
    ids = [classes.find(name, Entry(path)) for name in names]

    def class_of(number: int, entry: Entry) -> int:
        if not 0 <= number < len(ids):
            raise entry.error(f"class number {number} is not among the {len(ids)} of the file")
        return ids[number]

    return class_of


def _by_numbers(classes: ClassFinder, path: Path) -> Callable[[int, Entry], int]:
    """Return the class of a number where no file names the classes: of the user's own list.

    Raises:
        DataError: The user lists no classes.
    """
    listed: ClassList | None = None
    if isinstance(classes, ClassList):
        listed = classes
    elif isinstance(classes, OpenClassList) and classes.is_closed:
        listed = ClassList(tuple(classes.names))
    if listed is None:
        raise Entry(path).error(
            "the names of the classes are missing: write them into a classes.txt beside the "
            "labels, one a line in the order of the numbers, or list them with --classes FILE, "
            "background first"
        )
    return _by_names(listed.names[listed.has_background :], path, classes)


def _read_yaml(path: Path, classes: ClassFinder) -> Config:
    tree = Entry(path).object(read_yaml(path), "the file")
    root = path.parent / str(tree.get("path") or ".")[:_LONGEST]
    try:
        is_there = root.is_dir() and not leaves_temporary(path, root)
        root = root if is_there else path.parent
    except (OSError, ValueError):  # a name too long, for one
        root = path.parent
    names = tree.get("names")
    if names is None:
        class_of = _by_numbers(classes, path)
    else:
        class_of = _by_names(_names_in(names, Entry(path)), path, classes)
    findings = unread_splits(tree, path)
    task = str(tree.get("task", "")).strip().lower()
    return Config(
        path, root, class_of, "kpt_shape" in tree, stated_splits(tree), findings, task=task
    )


def _names_in(names: Any, file: Entry) -> list[str]:
    """Return the names of a data.yaml, by their numbers."""
    if isinstance(names, dict):
        if names.keys() != set(range(len(names))):
            raise file.expected("names of classes by their numbers, from 0 on", names)
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list):
        raise file.expected("a list of classes as 'names'", names)
    for number, name in enumerate(names):
        if isinstance(name, bool | float) or name is None:
            raise file.error(
                f"the name of class {number} is {name!r} to YAML, no text: write it in quotes"
            )
        if not isinstance(name, str | int):
            raise file.expected("a list of classes as 'names'", names)
    return list(map(str, names))
