"""ADE20K, as published in 2017 and since 2020."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from weakseg.formats.collector import Collector
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name, is_image
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Marks, Region
from weakseg.marks.label_values import VOID
from weakseg.marks.pixel_runs import PixelRuns, read_colours
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below, nearest_files, read_entries, split_of
from weakseg.support.json_files import read_json

_MASK = "_seg.png"
_IS_MASK = re.compile(r".+_seg|.+_parts_\d+|instance_.+")


class _Object(NamedTuple):
    """An object in a mask.

    Args:
        number: Its number in the mask of 2017; since 2020, the number of its class.
        level: 0 for an object, 1 for a part, 2 for a part of a part.
        name: The class.
    """

    number: int
    level: int
    name: str


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    found = False
    for image in files_below(path):
        if is_image(image) and not _IS_MASK.fullmatch(image.stem) and image.is_file():
            found = True
            yield _read_image(image, path, classes)
    if not found:
        raise DataError("holds no image", path=path)


def _read_image(image: Path, root: Path, classes: ClassFinder) -> Annotated:
    folders = image.relative_to(root).parts
    split = split_of(folders[:-1])
    name = image_name("/".join(folders[folders.index(split) + 1 :] if split else folders))
    mask = image.with_name(image.stem + _MASK)
    listed = _list_of(mask)
    if not mask.is_file() or listed is None:
        return Annotated(name, Marks(), image, None, image, None, split)
    is_of_2017 = listed.suffix == ".txt"
    objects = (_objects_of_2017 if is_of_2017 else _objects)(listed)
    whole = [thing for thing in objects if thing.level == 0]
    ids = {thing.name: classes.find(thing.name, Entry(listed)) for thing in whole}
    runs = read_colours(mask)
    runs, regions = (_by_object if is_of_2017 else _by_class)(runs, whole, ids)
    collector = Collector(Entry(listed))
    collector.add(*regions)
    found = runs.counts()
    for thing in whole:
        if thing.number not in found:
            number = f"{thing.name!r}, number {thing.number}"
            collector.note("empty", f"{number}, has no pixel; left out")
    if len(whole) < len(objects):
        collector.note("unread", f"{len(objects) - len(whole)} parts of objects")
    return collector.annotated(name, image, runs.size, split)


def _list_of(mask: Path) -> Path | None:
    """Find the list of the objects that a mask holds."""
    stem = mask.name.removesuffix(_MASK)
    lists = (mask.with_name(f"{stem}_atr.txt"), mask.with_name(f"{stem}.json"))
    return next((file for file in lists if file.is_file()), None)


def _objects_of_2017(path: Path) -> list[_Object]:
    """Read NAME_atr.txt: number # level # occluded # synset # name # "attributes"."""
    objects = []
    for entry, line in read_entries(path):
        columns = [column.strip() for column in line.split("#")]
        if len(columns) != 6 or not (columns[0].isdecimal() and columns[1].isdecimal()):
            raise entry.expected("number # level # occluded # synset # name # attributes", line)
        objects.append(_Object(int(columns[0]), int(columns[1]), columns[4]))
    return objects


def _objects(path: Path) -> list[_Object]:
    """Read NAME.json; a class that goes by several names takes the first."""
    file = Entry(path)
    tree = file.object(read_json(path, "latin-1"), "the file's content")
    annotation = file.object(tree.get("annotation"), "annotation")
    names: dict[tuple[int, int], _Object] = {}
    for place, value in enumerate(file.list(annotation.get("object"), "object"), 1):
        entry = file.part(f"object {place}")
        thing = entry.object(value, "an object")
        number = entry.number(thing.get("name_ndx"), "name_ndx")
        parts = entry.object(thing.get("parts"), "parts")
        level = entry.number(parts.get("part_level"), "part_level")
        key = int(number), int(level)
        names.setdefault(key, _Object(*key, str(thing.get("raw_name") or "").strip()))
        if not names[key].name:
            raise entry.error("expected a text as raw_name")
    return list(names.values())


def _by_object(
    runs: PixelRuns, whole: Sequence[_Object], ids: dict[str, int]
) -> tuple[PixelRuns, tuple[Region, ...]]:
    """Return the areas of objects, which the blue of the mask of 2017 tells apart."""
    blue = np.maximum(runs.values, 0) & 255
    values, rank = np.unique(blue, return_inverse=True)
    numbers = {thing.number for thing in whole}
    if not numbers.issuperset(values[values > 0].tolist()):
        # Blue then counts in steps of its own: the n-th value is the n-th object.
        blue = rank + (0 if values[0] == 0 else 1)
    runs = replace(runs, values=blue)
    objects: dict[int, tuple[int, int | None]] = dict.fromkeys(runs.counts(), (VOID, None))
    objects |= {thing.number: (ids[thing.name], thing.number) for thing in whole}
    return runs, runs.objects(objects)


def _by_class(
    runs: PixelRuns, whole: Sequence[_Object], ids: dict[str, int]
) -> tuple[PixelRuns, tuple[Region, ...]]:
    """Return the areas of classes, whose numbers are in the red and green of the mask."""
    red, green = np.maximum(runs.values, 0) >> 16, np.maximum(runs.values, 0) >> 8 & 255
    runs = replace(runs, values=(red // 10 << 8) + green)
    by_number = {thing.number: ids[thing.name] for thing in whole}
    return runs, runs.regions(dict.fromkeys(runs.counts(), VOID) | by_number, "mask")


def _recognises(path: Path) -> bool:
    masks = (file for file in nearest_files(path) if file.name.endswith(_MASK))
    return any(_list_of(mask) for mask in masks)


ADE20K = Format(
    "ade20k", "ADE20K of 2017 and since 2020, with its lists of objects", _recognises, _read
)
