"""labelme: beside each image a JSON file of shapes."""

from __future__ import annotations

import math
import os
import posixpath
from collections.abc import Iterator
from dataclasses import replace
from glob import escape
from itertools import chain, islice
from pathlib import Path, PureWindowsPath
from typing import Any

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.png_masks import read_base64, read_png_mask
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name, is_image, read_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Place, Region
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below, is_litter
from weakseg.support.json_files import first_keys, read_json
from weakseg.support.wording import counted

_SIGNS = {"version", "flags", "imagePath", "imageHeight", "imageWidth", "lineColor", "fillColor"}
_KEYS = _SIGNS | {"shapes", "imageData"}
_SHAPE_KEYS = {"label", "points", "group_id", "shape_type", "mask", "line_color", "fill_color"}
_KINDS = {
    "polygon",
    "rectangle",
    "oriented_rectangle",
    "rotation",
    "circle",
    "line",
    "linestrip",
    "point",
    "points",
    "mask",
}
_LEFT_OUT = "__ignore__"
_LOOKED_INTO = 5  # files by which a folder is recognised


def _recognises(path: Path) -> bool:
    """Check whether a file is of labelme, or the first JSON files of a folder are."""
    files = list(islice(_json_files(path), _LOOKED_INTO)) if path.is_dir() else [path]
    return bool(files) and all(map(_is_labelme, files))


def _is_labelme(path: Path) -> bool:
    is_list, keys = first_keys(path)
    shapes = "shapes" in keys and (keys & _SIGNS or {"shapes.label", "shapes.points"} <= keys)
    return not is_list and bool(shapes or ("imageData" in keys and keys & _SIGNS))


def _json_files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_litter(Path(name)))
        for name in sorted(names):
            if name.lower().endswith(".json") and not is_litter(Path(name)):
                yield Path(here, name)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read a file of labelme, or all those in a folder and the folders below it.

    Points, lines, outlines, circles and masks become marks of their kind, rectangles become boxes,
    a rotated rectangle the box around it, and flags of the image that are set its tags. The image
    is the one inside the file or, where there is none, the one that the file names. Shapes that are
    damaged or have no label are left out and noted; images beside them that have no file are
    counted.

    Raises:
        DataError: A file is damaged as a whole, or a folder holds none of labelme.
    """
    if not path.is_dir():
        yield _read_file(path, path.parent, classes, options)
        return
    last: Annotated | None = None
    others = _unread_xml(path)
    images: set[Path] = set()
    for file in _json_files(path):
        if not _is_labelme(file):
            others += (Finding("unread", "is no file of labelme; left out", file),)
            continue
        if last is not None:
            yield replace(last, findings=last.findings + others)
            others = ()
        last = _read_file(file, path, classes, options)
        images.add(path / last.name)
        if isinstance(last.picture, Path):
            images.add(Path(os.path.normpath(last.picture.with_suffix(""))))
    if last is None:
        raise DataError("expected a folder of JSON files of labelme, but found none", path=path)
    yield replace(last, findings=last.findings + others + _unmarked(images))


def _unmarked(images: set[Path]) -> tuple[Finding, ...]:
    """Return a finding where images lie beside those that have a file, but have none.

    Args:
        images: Paths of the images that have one, without the ending.
    """
    beside = (files_below(folder, "*") for folder in {path.parent for path in images})
    rest = [each for each in chain.from_iterable(beside) if is_image(each) and each.is_file()]
    rest = sorted(file for file in rest if file.with_suffix("") not in images)
    if not rest:
        return ()
    count = counted(len(rest), "image has", "images have")
    message = f"{count} no JSON; left out, this one for example"
    return (Finding("unmarked", message, rest[0]),)


def _unread_xml(folder: Path) -> tuple[Finding, ...]:
    """Return a finding where XML of another tool lies among the JSON."""
    files = files_below(folder, "**/*.xml")
    if not files:
        return ()
    message = (
        f"{counted(len(files), 'XML file')} among the JSON; left out: import them with --format voc"
    )
    return (Finding("unread", message, files[0]),)


LABELME = Format(
    "labelme", "labelme: a JSON file for each image, or a folder of them", _recognises, _read
)


def _read_file(path: Path, root: Path, classes: ClassFinder, options: SourceOptions) -> Annotated:
    file = Entry(path)
    image = file.object(read_json(path), "the file")
    stated = image.get("imageHeight"), image.get("imageWidth")
    size = None if stated == (None, None) else read_size(*stated, file.part("the image's size"))
    collector = Collector(file)
    _read_flags(image.get("flags"), collector, classes)
    shapes = file.list(image.get("shapes"), "shapes")
    for number, shape in enumerate(shapes, start=1):
        _read_one(shape, file.part(f"shape {number}"), size, collector, classes)
    for key in sorted(image.keys() - _KEYS):
        if image[key]:
            collector.unread(f"{key!r:.40}")
    written = image.get("imagePath") or path.stem
    if not isinstance(written, str):
        raise file.expected("a path as imagePath", written)
    written = _own_image(written, path, collector)
    embedded = image.get("imageData")
    picture: Path | bytes | None
    if embedded:
        picture = read_base64(embedded, "imageData", file)
    else:
        picture = find_picture(written, path, options)
        renamed = None if picture else find_picture(path.stem, path, options)
        if renamed is not None:
            message = f"the image {written!r} is not there; taken is {renamed.name!r}, named alike"
            collector.note("unsure", message)
            picture, written = renamed, renamed.name
    return collector.annotated(_name(written, path, root), picture, size)


def _own_image(written: str, path: Path, collector: Collector) -> str:
    """Return the image that a file names, or the one it is named like, where both are there.

    A file that was copied still names the image of the other, which has a file of its own.
    """
    name = PureWindowsPath(written)
    own = [item for item in files_below(path.parent, f"{escape(path.stem)}.*") if is_image(item)]
    if name.stem == path.stem or not own or not path.with_name(f"{name.stem}.json").is_file():
        return written
    message = (
        f"names the image {written!r}, which {name.stem}.json is of; taken is {own[0].name!r}, "
        "named alike"
    )
    collector.note("unsure", message)
    return own[0].name


def _name(written: str, path: Path, root: Path) -> str:
    """Return an image's path below the folder that is read; of one elsewhere its file's name."""
    written = written.replace("\\", "/")
    inside = path.parent.relative_to(root).as_posix()
    below = posixpath.normpath(posixpath.join(inside, written))
    outside = below.startswith("../") and image_name(posixpath.basename(written)) == path.stem
    if PureWindowsPath(written).root or outside:
        below = posixpath.join(inside, posixpath.basename(written))
    return image_name(below) or path.stem


def _read_flags(flags: Any, collector: Collector, classes: ClassFinder) -> None:
    flags = collector.entry.optional_object(flags, "flags")
    entry = collector.entry.part("flags")
    for name, is_set in flags.items():
        if not isinstance(is_set, bool):
            raise entry.error(
                f"expected true or false as flag {name!r:.40}, but got {is_set!r:.40}"
            )
    if flags.get(_LEFT_OUT):
        collector.note(
            "unread",
            f"the image is flagged {_LEFT_OUT}; its flags are not taken as "
            "tags, but its shapes are read",
        )
        return
    for name, is_set in flags.items():
        if is_set:
            collector.tag(classes.find(name, entry))


def _read_one(
    value: Any, entry: Entry, size: Size | None, collector: Collector, classes: ClassFinder
) -> None:
    """Read a shape; note one that cannot be read."""
    shape = value if isinstance(value, dict) else {}
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(value, dict):
        message = f"expected an object as a shape, but got {value!r:.60}; left out"
        collector.note("damaged", message, entry)
    elif not isinstance(kind, str) or kind not in _KINDS:
        collector.unread(f"shapes of type {kind!r:.40}")
    else:
        class_id = collector.class_of(shape.get("label"), classes, entry)
        if class_id is not None:
            with collector.one_mark():
                _read_shape(shape, class_id, entry, size, collector)


def _read_shape(
    shape: dict[str, Any], class_id: int, entry: Entry, size: Size | None, collector: Collector
) -> None:
    kind = shape.get("shape_type") or "polygon"
    places = entry.places(shape.get("points"), "points")
    instance = _read_extras(shape, collector)
    match kind:
        case "polygon":
            collector.polygon(class_id, places, entry, instance)
        case "rectangle" | "oriented_rectangle" | "rotation":
            collector.box(class_id, places, entry, instance, rotated=kind != "rectangle")
        case "circle":
            centre, radius = _circle(places, entry)
            collector.ellipse(class_id, centre, (radius, radius), 0, entry, instance)
        case "line" | "linestrip":
            collector.stroke(class_id, places, entry, instance)
        case "point" | "points":
            for place in places:
                collector.point(class_id, place, entry, instance)
        case "mask":
            region = _mask(class_id, shape.get("mask"), places, size, collector, entry, instance)
            collector.region(region, entry)


def _read_extras(shape: dict[str, Any], collector: Collector) -> int | None:
    """Return the number of a shape's object; note all that is not used."""
    flags = shape.get("flags")
    if isinstance(flags, dict) and any(flags.values()):
        collector.unread("flags of shapes")
    if shape.get("description"):
        collector.unread("descriptions of shapes")
    for key in sorted(shape.keys() - _SHAPE_KEYS - {"flags", "description"}):
        if shape[key]:
            collector.unread(f"{key!r:.40} of shapes")
    number = shape.get("group_id")
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    collector.unread("group_id that is no whole number")
    return None


def _circle(places: tuple[Place, ...], entry: Entry) -> tuple[Place, float]:
    if len(places) != 2:
        raise entry.error(
            f"expected a circle's centre and a place on it, but got {len(places)} places"
        )
    centre, edge = places
    return centre, math.dist(centre, edge)


def _mask(
    class_id: int,
    value: Any,
    places: tuple[Place, ...],
    size: Size | None,
    collector: Collector,
    entry: Entry,
    instance: int | None,
) -> Region:
    """Read a painted area; its first place is in its top left pixel, its second in its last."""
    if len(places) != 2:
        raise entry.error(f"expected two corners of a mask, but got {len(places)} places")
    area = read_png_mask(value, size, entry)
    (left, top), (right, bottom) = places
    if max(abs(right - left + 1 - area.shape[1]), abs(bottom - top + 1 - area.shape[0])) > 1:
        collector.note(
            "unsure",
            f"the mask (H, W) is {area.shape} while its corners are of another"
            " size; its top left corner is taken",
            entry,
        )
    return Region.from_mask(class_id, area, round(left), round(top), instance=instance)
