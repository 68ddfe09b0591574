"""PASCAL VOC: boxes and tags from XML files, full masks, splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from weakseg.formats.data_folders import (
    VOC_MASKS,
    FolderFiles,
    FolderLayout,
    class_lists,
    is_voc_folder,
    read_splits,
    read_tables,
    settled_names,
    split_findings,
    voc_layout,
)
from weakseg.formats.label_regions import areas_size, coloured_regions, label_map_marks
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, Format, SourceOptions, ending_with
from weakseg.images.reading import opened
from weakseg.marks.classes import ClassFinder, ClassList
from weakseg.marks.findings import Finding, left_out
from weakseg.marks.kinds import Marks
from weakseg.marks.palette_files import palette_ids, read_palette
from weakseg.marks.tables import OnBadRow
from weakseg.readers.folder import RenumberedClasses
from weakseg.readers.voc_xml import XmlNotes, read_voc_xml, read_xml_folder, xml_kind
from weakseg.support.errors import DataError
from weakseg.support.folders import first_files, safely
from weakseg.support.wording import counted


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    notes = XmlNotes()
    read_xml = partial(read_voc_xml, classes=classes, options=options, notes=notes)
    if any((path / name).is_dir() for name in ("JPEGImages", "Annotations", *VOC_MASKS)):
        images = _read_voc_folder(path, read_xml, classes, options)
    else:
        images = read_xml_folder(path, read_xml) if path.is_dir() else map(read_xml, [path])
    yield from ending_with(images, notes.findings)


def _read_voc_folder(
    root: Path, read_xml: Callable[[Path], Annotated], classes: ClassFinder, options: SourceOptions
) -> Iterator[Annotated]:
    layout = voc_layout(root)
    files = FolderFiles.of(layout)
    splits = read_splits(layout.splits, files.index)
    bad: list[DataError] = []
    marks_of, named = _marks_of(layout, files, classes, options, bad.append)
    unread = settled_names(files.index, root) + tuple(map(left_out, bad))
    unread += split_findings(layout.splits, files.index)
    unread += _class_lists(layout, files)
    if (root / "SegmentationObject").is_dir():
        unread += (
            Finding("unread", "masks of single objects; left out", root / "SegmentationObject"),
        )
    for name in files.names(named, splits):
        marks = marks_of(name)
        listed = splits.get(name)
        place = files.place_of(name, root, None if name in named else listed)
        annotated = Annotated(name, Marks(), None, None, *place)
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
            size=annotated.size or areas_size(marks, name, (files.masks, files.scribbles)),
            split=listed.split if listed else None,
            is_listed=listed is not None,
            findings=findings,
        )


def _class_lists(layout: FolderLayout, files: FolderFiles) -> tuple[Finding, ...]:
    """Return a finding where tags stand in lists of each class alone, and in no XML or table."""
    lists = class_lists(layout.splits)
    if not lists or files.annotations or layout.tables["tags"][0].is_file():
        return ()
    count = counted(len(lists), "list of a class is", "lists of a class are")
    way = "write a row image,class into tags.csv beside JPEGImages/ for each line that ends in 1"
    return (Finding("unread", f"{count} not read as tags, this one for example: {way}", lists[0]),)


def _marks_of(
    layout: FolderLayout,
    files: FolderFiles,
    classes: ClassFinder,
    options: SourceOptions,
    on_bad_row: OnBadRow,
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
    tables = read_tables(layout, own, name_of=files.index.name_of, on_bad_row=on_bad_row)

    def marks_of(name: str) -> Marks:
        marks = tables.get(name, Marks())
        if name in files.scribbles:
            marks += label_map_marks(
                files.scribbles[name], own.ids, "scribble", as_areas=options.joins
            )
        if name in files.masks and colours is not None:
            marks += Marks(regions=coloured_regions(files.masks[name], *colours, "mask"))
        elif name in files.masks:
            marks += label_map_marks(files.masks[name], own.ids, "mask", as_areas=options.joins)
        return marks

    return marks_of, tables


def has_named_colours(path: Path, options: SourceOptions) -> bool:
    """Whether a folder of PASCAL VOC has masks in colours that a file names, as its importer does.

    Args:
        path: The folder.
        options: The user's own palette counts for masks of any kind.
    """
    if not is_voc_folder(path):
        return False
    masks = first_files(voc_layout(path).masks, ".png", ("*", "*/*"))
    if options.palette is not None:
        return bool(masks)
    return (path / "labelmap.txt").is_file() and any(map(safely(_is_coloured), masks))


def _is_coloured(mask: Path) -> bool:
    with opened(mask, what="label map") as picture:
        return picture.mode in {"RGB", "RGBA"}


def _recognises(path: Path) -> bool:
    if (path / "JPEGImages").is_dir():
        return is_voc_folder(path)
    if any((path / name).is_dir() for name in VOC_MASKS):
        return True
    kinds = [xml_kind(file) for file in first_files(path, ".xml", ("*", "*/*"))]
    return "voc" in kinds and "scribblesup" not in kinds


VOC = Format(
    "voc",
    "PASCAL VOC: a folder as it is, or XML files with boxes (LabelImg, Roboflow and others)",
    _recognises,
    _read,
    heeds=("palette",),
)
