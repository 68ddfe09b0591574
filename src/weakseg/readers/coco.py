"""COCO: instances, stuff, key points, panoptic segmentation and plain labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.formats.tool_exports import rotation_hint
from weakseg.images.reading import stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.readers.coco_annotations import Conventions, ImageReader, Object
from weakseg.readers.coco_index import CocoIndex, Key, Survey
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, holds_texts, split_of
from weakseg.support.json_files import first_keys
from weakseg.support.wording import counted

_SECTIONS = ("images", "annotations", "categories")
_PATTERNS = ("*.json", "annotations/*.json", "*/*.json")
# How the published files are called, the most telling first.
_TASKS = ("instances", "stuff", "panoptic", "person_keypoints", "labels", "image_info")
# What marks the published files of COCO: their description, their names; and numbers of crowds.
_PUBLISHED = re.compile(r"cocodataset|COCO Consortium|COCO 20\d\d", re.IGNORECASE)
_PUBLISHED_FILE = re.compile(r"[a-z_]+_(train|val|test)20\d\d\.json")
# What COCO files of tools do with rotated boxes.
_LOSSES = {"CVAT": "leaves them out", "Label Studio": "places them wrongly"}


def _is_coco(path: Path) -> bool:
    is_list, keys = first_keys(path)
    if is_list or "items" in keys or not keys & set(_SECTIONS):
        return False
    # A large file may begin with any of the sections; the others stand further down.
    return holds_texts(path, [f'"{key}"' for key in _SECTIONS])


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the images of a file, or of all files of one task in a folder.

    Outlines become polygons, one a ring, run lengths and panoptic segments painted areas, visible
    key points points; boxes are boxes, and annotations of a file without any shape tags. Crowds are
    void in the published files, or where the user says so. Objects are numbered by the place of
    their annotation in the file, panoptic segments by their id.

    Annotations that are damaged are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    found = chosen_files(path, _PATTERNS, _is_coco, options)
    tasks = {file: _named_task(file) or "instances" for file in found}
    chosen = min(tasks.values(), key=_TASKS.index)
    others = [file.name for file in found if tasks[file] not in (chosen, "image_info")]
    findings: tuple[Finding, ...] = ()
    if others:
        findings = (
            Finding(
                "unread",
                f"images may have more marks in {', '.join(others)}; name such a file to read "
                "it instead",
                path,
            ),
        )
    for file in found:
        if tasks[file] == chosen:
            for image in _File(file, classes, options).read(options):
                yield replace(image, findings=findings + image.findings) if findings else image
                findings = ()


COCO = Format(
    "coco",
    "COCO: instances, stuff, key points, panoptic masks, labels",
    lambda path: holds_file(path, _PATTERNS, _is_coco),
    _read,
    heeds=("crowd",),
)


def _named_task(path: Path) -> str | None:
    return next((task for task in _TASKS if path.name.startswith(f"{task}_")), None)


class _File:
    """A COCO file, gone through once for its index, and then read image by image."""

    def __init__(self, path: Path, classes: ClassFinder, options: SourceOptions) -> None:
        self.path = path
        self.index = CocoIndex(path)
        file, tree, survey = Entry(path), self.index.tree, self.index.survey
        _, _, categories = (file.list(tree.get(key), f"'{key}'") for key in _SECTIONS)
        if not self.index.images:
            raise DataError("holds no image", path=path)
        named = self._by_id(categories, "category")
        group = _empty_group(named, survey)
        class_ids = {}
        for key, category in named.items():
            if key == group:
                continue
            entry = file.part(f"category {key!r}")
            class_ids[key] = classes.find(entry.text(category.get("name"), "'name'"), entry)
        self.images = self._by_id(self.index.images, "image")
        self.findings: list[Finding] = []
        if group is not None:
            message = (
                f"{named[group]['name']!r} is the group of all other categories and has no "
                "annotation, as in files of Roboflow; left out of the classes"
            )
            self.findings.append(Finding("unsure", message, path, f"category {group!r}"))
        self.findings += self.index.damaged + self._lost()
        self.conventions = Conventions(
            class_ids,
            has_shapes=survey.has_shape or not survey.annotations,
            crowds_are_void=_crowds_are_void(path, tree, survey, options),
        )
        self.findings += _unsure(path, tree.get("info"), survey, self.conventions, options)

    def _by_id(self, values: Sequence[Any], kind: str) -> dict[Key, Object]:
        found: dict[Key, Object] = {}
        for number, value in enumerate(values, 1):
            entry = Entry(self.path, f"{kind} {number}")
            thing = entry.object(value, f"a {kind}")
            key = entry.key(thing.get("id"), "'id'")
            if key in found:
                raise entry.error(f"the id {key!r} is given twice")
            found[key] = thing
        return found

    def _lost(self) -> list[Finding]:
        """Note annotations whose image is not there."""
        lost = self.index.places.lost(self.images)
        if lost is None:
            return []
        number, key, count = lost
        more = f", as are {count - 1} more such annotations" if count > 1 else ""
        message = f"its image {key!r} is not in the file; left out{more}"
        return [Finding("missing", message, self.path, f"annotation {number}")]

    def read(self, options: SourceOptions) -> Iterator[Annotated]:
        """Read it image by image."""
        split, folders = _surroundings(self.path)
        options = replace(options, images=(*options.images, *folders))
        findings = tuple(self.findings)
        annotations = self.index.read(self.images)
        for key, image in self.images.items():
            entry = Entry(self.path, f"image {key!r}")
            written = entry.text(image.get("file_name"), "'file_name'")
            name = read_name(written, entry)
            reader = ImageReader(
                self.conventions,
                Collector(entry),
                stated_size(image.get("height"), image.get("width"), entry),
            )
            for number in self.index.places.numbers(key):
                reader.read(next(annotations), number, options)
            reader.finish()
            picture = find_picture(written, self.path, options)
            read = reader.collector.annotated(name, picture, reader.size, split)
            yield replace(read, findings=findings + read.findings) if findings else read
            findings = ()


def _empty_group(categories: Mapping[Key, Object], survey: Survey) -> Key | None:
    """Return the category that is no class but the group of all others, if there is one.

    Roboflow writes it first, with the id 0 and a supercategory "none".
    """
    top = categories.get(0)
    others = [category for key, category in categories.items() if key != 0]
    if top is None or not others or top.get("supercategory") != "none":
        return None
    is_group = all(other.get("supercategory") not in (None, "", "none") for other in others)
    is_used = survey.names_category_0 or survey.is_panoptic
    return 0 if is_group and isinstance(top.get("name"), str) and not is_used else None


def _crowds_are_void(path: Path, tree: Object, survey: Survey, options: SourceOptions) -> bool:
    """Whether crowds are void, as the user states it or as in the published files of COCO.

    CVAT, datumaro and supervision mark masks as crowds that they cannot write as polygons; nobody
    marks segments of panoptic files so that are none.
    """
    if options.crowd is not None:
        return options.crowd == "void"
    info = tree.get("info")
    about = " ".join(map(str, info.values())) if isinstance(info, dict) else ""
    return (
        bool(_PUBLISHED.search(about))
        or survey.is_panoptic
        or bool(_PUBLISHED_FILE.match(path.name))
        or survey.published_crowds
    )


def _unsure(
    path: Path, info: Any, survey: Survey, conventions: Conventions, options: SourceOptions
) -> list[Finding]:
    """Say what may be meant otherwise than it is read."""
    messages = []
    if survey.crowds and options.crowd is None and not conventions.crowds_are_void:
        count = counted(survey.crowds, "annotation is", "annotations are")
        messages.append(
            f"{count} marked as crowds, as tools mark masks with holes or several parts; taken as "
            "objects (--crowd void leaves their pixels out of training)"
        )
    if survey.outlined and survey.without_outline:
        count = counted(survey.without_outline, "annotation has", "annotations have")
        messages.append(
            f"{count} a box and no outline beside others that have one; taken as boxes, though "
            "some may be lines, which datumaro and CVAT write so"
        )
    found = [Finding("unsure", message, path) for message in messages]
    tool = _tool(info) if survey.bare_box else None
    return [*found, rotation_hint(tool, _LOSSES[tool], path)] if tool else found


def _tool(info: Any) -> str | None:
    """Return the tool whose COCO files lose the rotation of boxes, if a file looks like its."""
    if not isinstance(info, dict) or "contributor" not in info:
        return None
    if info["contributor"] == "Label Studio":
        return "Label Studio"
    # CVAT and datumaro leave all that describes the data set empty.
    return None if any(info.values()) else "CVAT"


def _surroundings(path: Path) -> tuple[str | None, Sequence[Path]]:
    """Return the split that a file is of, and the folders in which its images usually are."""
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    task = _named_task(path)
    named = path.stem.removeprefix(f"{task}_") if task else split_of([path.stem, path.parent.name])
    if not named:
        return None, [root]
    # CVAT calls the images of no split "default".
    split = None if named == "default" else re.sub(r"\d{4}$", "", named)
    return split, [root / named, root / "images" / named, root]
