"""CamVid: lists of images and their masks, whose colours or numbers are classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from weakseg.formats.class_tables import (
    CAMVID,
    CAMVID_11,
    LABEL_COLOURS,
    ClassTable,
    read_label_colours,
)
from weakseg.formats.label_regions import coloured_regions, known_regions
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import is_image, map_size, opened
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks, Region
from weakseg.marks.pixel_runs import read_values
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import existing, files_of, head, holds_file, read_entries

_PATHS = re.compile(r'"[^"]*"|[^\s"]+')
_NUMBER_MODES = {"1", "L", "I", "I;16"}
_VOID = frozenset({"void", "Void", "VOID"})


def _is_list(path: Path) -> bool:
    lines = [_PATHS.findall(line) for line in head(path).splitlines()]
    pairs = (line for line in lines if len(line) == 2)
    return path.name != LABEL_COLOURS and any(
        all(is_image(Path(written.strip('"'))) for written in pair) for pair in pairs
    )


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    for file in files_of(path, ["*.txt"], _is_list):
        if not _is_list(file):
            raise DataError("expected lines with an image and its mask", path=file)
        table = read_label_colours(file.parent, _VOID, black_first=True)
        (table or CAMVID).ids(classes, file)
        for entry, line in read_entries(file):
            yield _read_line(line, entry, table, classes, options)


def _read_line(
    line: str,
    entry: Entry,
    table: ClassTable | None,
    classes: ClassFinder,
    options: SourceOptions,
) -> Annotated:
    parts = [part.strip('"') for part in _PATHS.findall(line)]
    if line.count('"') % 2 or not 1 <= len(parts) <= 2:
        raise entry.expected("an image and its mask", line)
    file = entry.path or Path()
    inside = _below(file.parent, parts[0])
    picture = inside or find_picture(parts[0], file, options)
    folders = (inside.relative_to(file.parent) if inside else Path(parts[0])).parts
    name = read_name("/".join(folders[1:] or folders), entry)
    read = Annotated(name, Marks(), picture, None, file, entry.name, file.stem)
    if len(parts) == 1:
        return replace(read, findings=(Finding("empty", "names no mask", file, entry.name),))
    mask = _below(file.parent, parts[1])
    if mask is None:
        raise entry.error(f"there is no mask {parts[1]!r}")
    regions, findings = _read_mask(mask, table, classes)
    return replace(read, marks=Marks(regions=regions), size=map_size(mask), findings=findings)


def _below(root: Path, written: str) -> Path | None:
    """Find a file by a path that may begin with folders of the computer it was written on."""
    parts = [part for part in Path(written.replace("\\", "/")).parts if part not in {"/", ".."}]
    candidates = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next(filter(None, map(existing, candidates)), None)


def _read_mask(
    mask: Path, table: ClassTable | None, classes: ClassFinder
) -> tuple[tuple[Region, ...], tuple[Finding, ...]]:
    with opened(mask, what="mask") as header:
        holds_numbers = header.mode in _NUMBER_MODES
    known = table or (CAMVID_11 if holds_numbers else CAMVID)
    ids = known.ids(classes, mask)
    if not holds_numbers:
        return coloured_regions(mask, known.palette(), known.ids_by_colour(ids), "mask"), ()
    expected = f"the {len(ids)} classes of " + (
        LABEL_COLOURS if table else f"SegNet's CamVid, as there is no {LABEL_COLOURS}"
    )
    regions = known_regions(read_values(mask), dict(enumerate(ids)), "mask", expected, mask)
    if table:
        return regions, ()
    message = f"the mask holds numbers; taken as {expected}"
    return regions, (Finding("unsure", message, mask),)


CAMVID_LISTS = Format(
    "camvid",
    "CamVid: lists of images with their masks",
    lambda path: holds_file(path, ["*.txt"], _is_list),
    _read,
)
