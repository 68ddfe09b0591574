"""XML files of PASCAL VOC, and what those of ScribbleSup share with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import ElementTree

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, SourceOptions
from weakseg.images.reading import image_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Box
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_by_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT = "annotation"
_NO_OPTIONS = SourceOptions()

# What the parser raises on a damaged file; a forbidden entity is a ValueError, an unknown encoding
# a LookupError.
_DAMAGED = (OSError, SyntaxError, ValueError, LookupError, RecursionError)


def read_voc_root(path: Path) -> Element:
    """Read an XML file whole; entities, with which files can be made to explode, are refused.

    Raises:
        DataError: The file cannot be read, is no XML, or its outermost element is another than
            <annotation>.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except _DAMAGED as error:
        raise DataError(f"is not readable as XML ({error})", path=path) from error
    if root is None or root.tag != _ROOT:
        tag = "nothing" if root is None else f"<{root.tag:.60}>"
        raise DataError(f"expected <{_ROOT}>, but got {tag}", path=path)
    return root


def read_voc_xml(
    path: Path, classes: ClassFinder, options: SourceOptions = _NO_OPTIONS
) -> Annotated:
    """Read the boxes of one image; the names of what is in them are its tags.

    PASCAL VOC counts pixels from 1 and includes both ends; fractions are rounded to the pixel they
    lie in. Boxes of parts (heads, hands) are no objects, and whether one is difficult or truncated
    plays no part. An object without a name is left out, and of one with a damaged box the name is
    taken, as a tag; both are noted.

    Args:
        path: File of the folder `Annotations`, or of a tool that writes the same.
        classes: The classes.
        options: Where else to look for the image.

    Raises:
        DataError: The file cannot be read, an object is of no known class, or the image's size is
            no number.
    """
    root = read_voc_root(path)
    collector = Collector(Entry(path))
    for number, element in enumerate(root.findall("object"), 1):
        entry = Entry(path, f"object {number}")
        class_id = collector.class_of(text_of(element, "name"), classes, entry)
        if class_id is not None:
            collector.tag(class_id)
            with collector.one_mark():
                _add_box(element, class_id, collector, entry)
    parts = len(root.findall("object/part"))
    if parts:
        collector.note("unread", f"{parts} boxes of parts; left out")
    return collector.annotated(*find_named(root, path, options), read_size(root, path))


def _add_box(element: Element, class_id: int, collector: Collector, entry: Entry) -> None:
    box = _read_box(element, class_id, entry)
    if box is None:
        collector.note("unread", "no bndbox; only the name was taken, as a tag", entry)
    elif box.has_area:
        collector.add(box)
    else:
        collector.note("empty", "a box that ends before it begins; left out", entry)


def _read_box(element: Element, class_id: int, entry: Entry) -> Box | None:
    corners = element.find("bndbox")
    if corners is None:
        return None
    names = ("xmin", "ymin", "xmax", "ymax")
    written = (entry.number(corners.findtext(name), name) for name in names)
    left, top, right, bottom = (math.floor(value + 0.5) - 1 for value in written)
    return Box(class_id, left, top, right, bottom)


def xml_kind(path: Path) -> str | None:
    """Return the kind of an XML file: "voc", "scribblesup", or None for any other."""
    # Other tools' files may be large; their beginning is enough.
    if _outermost_tag(path) != _ROOT:
        return None
    try:
        root = read_voc_root(path)
    except DataError:
        return None
    if root.find("polygon/tag") is not None:
        return "scribblesup"
    has_boxes = root.find("object/bndbox") is not None
    is_empty = root.find("object") is None and root.find("size") is not None
    return "voc" if has_boxes or is_empty else None


def _outermost_tag(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            for _, element in ElementTree.iterparse(file, events=("start",)):
                return str(element.tag)
    except _DAMAGED:
        pass
    return None


def read_xml_folder(folder: Path, read: Callable[[Path], Annotated]) -> Iterator[Annotated]:
    """Read the XML files below a folder.

    Args:
        folder: The folder; images' names begin with the path inside it.
        read: Reads one file.

    Raises:
        DataError: There is none, or one cannot be read.
    """
    files = files_by_name(folder, ".xml")
    if not files:
        raise DataError("expected XML files, but there are none in this folder", path=folder)
    for name, path in files.items():
        annotated = read(path)
        yield replace(annotated, name=(Path(name).parent / annotated.name).as_posix())


def find_named(root: Element, path: Path, options: SourceOptions) -> tuple[str, Path | None]:
    """Find an XML file's image: its name, and the image file where there is one.

    It is the one that <filename> names, or, as files are renamed, one named like the XML file.
    """
    names = [item for item in (text_of(root, "filename"), path.stem, path.name) if image_name(item)]
    for item in names:
        picture = find_picture(item, path, options, path.parent.parent / "JPEGImages")
        if picture is not None:
            return image_name(item), picture
    return image_name(names[0]), None


def read_size(root: Element, path: Path) -> tuple[int, int] | None:
    """Read height and width out of <size>; None where they are not there, or 0.

    Raises:
        DataError: They are no whole numbers of pixels.
    """
    sides = []
    for name in ("height", "width"):
        text = text_of(root, f"size/{name}") or "0"
        side = Entry(path, "size").number(text, name)
        if side < 0 or not side.is_integer():
            raise Entry(path, "size").error(f"expected whole pixels as {name}, but got {text:.60}")
        sides.append(int(side))
    return (sides[0], sides[1]) if all(sides) else None


def text_of(element: Element, child: str) -> str:
    """Return the text of a child, without space around it; nothing where there is none."""
    return (element.findtext(child) or "").strip()
