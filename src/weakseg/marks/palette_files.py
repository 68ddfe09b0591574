"""Files that list the classes of the colours in a colour-coded mask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weakseg.marks.classes import ClassFinder
from weakseg.marks.label_values import MAX_CLASSES, UNLABELLED
from weakseg.marks.palette import class_palette
from weakseg.marks.pixel_runs import code_colour
from weakseg.marks.tables import read_table
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import read_entries
from weakseg.support.json_files import read_json

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Palette = dict[Colour, str]
"""Names of classes by colour."""

Entries = Iterator[tuple[Entry, Any, Any]]  # where in the file, name, colour

_UNLABELLED_NAMES = {"unlabelled", "unlabeled"}
_LABELMAP_LINE = re.compile(r"(?P<name>.+):(?P<colour>[^:]*):[^:]*:[^:]*")
_GIMP_LINE = re.compile(r"(?P<colour>\d+\s+\d+\s+\d+)(?P<name>.*)")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def read_palette(path: Path) -> Palette:
    """Read the classes of colours.

    Args:
        path: One of four kinds of file: csv with the columns name, r, g and b in any order; JSON
            that maps names to [r, g, b] or "#rrggbb", or a list of objects with name and color;
            labelmap.txt of CVAT (name:r,g,b:parts:actions), where no line has a colour those of
            PASCAL VOC in their order, as Datumaro takes them; a palette of GIMP (.gpl).

    Returns:
        Names by colour, in the file's order. Several colours may have one name.

    Raises:
        DataError: The file cannot be read, a colour is none, or one colour has two names.
    """
    palette: Palette = {}
    for entry, name, written in _entries(path):
        if not isinstance(name, str) or not name.strip():
            raise entry.expected("a name beside the colour", name)
        colour = _colour(written, entry)
        if palette.setdefault(colour, name.strip()) != name.strip():
            raise entry.error(
                f"colour {colour} has two names, {palette[colour]!r} and {name.strip()!r}"
            )
    if not palette:
        raise DataError("expected names and colours of classes, but found none", path=path)
    return palette


def palette_ids(palette: Palette, classes: ClassFinder, path: Path) -> dict[Colour, int]:
    """Look up the classes of a palette, in its order.

    Args:
        palette: Names by colour; one named "unlabelled" is of no class.
        classes: The classes.
        path: The palette's file, for messages.

    Returns:
        Class ids by colour, `UNLABELLED` among them.

    Raises:
        DataError: A name is of no class.
    """
    return {
        colour: UNLABELLED
        if name.lower() in _UNLABELLED_NAMES
        else classes.find(name, Entry(path, repr(name)))
        for colour, name in palette.items()
    }


def _entries(path: Path) -> Entries:
    if path.suffix.lower() == ".json":
        return _json_entries(path)
    lines = [(entry, line) for entry, line in read_entries(path) if not line.startswith("#")]
    first = lines[0][1] if lines else ""
    if first.startswith(("{", "[")):
        return _json_entries(path)
    if first == "GIMP Palette":
        colours = [item for item in lines[1:] if not re.match(r"(Name|Columns|Channels):", item[1])]
        return _line_entries(colours, _GIMP_LINE, "red, green, blue and a name")
    if _LABELMAP_LINE.fullmatch(first):
        return _with_colours(_line_entries(lines, _LABELMAP_LINE, "name:r,g,b:parts:actions"))
    return _csv_entries(path)


def _csv_entries(path: Path) -> Entries:
    for entry, row in read_table(path, ("name", "r", "g", "b")):
        yield entry, row["name"], [row["r"], row["g"], row["b"]]


def _json_entries(path: Path) -> Entries:
    tree = read_json(path)
    if isinstance(tree, dict):
        for name, colour in tree.items():
            yield Entry(path, repr(name)), name, colour
        return
    if not isinstance(tree, list):
        raise Entry(path).error(
            "expected an object of colours by name, or a list of objects with name and color"
        )
    for number, item in enumerate(tree, 1):
        entry = Entry(path, f"item {number}")
        if not isinstance(item, dict):
            raise entry.expected("an object with name and color", item)
        yield entry, item.get("name"), item.get("color", item.get("colour"))


def _line_entries(lines: list[tuple[Entry, str]], form: re.Pattern[str], meaning: str) -> Entries:
    for entry, line in lines:
        match = form.fullmatch(line)
        if match is None:
            raise entry.expected(meaning, line)
        yield entry, match["name"], re.split(r"[\s,]+", match["colour"].strip())


def _with_colours(entries: Entries) -> Entries:
    """Take the colours of PASCAL VOC where no class has one, as Datumaro does."""
    listed = list(entries)
    has_none = not any(any(colour) for _, _, colour in listed)
    for number, (entry, name, colour) in enumerate(listed):
        if has_none and number < MAX_CLASSES:
            yield entry, name, class_palette()[number].tolist()
        elif any(colour):
            yield entry, name, colour
        else:
            raise entry.error(
                f"class {name!r} has no colour while others have: name them all, or take them all "
                "away for the colours of PASCAL VOC in the order of the lines"
            )


def _colour(written: Any, entry: Entry) -> Colour:
    if isinstance(written, str) and _HEX.fullmatch(written.strip()):
        return code_colour(int(written.strip()[1:], 16))
    parts = written if isinstance(written, list) else []
    values = [int(text) for text in map(str, parts) if re.fullmatch(r"[0-9]{1,3}", text.strip())]
    if len(values) != len(parts) or len(values) != 3 or max(values) > 255:
        raise entry.expected("red, green and blue from 0 to 255, or #rrggbb", written)
    return values[0], values[1], values[2]
