"""COCO: instances, stuff, key points, panoptic segmentation and plain labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.readers.coco_annotations import Conventions, ImageReader, Object, is_crowd
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding, finding_from
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_of, holds_file, holds_texts, split_of
from weakseg.support.json_files import first_keys, read_json

_SECTIONS = ("images", "annotations", "categories")
_PATTERNS = ("*.json", "annotations/*.json", "*/*.json")
# How the published files are called, the most telling first.
_TASKS = ("instances", "stuff", "panoptic", "person_keypoints", "labels", "image_info")

Numbered = tuple[int, Object]
"""An annotation, and its number in the file, from 1 on."""


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
    void. Objects are numbered by the place of their annotation in the file, panoptic segments by
    their id.

    Annotations that are damaged are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    found = files_of(path, _PATTERNS, _is_coco)
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
            for image in _File(file, classes).read(options):
                yield replace(image, findings=findings + image.findings) if findings else image
                findings = ()


COCO = Format(
    "coco",
    "COCO: instances, stuff, key points, panoptic masks, labels",
    lambda path: holds_file(path, _PATTERNS, _is_coco),
    _read,
)


def _named_task(path: Path) -> str | None:
    return next((task for task in _TASKS if path.name.startswith(f"{task}_")), None)


class _File:
    """A COCO file, parsed once and looked up image by image."""

    def __init__(self, path: Path, classes: ClassFinder) -> None:
        self.path = path
        file = Entry(path)
        tree = file.object(read_json(path), "the file")
        images, annotations, categories = (
            file.list(tree.get(section), f"'{section}'") for section in _SECTIONS
        )
        if not images:
            raise DataError("holds no image", path=path)
        class_ids = {}
        for key, category in self._by_id(categories, "category").items():
            entry = file.part(f"category {key!r}")
            class_ids[key] = classes.find(entry.text(category.get("name"), "'name'"), entry)
        self.images = self._by_id(images, "image")
        self.findings: list[Finding] = []
        self.annotations = self._by_image(annotations)
        objects = [one for one in annotations if isinstance(one, dict)]
        self.conventions = Conventions(
            class_ids,
            has_shapes=not annotations or any(map(_has_shape, objects)),
            crowds_are_masks=_crowds_are_masks(tree, objects),
        )
        if self.conventions.crowds_are_masks:
            message = (
                "every painted mask is marked as a crowd, as CVAT and datumaro do; taken as masks"
            )
            self.findings.append(Finding("unsure", message, path))

    def _by_id(self, values: Sequence[Any], kind: str) -> dict[int | str, Object]:
        found: dict[int | str, Object] = {}
        for number, value in enumerate(values, 1):
            entry = Entry(self.path, f"{kind} {number}")
            thing = entry.object(value, f"a {kind}")
            key = entry.key(thing.get("id"), "'id'")
            if key in found:
                raise entry.error(f"the id {key!r} is given twice")
            found[key] = thing
        return found

    def _by_image(self, annotations: Sequence[Any]) -> dict[int | str, list[Numbered]]:
        """Sort annotations by their image; note those without one."""
        sorted_in: dict[int | str, list[Numbered]] = {key: [] for key in self.images}
        lost: list[tuple[Entry, int | str]] = []
        for number, value in enumerate(annotations, 1):
            entry = Entry(self.path, f"annotation {number}")
            try:
                annotation = entry.object(value, "an annotation")
                key = entry.key(annotation.get("image_id"), "'image_id'")
            except DataError as error:
                finding = finding_from(error, "damaged")
                message = f"{finding.message}; left out"
                self.findings.append(replace(finding, message=message))
                continue
            if key in sorted_in:
                sorted_in[key].append((number, annotation))
            else:
                lost.append((entry, key))
        if lost:
            entry, key = lost[0]
            more = f", as are {len(lost) - 1} more such annotations" if len(lost) > 1 else ""
            message = f"its image {key!r} is not in the file; left out{more}"
            self.findings.append(Finding("missing", message, self.path, entry.name))
        return sorted_in

    def read(self, options: SourceOptions) -> Iterator[Annotated]:
        """Read it image by image."""
        split, folders = _surroundings(self.path)
        options = replace(options, images=(*options.images, *folders))
        findings = tuple(self.findings)
        for key, image in self.images.items():
            entry = Entry(self.path, f"image {key!r}")
            written = entry.text(image.get("file_name"), "'file_name'")
            name = read_name(written, entry)
            reader = ImageReader(
                self.conventions,
                Collector(entry),
                stated_size(image.get("height"), image.get("width"), entry),
            )
            for number, annotation in self.annotations[key]:
                reader.read(annotation, number, options)
            reader.finish()
            picture = find_picture(written, self.path, options)
            read = reader.collector.annotated(name, picture, reader.size, split)
            yield replace(read, findings=findings + read.findings) if findings else read
            findings = ()


def _has_shape(annotation: Object) -> bool:
    return any(
        annotation.get(key) for key in ("bbox", "segmentation", "keypoints", "segments_info")
    )


def _crowds_are_masks(tree: Object, annotations: Sequence[Object]) -> bool:
    """Recognise files of CVAT and datumaro, which mark every mask that is no polygon as a crowd.

    They leave all that describes the data set empty, as the makers of COCO did not.
    """
    info = tree.get("info")
    if not isinstance(info, dict) or "contributor" not in info or any(info.values()):
        return False
    masks = [one for one in annotations if isinstance(one.get("segmentation"), dict)]
    return bool(masks) and all(map(is_crowd, masks))


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
