"""XML files of PASCAL VOC, and what those of ScribbleSup share with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import ElementTree

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, SourceOptions
from weakseg.formats.tool_exports import rotation_hint
from weakseg.images.reading import image_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.readers.voc_objects import add_object, counts_from_zero, has_outline, text_of
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_by_name
from weakseg.support.texts import not_a_text, text_encoding
from weakseg.support.wording import counted

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT = "annotation"
_XML_FOLDERS = {"annotations", "annotation", "xmls", "xml", "labels"}
_IMAGE_FOLDERS = ("images", "JPEGImages", "data")  # the last is FiftyOne's
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
        raise _fault(path, error) from error
    if root is None or root.tag != _ROOT:
        tag = "nothing" if root is None else f"<{root.tag:.60}>"
        raise DataError(f"expected <{_ROOT}>, but got {tag}", path=path)
    return root


def xml_fault(path: Path) -> DataError | None:
    """Return why a file cannot be read as XML; None if it can."""
    try:
        ElementTree.parse(path)
    except _DAMAGED as error:
        return _fault(path, error)
    return None


def _fault(path: Path, error: Exception) -> DataError:
    """Return the error of a file that is no XML, or in an encoding that it does not state."""
    try:
        path.read_bytes().decode(text_encoding(path))
    except UnicodeDecodeError as foreign:
        return not_a_text(path, foreign)
    except OSError:
        pass
    return DataError(
        f"is not readable as XML ({error}): write it anew, or take it out of the folder", path=path
    )


class XmlNotes:
    """What XML files of a folder say besides marks, and are reported once for all of them."""

    def __init__(self) -> None:
        self._difficult: dict[Path, int] = {}
        self._outlined: dict[Path, int] = {}
        self._from_zero: dict[str, Path] = {}

    def take(self, root: Element, path: Path) -> None:
        """Look at a file."""
        objects = root.findall("object")
        for count, files in (
            (sum(text_of(element, "difficult") == "1" for element in objects), self._difficult),
            (sum(map(has_outline, objects)), self._outlined),
        ):
            if count:
                files[path] = count
        tool = counts_from_zero(root) if objects else None
        if tool:
            self._from_zero.setdefault(tool, path)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is to be reported of the files so far."""
        found = []
        for tool, path in self._from_zero.items():
            message = f"its boxes are taken to count pixels from 0, as {tool} writes them"
            found.append(Finding("unsure", message, path))
        if "Label Studio" in self._from_zero:
            path = self._from_zero["Label Studio"]
            found.append(rotation_hint("Label Studio", "ignores the rotation", path))
        if self._difficult:
            count, where = _in_files(self._difficult, "object is", "objects are")
            message = (
                f"{count} marked as difficult{where}; used like all others, while PASCAL VOC's own "
                "evaluation of boxes leaves those out"
            )
            found.append(Finding("unsure", message, next(iter(self._difficult))))
        return tuple(found)

    def unused_outlines(self) -> tuple[Finding, ...]:
        """Return the finding that outlines are not used, for those who use boxes alone."""
        if not self._outlined:
            return ()
        count, where = _in_files(self._outlined, "object has an outline", "objects have outlines")
        message = (
            f"{count}{where}; not used in a PASCAL VOC folder as it is: `weakseg import` makes "
            "masks of them"
        )
        return (Finding("unread", message, next(iter(self._outlined))),)


def _in_files(counts: dict[Path, int], one: str, many: str) -> tuple[str, str]:
    """Return how many things there are, and in how many files."""
    files = len(counts)
    where = f", in {files} files, this one for example" if files > 1 else ""
    return counted(sum(counts.values()), one, many), where


def read_voc_xml(
    path: Path,
    classes: ClassFinder,
    options: SourceOptions = _NO_OPTIONS,
    notes: XmlNotes | None = None,
) -> Annotated:
    """Read the boxes and outlines of one image; the names of what is in them are its tags.

    PASCAL VOC counts pixels from 1 and includes both ends; fractions are rounded to the pixel they
    lie in. Datumaro, CVAT and Label Studio count from 0 and write edges. A box that is rotated is
    read as the box around it. Boxes of parts (heads, hands) are no objects. Objects that are
    difficult or truncated are objects like any other. One without a name is left out, and of one
    with a damaged box the name is taken, as a tag; both are noted.

    Args:
        path: File of the folder `Annotations`, or of a tool that writes the same.
        classes: The classes.
        options: Where else to look for the image.
        notes: Takes up what is reported once for all files.

    Raises:
        DataError: The file cannot be read, an object is of no known class, or the image's size is
            no number.
    """
    root = read_voc_root(path)
    if notes is not None:
        notes.take(root, path)
    collector = Collector(Entry(path))
    from_zero = counts_from_zero(root) is not None
    for number, element in enumerate(root.findall("object"), 1):
        entry = Entry(path, f"object {number}")
        class_id = collector.class_of(text_of(element, "name"), classes, entry)
        if class_id is not None:
            collector.tag(class_id)
            add_object(element, class_id, collector, entry, from_zero=from_zero)
    parts = len(root.findall("object/part"))
    if parts:
        message = f"{counted(parts, 'box of a part', 'boxes of parts')}; left out"
        collector.note("unread", message)
    return collector.annotated(*find_named(root, path, options), read_size(root, path))


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
        folder: The folder; images' names begin with the path inside it, without a folder for XML
            files beside one for images.
        read: Reads one file.

    Raises:
        DataError: There is none, or one cannot be read.
    """
    files = files_by_name(folder, ".xml")
    if not files:
        raise DataError("expected XML files, but there are none in this folder", path=folder)
    for name, path in files.items():
        annotated = read(path)
        inside = Path(name).parent
        for up in (inside, *inside.parents):
            if _is_beside_images(folder / up):
                inside = up.parent / inside.relative_to(up)
                break
        yield replace(annotated, name=(inside / annotated.name).as_posix())


def _is_beside_images(folder: Path) -> bool:
    """Whether a folder is for XML files, by its name, and one for images is beside it."""
    return folder.name.lower() in _XML_FOLDERS and any(
        (folder.parent / name).is_dir() for name in _IMAGE_FOLDERS
    )


def _folders_of_images(path: Path) -> Iterator[Path]:
    """Yield the folders for images that are laid out like the folder of an XML file."""
    for up in path.parents:
        if up.name.lower() in _XML_FOLDERS:
            yield from (up.parent / name / path.parent.relative_to(up) for name in _IMAGE_FOLDERS)


def find_named(root: Element, path: Path, options: SourceOptions) -> tuple[str, Path | None]:
    """Find an XML file's image: its name, and the image file where there is one.

    It is the one that <filename> names, or, as files are renamed, one named like the XML file.
    """
    names = [item for item in (text_of(root, "filename"), path.stem, path.name) if image_name(item)]
    folders = (*_folders_of_images(path), path.parent.parent / "JPEGImages")
    for item in names:
        picture = find_picture(item, path, options, *folders)
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
