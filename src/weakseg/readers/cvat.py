"""CVAT for images 1.1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import iterparse

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.run_lengths import check_runs
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import read_size, stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Place, Region
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import head, holds_file, split_of

_PATTERNS = ("*.xml", "*/*.xml")
_SHAPES = {"box", "polygon", "polyline", "points", "ellipse", "mask", "skeleton", "tag"}
_ROOT = re.compile(r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*)*<annotations[\s/>]", re.DOTALL)


def _is_cvat(path: Path) -> bool:
    beginning = head(path)
    return _ROOT.match(beginning) is not None and bool(re.search(r"<(image|meta)[\s/>]", beginning))


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the images of a file, or of all files in a folder.

    Shapes become marks of their kind, ellipses outlines, rotated boxes the boxes around them, the
    points of a skeleton points of its class. What lies on top, by the z-order, comes last. Objects
    are numbered by their group. Shapes that are damaged, or whose label the file does not declare,
    are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    for file in chosen_files(path, _PATTERNS, _is_cvat, options):
        yield from _File(file, classes).read(options)


CVAT = Format(
    "cvat",
    "CVAT for images 1.1: an XML or a folder of them",
    lambda path: holds_file(path, _PATTERNS, _is_cvat),
    _read,
)


class _File:
    """A file, read piece by piece."""

    def __init__(self, path: Path, classes: ClassFinder) -> None:
        self._path = path
        self._classes = classes
        self._class_ids: dict[str, int] = {}
        self._declares = False  # labels, in its head

    def read(self, options: SourceOptions) -> Iterator[Annotated]:
        """Read it image by image."""
        subsets: list[str] = []
        tags: Counter[str] = Counter()
        for element in _elements(self._path):
            tags[element.tag] += 1
            if element.tag == "label":
                self._declare(element)
            elif element.tag == "subset":
                subsets.append((element.text or "").strip())
            elif element.tag == "image":
                entry = Entry(self._path, f"image {tags['image']} {element.get('name', '')!r:.60}")
                split = subsets[0] if len(subsets) == 1 else split_of([self._path.stem])
                yield self._read_image(element, entry, split, options)
                element.clear()
            elif element.tag == "track":
                element.clear()
        if not tags["image"]:
            hint = "; export a video as CVAT for images" if tags["track"] else ""
            raise DataError(f"holds no image{hint}", path=self._path)

    def _declare(self, label: Any) -> None:
        """Take up a label of the file's head; those of a skeleton's parts are of no use."""
        name = label.findtext("name", "").strip()
        if name and label.find("parent") is None:
            self._declares = True
            entry = Entry(self._path, f"label {name!r:.40}")
            self._class_ids[name] = self._classes.find(name, entry)

    def _read_image(
        self, image: Any, entry: Entry, split: str | None, options: SourceOptions
    ) -> Annotated:
        written = image.get("name", "")
        name = read_name(written, entry)
        split = image.get("subset") or split
        around = [self._path.parent / "images" / split] if split else []
        collector = Collector(entry)
        self._read_shapes(image, collector)
        return collector.annotated(
            name,
            find_picture(written, self._path, options, *around),
            stated_size(image.get("height"), image.get("width"), entry),
            None if split == "default" else split,
        )

    def _read_shapes(self, image: Any, collector: Collector) -> None:
        shapes: list[tuple[int, Any, int, Entry]] = []
        for number, shape in enumerate(image, 1):
            entry = collector.entry.part(f"{shape.tag} {number}")
            label = shape.get("label", "").strip()
            if shape.tag not in _SHAPES:
                collector.unread(f"annotations of kind {shape.tag!s:.40}")
            elif not label:
                collector.note("unknown", "has no label; left out", entry)
            else:
                class_id = self._class_of(label, collector, entry)
                with collector.one_mark():
                    depth = entry.integer(shape.get("z_order", 0), "z_order")
                    if class_id is not None:
                        shapes.append((depth, shape, class_id, entry))
        for _, shape, class_id, entry in sorted(shapes, key=lambda item: item[0]):
            with collector.one_mark():
                _read_shape(shape, class_id, collector, entry)

    def _class_of(self, label: str, collector: Collector, entry: Entry) -> int | None:
        if label not in self._class_ids:
            if self._declares:
                collector.note(
                    "unknown",
                    f"its label {label!r:.40} is not among those that the file declares; left out",
                    entry,
                )
                return None
            self._class_ids[label] = self._classes.find(label, entry)
        return self._class_ids[label]


def _elements(path: Path) -> Iterator[Any]:
    """Read an XML piece by piece; entities, which may blow up, are refused."""
    try:
        for _, element in iterparse(str(path), forbid_dtd=True):
            yield element
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise Entry(path).error(
            f"is not readable as XML ({type(error).__name__}: {error})"
        ) from error


def _read_shape(shape: Any, class_id: int, collector: Collector, entry: Entry) -> None:
    def number(key: str, default: float | None = None) -> float:
        return entry.number(shape.get(key, default), key)

    instance = entry.integer(shape.get("group_id") or 0, "group_id") or None
    match shape.tag:
        case "tag":
            collector.tag(class_id)
        case "box":
            left, top, right, bottom = map(number, ("xtl", "ytl", "xbr", "ybr"))
            edges = right - left, bottom - top
            degrees = number("rotation", 0)
            collector.rectangle(class_id, (left, top), edges, entry, instance, degrees=degrees)
        case "ellipse":
            centre, radii = (number("cx"), number("cy")), (number("rx"), number("ry"))
            collector.ellipse(class_id, centre, radii, number("rotation", 0), entry, instance)
        case "polygon":
            collector.polygon(class_id, _places(shape, entry), entry, instance)
        case "polyline":
            collector.stroke(class_id, _places(shape, entry), entry, instance)
        case "points":
            for place in _places(shape, entry):
                collector.point(class_id, place, entry, instance)
        case "skeleton":
            for part in shape.findall("points"):
                if part.get("outside") == "1":
                    collector.unread("points of skeletons that are outside of the image")
                    continue
                for place in _places(part, entry):
                    collector.point(class_id, place, entry, instance)
        case "mask":
            collector.region(_region(shape, class_id, entry, instance), entry)


def _places(shape: Any, entry: Entry) -> Sequence[Place]:
    pairs = shape.get("points", "").split(";")
    wrong = next((pair for pair in pairs if pair.count(",") != 1), None)
    if wrong is not None:
        raise entry.error(f"expected corners as x,y;x,y but got {wrong!r:.60}")
    return entry.places([pair.split(",") for pair in pairs], "points")


def _region(mask: Any, class_id: int, entry: Entry, instance: int | None) -> Region:
    """Read a mask, whose run lengths fill its own frame row by row, beginning with outside."""
    left, top = (entry.integer(mask.get(side), side) for side in ("left", "top"))
    if min(left, top) < 0:
        raise entry.error(f"expected a mask inside its image, but got one at {left}, {top}")
    size = read_size(mask.get("height"), mask.get("width"), entry, of="the mask")
    lengths = mask.get("rle", "").split(",")
    runs = [entry.integer(length, "length of a run") for length in lengths]
    check_runs(runs, size, entry)
    return Region(class_id, *size, tuple(runs), left, top, instance=instance)
