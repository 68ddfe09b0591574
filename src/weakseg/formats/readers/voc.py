"""PASCAL VOC: boxes and tags from XML files, full masks, splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from weakseg.formats.data_folders import (
    VOC_MASKS,
    FolderFiles,
    FolderLayout,
    read_splits,
    read_tables,
    voc_layout,
)
from weakseg.formats.label_regions import coloured_regions, label_map_marks
from weakseg.formats.layout import first_files
from weakseg.formats.palette_files import palette_ids, read_palette
from weakseg.formats.readers.folder import RenumberedClasses
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
from weakseg.marks.classes import ClassList
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["SCRIBBLESUP", "VOC", "read_voc_xml"]

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
    if any((path / name).is_dir() for name in ("JPEGImages", "Annotations", *VOC_MASKS)):
        yield from _read_voc_folder(path, read_xml, classes, options)
    elif path.is_dir():
        yield from read_xml_folder(path, read_xml)
    else:
        yield read_xml(path)


def _read_voc_folder(
    root: Path, read_xml: Callable[[Path], Annotated], classes: ClassFinder, options: SourceOptions
) -> Iterator[Annotated]:
    layout = voc_layout(root)
    files = FolderFiles.of(layout)
    splits = read_splits(layout.splits, files.images)
    marks_of, named = _marks_of(layout, files, classes, options)
    unread: tuple[Finding, ...] = ()
    if (root / "SegmentationObject").is_dir():
        unread = (
            Finding("unread", "masks of single objects; left out", root / "SegmentationObject"),
        )
    for name in files.names(named, splits):
        marks = marks_of(name)
        annotated = Annotated(name, Marks(), None, None, root)
        if name in files.annotations:
            annotated = read_xml(files.annotations[name])
            # As in training: a table of tags or boxes takes the place of an image's XML.
            if not marks.tags and not marks.boxes:
                marks = annotated.marks + marks
        picture = files.images.get(name) or annotated.picture or find_picture(name, root, options)
        findings, unread = annotated.findings + unread, ()
        yield replace(
            annotated,
            name=name,
            marks=marks,
            picture=picture,
            split=splits.get(name),
            findings=findings,
        )


def _marks_of(
    layout: FolderLayout, files: FolderFiles, classes: ClassFinder, options: SourceOptions
) -> tuple[Callable[[str], Marks], Iterable[str]]:
    """Return a function from an image to its marks other than XML, and the names in tables.

    Classes of masks are those of a palette (of the user, or the labelmap.txt that CVAT writes), of
    a list in the folder (classes.txt, or the class_names.txt that labelme writes), or those of
    PASCAL VOC. They are looked up only where there is a mark.
    """
    path = options.palette or layout.root / "labelmap.txt"
    palette = read_palette(path) if files.masks and (options.palette or path.is_file()) else None
    colours = None if palette is None else (palette, palette_ids(palette, classes, path))
    has_tables = any(item.is_file() for paths in layout.tables.values() for item in paths)
    needs_list = has_tables or files.scribbles or (files.masks and colours is None)
    own = RenumberedClasses.of(
        layout.read_classes() if needs_list else ClassList(()),
        classes,
        layout.classes if layout.classes.is_file() else layout.root,
    )
    tables = read_tables(layout, own)

    def marks_of(name: str) -> Marks:
        marks = tables.get(name, Marks())
        if name in files.scribbles:
            marks += label_map_marks(files.scribbles[name], own.ids, "scribble")
        if name in files.masks and colours is not None:
            marks += Marks(regions=coloured_regions(files.masks[name], *colours, "mask"))
        elif name in files.masks:
            marks += label_map_marks(files.masks[name], own.ids, "mask")
        return marks

    return marks_of, tables


def _recognises(path: Path) -> bool:
    if any((path / name).is_dir() for name in ("JPEGImages", *VOC_MASKS)):
        return True
    kinds = [xml_kind(file) for file in first_files(path, ".xml", ("*", "*/*"))]
    return "voc" in kinds and "scribblesup" not in kinds


VOC = Format(
    "voc",
    "PASCAL VOC: a folder as it is, or XML files with boxes (LabelImg, Roboflow and others)",
    _recognises,
    _read,
)
