"""ScribbleSup (CVPR 2016): people's scribbles on PASCAL VOC, as XML files or drawn as PNGs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from weakseg.formats.collector import Collector
from weakseg.formats.label_regions import known_regions
from weakseg.formats.pictures import photo_of
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name
from weakseg.marks.classes import VOC_CLASSES, ClassFinder
from weakseg.marks.kinds import Marks, Stroke
from weakseg.marks.label_values import UNLABELLED
from weakseg.marks.pixel_runs import read_values
from weakseg.readers.voc_objects import text_of
from weakseg.readers.voc_xml import (
    find_named,
    read_size,
    read_voc_root,
    read_xml_folder,
    xml_kind,
)
from weakseg.support.entries import Entry
from weakseg.support.folders import files_by_name, first_files

PEN_WIDTH = 3.0
"""Width of the line, in pixels, with which the published PNGs were drawn from the XML files."""

SHORT_NAMES = {
    "plane": "aeroplane",
    "bike": "bicycle",
    "table": "diningtable",
    "plant": "pottedplant",
    "monitor": "tvmonitor",
}
"""Classes of PASCAL VOC that the XML files name otherwise."""

_UNLABELLED_VALUE = 255
_VOC_NAME = re.compile(r"\d{4}_\d{6}")
_NO_OPTIONS = SourceOptions()


def read_scribblesup_xml(
    path: Path, classes: ClassFinder, options: SourceOptions = _NO_OPTIONS
) -> Annotated:
    """Read the scribbles of one image.

    Each is a line through places, drawn with a pen of 3 pixels as in the published PNGs. Classes
    that PASCAL VOC names otherwise ("plane") are looked up by their name there.

    Args:
        path: XML file with <polygon> elements that hold a <tag> and <point>s.
        classes: The classes.
        options: Where else to look for the image.

    Raises:
        DataError: The file cannot be read, a scribble is of no known class, or the image's size is
            no number.
    """
    root = read_voc_root(path)
    collector = Collector(Entry(path))
    for number, element in enumerate(root.findall("polygon"), 1):
        entry = Entry(path, f"scribble {number}")
        tag = text_of(element, "tag")
        class_id = collector.class_of(SHORT_NAMES.get(tag, tag), classes, entry)
        if class_id is None:
            continue
        with collector.one_mark():
            places = tuple(
                (entry.number(point.findtext("X"), "X"), entry.number(point.findtext("Y"), "Y"))
                for point in element.findall("point")
            )
            if places:
                collector.add(Stroke(class_id, places, PEN_WIDTH))
            else:
                collector.note("empty", "a scribble without places; left out", entry)
    return collector.annotated(*find_named(root, path, options), read_size(root, path))


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    root = path.parent if path.is_file() else path
    pngs = {path.stem: path} if path.suffix.lower() == ".png" else files_by_name(path, ".png")
    if path.is_file() and not pngs:
        yield read_scribblesup_xml(path, classes, options)
    elif pngs and not (path.is_dir() and files_by_name(path, ".xml")):
        numbers = [classes.find(name, Entry(path)) for name in VOC_CLASSES]
        for name, file in pngs.items():
            yield _read_png(file, name, root, numbers, options)
    else:
        read = partial(read_scribblesup_xml, classes=classes, options=options)
        yield from read_xml_folder(path, read)


def _read_png(
    path: Path, name: str, root: Path, numbers: list[int], options: SourceOptions
) -> Annotated:
    runs = read_values(path)
    ids = {**dict(enumerate(numbers)), _UNLABELLED_VALUE: UNLABELLED}
    expected = (
        f"the classes of PASCAL VOC, 0 to {len(numbers) - 1}, and {_UNLABELLED_VALUE} (unlabelled)"
    )
    marks = Marks(regions=known_regions(runs, ids, "scribble", expected, path))
    picture = photo_of(path, name, root, options)
    return Annotated(image_name(name), marks, picture, runs.size, path)


def _recognises(path: Path) -> bool:
    if any(xml_kind(file) == "scribblesup" for file in first_files(path, ".xml")):
        return True
    pngs = first_files(path, ".png")
    return bool(pngs) and all(_is_scribble_png(file) for file in pngs)


def _is_scribble_png(path: Path) -> bool:
    """Recognise it by its name, as in PASCAL VOC, and as most of it is unlabelled."""
    if not _VOC_NAME.fullmatch(path.stem):
        return False
    runs = read_values(path)
    counts = runs.counts()
    unlabelled = counts.pop(_UNLABELLED_VALUE, 0)
    return unlabelled > runs.height * runs.width / 2 and max(counts, default=0) < len(VOC_CLASSES)


SCRIBBLESUP = Format(
    "scribblesup",
    "ScribbleSup: scribbles on PASCAL VOC, as XML files or as PNGs (255 is unlabelled)",
    _recognises,
    _read,
)
