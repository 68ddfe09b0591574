"""ADE20K, as published in 2017 and since 2020."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from weakseg.formats.readers.by_datumaro import files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions
from weakseg.support.errors import DataError

_MASK = "_seg.png"
_IS_MASK = re.compile(r".+_seg|.+_parts_\d+|instance_.+")


def recognises(path: Path) -> bool:
    """Tell whether this is a folder with masks that are named as in ADE20K."""
    masks = (file for file in files.nearest_files(path) if file.name.endswith(_MASK))
    return any(_list_of(mask) for mask in masks)


def _list_of(mask: Path) -> Path | None:
    """Give the file that says which objects a mask holds."""
    stem = mask.name.removesuffix(_MASK)
    lists = (mask.with_name(f"{stem}_atr.txt"), mask.with_name(f"{stem}.json"))
    return next((file for file in lists if file.is_file()), None)


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the images."""
    found = False
    for image in sorted(path.rglob("*")):
        if files.is_image(image) and not _IS_MASK.fullmatch(image.stem) and image.is_file():
            found = True
            yield _entry(image, path)
    if not found:
        raise DataError("holds no image", path=path)


def _entry(image: Path, root: Path) -> Entry:
    folders = image.relative_to(root).parts
    split = files.split_of(folders[:-1])
    written = "/".join(folders[folders.index(split) + 1 :] if split else folders)
    mask = image.with_name(image.stem + _MASK)
    listed = _list_of(mask)
    if not mask.is_file() or listed is None:
        return Entry(written, Where(image), (None,), None, image, split=split)
    where = Where(listed)
    with where.reading("a list of objects"):
        objects = (_objects_of_2017 if listed.suffix == ".txt" else _objects)(listed)
    whole = [thing for thing in objects if thing.level == 0]
    findings = (
        []
        if len(whole) == len(objects)
        else [where.finding("unread", f"{len(objects) - len(whole)} parts of objects")]
    )
    names = list(dict.fromkeys(thing.name for thing in whole))
    number = {name: str(number) for number, name in enumerate(names)}
    numbered = [thing._replace(name=number[thing.name]) for thing in whole]
    return Entry(
        written,
        where,
        (*names, None),
        _lay_out(mask, listed, numbered) if whole else None,
        image,
        files.mask_size(mask),
        split,
        len(names),
        findings,
    )


class _Object(NamedTuple):
    """An object in a mask.

    Args:
        number: Its number in the mask, or that of its class.
        level: 0 for an object, 1 for a part, 2 for a part of a part.
        name: The class.
    """

    number: int
    level: int
    name: str


def _objects_of_2017(path: Path) -> list[_Object]:
    """Read NAME_atr.txt: number # level # occluded # synset # name # "attributes"."""
    lines = [line.split("#") for line in files.read_lines(path) if line.strip()]
    short = next((line for line in lines if len(line) != 6), None)
    if short:
        raise DataError(
            f"expected 6 columns between '#', but got {'#'.join(short)!r:.60}", path=path
        )
    return [_Object(int(line[0]), int(line[1]), line[4].strip()) for line in lines]


def _objects(path: Path) -> list[_Object]:
    """Read NAME.json; a class that goes by several names takes the first."""
    tree = json.loads(path.read_text(encoding="latin-1"))
    names: dict[tuple[int, int], _Object] = {}
    for thing in tree["annotation"]["object"]:
        number, level = int(thing["name_ndx"]), int(thing["parts"]["part_level"])
        names.setdefault((number, level), _Object(number, level, str(thing["raw_name"])))
    return list(names.values())


def _lay_out(mask: Path, listed: Path, objects: Sequence[_Object]) -> LayOut:
    def lay_out(folder: Path) -> Any:
        stem = folder / "one" / "1"
        files.write(stem.with_suffix(".jpg"), "")
        files.copy_mask(mask, stem.with_name("1_seg.png"))
        if listed.suffix == ".txt":
            lines = (f'{thing.number} # 0 # 0 # # {thing.name} # ""\n' for thing in objects)
            files.write(stem.with_name("1_atr.txt"), "".join(lines))
            return plugin("ade20k2017", "Ade20k2017Base")(str(folder))
        tree = {"annotation": {"object": [_as_json(thing) for thing in objects]}}
        files.write(stem.with_suffix(".json"), json.dumps(tree))
        return files.without_numbers(plugin("ade20k2020", "Ade20k2020Base")(str(folder)))

    return lay_out


def _as_json(thing: _Object) -> dict[str, Any]:
    """Write an object with all fields that datumaro asks for."""
    return {
        "id": thing.number,
        "name_ndx": thing.number,
        "raw_name": thing.name,
        "parts": {"part_level": 0},
        "polygon": {"x": [], "y": []},
        "attributes": [],
        "crop": 0,
        "occluded": "no",
        "instance_mask": "",
    }
