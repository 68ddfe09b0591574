"""VGG Image Annotator (VIA) 1 and 2: a project, or annotations exported as JSON or csv."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding, left_out
from weakseg.marks.kinds import Place
from weakseg.marks.tables import OnBadRow, first_header, read_table
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file
from weakseg.support.json_files import first_keys, read_json

_PATTERNS = ("*.json", "*.csv")
_PROJECT = "_via_img_metadata"
_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"
_CLASS_NAMES = ("class", "label", "name", "category", "type", "object", "species")

Object = dict[str, Any]


def _is_via(path: Path) -> bool:
    if path.suffix.lower() == ".csv":
        return {_SHAPE, _ATTRIBUTES} <= set(first_header(path))
    is_list, keys = first_keys(path)
    signs = all(any(key.endswith(end) for key in keys) for end in (".filename", ".regions"))
    return not is_list and (_PROJECT in keys or signs)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read a project or an export, or all those in a folder.

    Rectangles become boxes, polygons, circles and ellipses outlined areas, open lines scribbles,
    points points. A region's class is the value of its attribute; of several attributes one that is
    called like a class counts, else the one that most regions have. Of a checkbox, what is ticked.
    Regions that are damaged or have no value are left out and noted.

    Raises:
        DataError: A file is damaged as a whole.
    """
    for file in chosen_files(path, _PATTERNS, _is_via, options):
        bad: list[DataError] = []
        is_csv = file.suffix.lower() == ".csv"
        images = _from_csv(file, bad.append) if is_csv else _from_json(file)
        if not images:
            raise bad[0] if bad else DataError("holds no image", path=file)
        findings = tuple(map(left_out, bad))
        naming = _Naming.of([region for image in images for region in image.regions])
        described = {} if is_csv else _described(file, naming.attribute)
        if described:
            naming = replace(naming, described=described)
            message = (
                f"the options of {naming.attribute!r} have numbers as ids, so that their "
                f"descriptions are the classes: {', '.join(described.values()):.200}"
            )
            findings += (Finding("unsure", message, file),)
        for image in images:
            item = _read_image(image, naming, file, classes, options)
            yield replace(item, findings=findings + item.findings)
            findings = ()


VIA = Format(
    "via",
    "VGG Image Annotator 1 and 2: a project, or an export as JSON or csv",
    lambda path: holds_file(path, _PATTERNS, _is_via),
    _read,
)


@dataclass
class _Region:
    """A region: shape and attributes as they stand in the file, and where."""

    shape: Any
    attributes: Any
    entry: Entry


@dataclass
class _Image:
    """An image as it is written, its regions, and the folder that the project has for images."""

    written: str
    entry: Entry
    attributes: list[Any] = field(default_factory=list)
    regions: list[_Region] = field(default_factory=list)
    folder: str = ""


def _from_json(path: Path) -> list[_Image]:
    file = Entry(path)
    tree = file.object(read_json(path), "the file")
    images, folder = [], _default_folder(tree)
    for key, value in file.object(tree.get(_PROJECT, tree), "the images").items():
        entry = file.part(f"image {key!r:.60}")
        item = entry.object(value, "an image")
        image = _Image(entry.text(item.get("filename"), "'filename'"), entry, folder=folder)
        image.attributes.append(item.get("file_attributes"))
        regions = item.get("regions")
        if isinstance(regions, dict):  # as VIA 1 numbers them
            regions = list(regions.values())
        for number, region in enumerate(entry.list(regions, "'regions'"), 1):
            both = region if isinstance(region, dict) else {}
            place = entry.part(f"region {number}")
            one = _Region(both.get("shape_attributes"), both.get("region_attributes"), place)
            image.regions.append(one)
        images.append(image)
    return images


def _default_folder(tree: dict[str, Any]) -> str:
    """Return the folder of images in a project's settings; nothing where there is none."""
    value: Any = tree
    for key in ("_via_settings", "core", "default_filepath"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _described(path: Path, attribute: str | None) -> dict[str, str]:
    """Return the descriptions of an attribute's options by their ids, where these are numbers."""
    value: Any = read_json(path)
    for key in ("_via_attributes", "region", attribute, "options"):
        value = value.get(key) if isinstance(value, dict) else None
    options = value if isinstance(value, dict) else {}
    texts = {key: text.strip() for key, text in options.items() if isinstance(text, str)}
    are_told_apart = all(texts.values()) and len(set(texts.values())) == len(options)
    return texts if are_told_apart and all(map(str.isdigit, texts)) else {}


def _from_csv(path: Path, on_bad_row: OnBadRow) -> list[_Image]:
    images: dict[str, _Image] = {}
    first = first_header(path)[0]
    name = first if first.lstrip("#") == "filename" else "filename"  # VIA 1 writes #filename
    for entry, row in read_table(path, (name, _SHAPE, _ATTRIBUTES), on_bad_row):
        image = images.setdefault(
            row[name], _Image(row[name], Entry(path, f"image {row[name]!r:.60}"))
        )
        image.attributes.append(_unpacked(row.get("file_attributes", "")))
        shape = _unpacked(row[_SHAPE])
        if shape != {}:  # an image without regions has one row
            image.regions.append(_Region(shape, _unpacked(row[_ATTRIBUTES]), entry))
    return list(images.values())


def _unpacked(text: str) -> Any:
    """Unpack JSON in a cell; what is none stays a text, which no shape can be."""
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True)
class _Naming:
    """Which attribute is the class.

    Args:
        attribute: Its name, if regions have any.
        others: Further attributes that have values.
        described: Names of classes by the values that stand for them.
    """

    attribute: str | None
    others: tuple[str, ...]
    described: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, regions: Sequence[_Region]) -> _Naming:
        """Choose by the names of attributes, else by how many regions have a value."""
        found: Counter[str] = Counter()
        for region in regions:
            if isinstance(region.attributes, dict):
                found.update(name for name, value in region.attributes.items() if _values(value))
        if not found:
            return cls(None, ())
        rank = {name: place for place, name in enumerate(_CLASS_NAMES)}
        chosen = min(
            found, key=lambda name: (rank.get(name.strip().lower(), len(rank)), -found[name])
        )
        return cls(chosen, tuple(name for name in found if name != chosen))

    def names(self, attributes: Any) -> list[Any]:
        """Return the names of a region's classes."""
        if self.attribute is None or not isinstance(attributes, dict):
            return []
        values = _values(attributes.get(self.attribute))
        return [self.described.get(str(value), value) for value in values]


def _values(value: Any) -> list[Any]:
    """Return an attribute's values: those ticked of a checkbox."""
    if isinstance(value, dict):
        return [name for name, ticked in value.items() if ticked]
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [] if value is None else [value]


def _read_image(
    image: _Image, naming: _Naming, path: Path, classes: ClassFinder, options: SourceOptions
) -> Annotated:
    collector = Collector(image.entry)
    for number, region in enumerate(image.regions, 1):
        # A region without a value has no label.
        for name in naming.names(region.attributes) or [""]:
            class_id = collector.class_of(str(name), classes, region.entry)
            if class_id is not None:
                with collector.one_mark():
                    _read_region(region, class_id, number, collector)
    for name in naming.others:
        collector.unread(f"region attribute {name!r:.40}")
    if any(_has_values(attributes) for attributes in image.attributes):
        collector.unread("attributes of the image")
    written = image.written
    if "://" in written:  # where what follows the path is no name
        written = written.rpartition("://")[2].partition("?")[0].partition("#")[0]
    picture = find_picture(written, path, options, path.parent / image.folder)
    return collector.annotated(read_name(written, image.entry), picture)


def _has_values(attributes: Any) -> bool:
    return isinstance(attributes, dict) and any(_values(value) for value in attributes.values())


def _read_region(region: _Region, class_id: int, number: int, collector: Collector) -> None:
    entry = region.entry
    shape = entry.object(region.shape, "a region's shape")

    def value(key: str, default: float | None = None) -> float:
        return entry.number(shape.get(key, default), key)

    match shape.get("name"):
        case "rect" | "rectangle":
            corner, edges = (value("x"), value("y")), (value("width"), value("height"))
            collector.rectangle(class_id, corner, edges, entry, number)
        case "polygon":
            collector.polygon(class_id, _places(shape, entry), entry, number)
        case "polyline":
            collector.stroke(class_id, _places(shape, entry), entry, number)
        case "point":
            collector.point(class_id, (value("cx"), value("cy")), entry, number)
        case "circle":
            centre, radius = (value("cx"), value("cy")), value("r")
            collector.ellipse(class_id, centre, (radius, radius), 0, entry, number)
        case "ellipse":
            centre, radii = (value("cx"), value("cy")), (value("rx"), value("ry"))
            degrees = math.degrees(value("theta", 0))
            collector.ellipse(class_id, centre, radii, degrees, entry, number)
        case kind:
            collector.unread(f"regions of shape {kind!r:.40}")


def _places(shape: Mapping[str, Any], entry: Entry) -> list[Place]:
    columns, rows = (
        entry.numbers(shape.get(key), f"'{key}'") for key in ("all_points_x", "all_points_y")
    )
    if len(columns) != len(rows):
        raise entry.error(f"expected x and y of each place, but got {len(columns)} and {len(rows)}")
    return list(zip(columns, rows, strict=True))
