"""PASCAL VOC: boxes and tags from XML files, full masks, splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from weakseg.formats.label_regions import coloured_regions, label_map_marks
from weakseg.formats.layout import files_by_name, first_files, read_splits
from weakseg.formats.palette_files import palette_ids, read_palette
from weakseg.formats.readers.scribblesup import SCRIBBLESUP
from weakseg.formats.readers.voc_xml import (
    find_named,
    read_size,
    read_voc_root,
    read_xml_folder,
    text_of,
    xml_kind,
)
from weakseg.formats.source import (
    Annotated,
    ClassFinder,
    Format,
    SourceOptions,
    find_picture,
    read_number,
)
from weakseg.images.reading import find_images
from weakseg.marks.classes import VOC_CLASSES, read_classes
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["SCRIBBLESUP", "VOC", "read_voc_xml"]

_MASK_FOLDERS = ("SegmentationClassAug", "SegmentationClass", "SegmentationClassPNG")
_NO_OPTIONS = SourceOptions()


def read_voc_xml(
    path: Path, classes: ClassFinder, options: SourceOptions = _NO_OPTIONS
) -> Annotated:
    """Read the boxes of one image; the names of what is in them are its tags.

    PASCAL VOC counts pixels from 1 and includes both ends; fractions are rounded to the pixel they
    lie in. Boxes of parts (heads, hands) are no objects, and whether one is difficult or truncated
    plays no part.

    Args:
        path: File of the folder `Annotations`, or of a tool that writes the same.
        classes: The classes.
        options: Where else to look for the image.

    Raises:
        DataError: The file cannot be read, an object is of no known class, or a corner or the
            image's size is no number.
    """
    root = read_voc_root(path)
    boxes: list[Box] = []
    tags: set[int] = set()
    findings: list[Finding] = []
    for number, element in enumerate(root.findall("object"), 1):
        entry = f"object {number}"
        class_id = classes.find(text_of(element, "name"), path=path, entry=entry)
        tags.add(class_id)
        box = _read_box(element, class_id, path, entry)
        if box is None:
            findings.append(
                Finding("unread", "no bndbox; only the name was taken, as a tag", path, entry)
            )
        elif not box.has_area:
            findings.append(
                Finding("empty", "a box that ends before it begins; left out", path, entry)
            )
        else:
            boxes.append(box)
    parts = len(root.findall("object/part"))
    if parts:
        findings.append(Finding("unread", f"{parts} boxes of parts; left out", path))
    name, picture = find_named(root, path, options)
    return Annotated(
        name,
        Marks(frozenset(tags), tuple(boxes)),
        picture,
        read_size(root, path),
        path,
        findings=tuple(findings),
    )


def _read_box(element: Element, class_id: int, path: Path, entry: str) -> Box | None:
    corners = element.find("bndbox")
    if corners is None:
        return None
    names = ("xmin", "ymin", "xmax", "ymax")
    written = (read_number(corners.findtext(name), name, path, entry) for name in names)
    left, top, right, lower = (math.floor(value + 0.5) - 1 for value in written)
    return Box(class_id, left, top, right, lower)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    read_xml = partial(read_voc_xml, classes=classes, options=options)
    if any((path / name).is_dir() for name in ("JPEGImages", "Annotations", *_MASK_FOLDERS)):
        yield from _read_voc_folder(path, read_xml, classes, options)
    elif path.is_dir():
        yield from read_xml_folder(path, read_xml)
    else:
        yield read_xml(path)


@dataclass(frozen=True)
class _VocFolder:
    """What is in a folder of PASCAL VOC, by the images' names."""

    images: dict[str, Path]
    annotations: dict[str, Path]
    masks: dict[str, Path]
    splits: dict[str, str]

    @classmethod
    def of(cls, root: Path) -> _VocFolder:
        masks = (files_by_name(root / name, ".png") for name in _MASK_FOLDERS)
        splits = (read_splits(root / "ImageSets" / name) for name in ("Segmentation", "Main"))
        return cls(
            find_images(root / "JPEGImages"),
            files_by_name(root / "Annotations", ".xml"),
            next(filter(None, masks), {}),
            next(filter(None, splits), {}),
        )


def _read_voc_folder(
    root: Path, read_xml: Callable[[Path], Annotated], classes: ClassFinder, options: SourceOptions
) -> Iterator[Annotated]:
    there = _VocFolder.of(root)
    read_mask = _mask_reader(root, classes, options) if there.masks else None
    unread: tuple[Finding, ...] = ()
    if (root / "SegmentationObject").is_dir():
        unread = (
            Finding("unread", "masks of single objects; left out", root / "SegmentationObject"),
        )
    for name in sorted({*there.images, *there.annotations, *there.masks, *there.splits}):
        annotated = Annotated(name, Marks(), there.images.get(name), None, root)
        if name in there.annotations:
            annotated = read_xml(there.annotations[name])
        marks = annotated.marks
        if read_mask is not None and name in there.masks:
            marks += read_mask(there.masks[name])
        picture = there.images.get(name) or annotated.picture or find_picture(name, root, options)
        findings, unread = annotated.findings + unread, ()
        yield replace(
            annotated,
            name=name,
            marks=marks,
            picture=picture,
            split=there.splits.get(name),
            findings=findings,
        )


def _mask_reader(
    root: Path, classes: ClassFinder, options: SourceOptions
) -> Callable[[Path], Marks]:
    """Ask for the classes of masks, and give what reads a mask.

    They are those of a palette (of the user, or the labelmap.txt that CVAT writes), of a list in
    the folder (classes.txt, or the class_names.txt that labelme writes), or those of PASCAL VOC.
    """
    palette_file = options.palette or root / "labelmap.txt"
    if options.palette or palette_file.is_file():
        palette = read_palette(palette_file)
        ids = palette_ids(palette, classes, palette_file)
        return lambda path: Marks(regions=coloured_regions(path, palette, ids, "mask"))
    lists = (root / "classes.txt", root / "class_names.txt")
    source = next((path for path in lists if path.is_file()), None)
    names = VOC_CLASSES if source is None else read_classes(source).names
    numbers = [classes.find(name, path=source or root) for name in names]
    return lambda path: label_map_marks(path, numbers, "mask")


def _recognises(path: Path) -> bool:
    if any((path / name).is_dir() for name in ("JPEGImages", *_MASK_FOLDERS)):
        return True
    kinds = [xml_kind(file) for file in first_files(path, ".xml", ("*", "*/*"))]
    return "voc" in kinds and "scribblesup" not in kinds


VOC = Format(
    "voc",
    "PASCAL VOC: a folder as it is, or XML files with boxes (LabelImg, Roboflow and others)",
    _recognises,
    _read,
)
