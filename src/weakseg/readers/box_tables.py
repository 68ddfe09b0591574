"""Tables of boxes that other tools write, whose columns are told by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding, left_out
from weakseg.marks.image_facts import NO_FACTS, fact_columns, plain_columns, read_facts
from weakseg.marks.tables import first_header, is_fractional, read_table, refuse_fractions
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, split_in_name, split_of

_PATTERNS = ("*.csv", "*/*.csv", "*.tsv", "*/*.tsv")
_OPEN_IMAGES = "-annotations-"
_DIGITS = 2  # of a place in pixels, where fractions are written

# Names of each column, the most telling first, in lower case and with _ for spaces and dashes.
_IMAGE = (
    *("filename", "file_name", "image_name", "image_path", "image", "path", "img", "file"),
    *("image_id", "imageid", "frame"),
)
_CLASS = (
    *("class", "class_name", "label", "label_name", "category", "category_name", "name"),
    *("classname", "object", "species", "class_id", "category_id", "label_id"),
)
_EDGES = {
    "left": ("xmin", "x_min", "x1", "left", "xtl", "bbox_xmin", "bbox_x1"),
    "top": ("ymin", "y_min", "y1", "top", "ytl", "bbox_ymin", "bbox_y1"),
    "right": ("xmax", "x_max", "x2", "right", "xbr", "bbox_xmax", "bbox_x2"),
    "bottom": ("ymax", "y_max", "y2", "bottom", "ybr", "bbox_ymax", "bbox_y2"),
}
_SIDES = {
    "left": (*_EDGES["left"], "x", "bbox_x", "x_left"),
    "top": (*_EDGES["top"], "y", "bbox_y", "y_top"),
    "width": ("bbox_width", "box_width", "bbox_w", "w", "width"),
    "height": ("bbox_height", "box_height", "bbox_h", "h", "height"),
}
_ROTATION = ("rotation", "angle", "theta", "rotate", "degrees", "orientation")


@dataclass(frozen=True)
class BoxColumns:
    """Columns of a table, by what they hold; those that are missing are not there.

    Args:
        image: Column of the image's name.
        label: Column of the class.
        numbers: Columns of left, top, and right and bottom or width and height.
        sized: The last two are width and height.
    """

    image: str
    label: str
    numbers: Sequence[str]
    sized: bool

    @property
    def has_numbers(self) -> bool:
        """Whether there is any column of a box."""
        return any(self.numbers)

    @property
    def missing(self) -> list[str]:
        """What is missing, with the names that a column of it may have."""
        names = {"the image": (self.image, _IMAGE), "the class": (self.label, _CLASS)}
        kinds = _SIDES if self.sized else _EDGES
        pairs = zip(kinds, self.numbers, strict=True)
        names |= {kind: (found, kinds[kind]) for kind, found in pairs}
        return [
            f"{what} ({', '.join(known[:4])}, …)"
            for what, (found, known) in names.items()
            if not found
        ]


def box_columns(header: Sequence[str]) -> BoxColumns:
    """Find the columns of a table of boxes by their names."""
    plain = plain_columns(header)

    def find(names: Sequence[str]) -> str:
        return next((plain[name] for name in names if name in plain), "")

    edges, sides = ([find(names) for names in kinds.values()] for kinds in (_EDGES, _SIDES))
    sized = not all(edges) and sum(map(bool, sides)) > sum(map(bool, edges))
    return BoxColumns(find(_IMAGE), find(_CLASS), sides if sized else edges, sized)


def _is_table(path: Path) -> bool:
    columns = box_columns(first_header(path))
    found = sum(map(bool, columns.numbers))
    return bool(columns.image) and found >= 3 and _OPEN_IMAGES not in path.name


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the boxes of a table, or of all those in a folder and its folders of splits.

    A box has its edges in four columns, or its corner and size. Numbers are pixels, or fractions
    of the image's size where in most rows none is larger than 1. Rows that are damaged, and
    fractions among pixels, are left out and noted. Columns may state the image's size and its
    split; several files may name their split, as train_labels.csv does.

    Raises:
        DataError: The table cannot be read, lacks a column, or holds no row.
    """
    files = chosen_files(path, _PATTERNS, _is_table, options)
    for file in files:
        split = split_of([file.parent.name]) or (split_in_name(file) if files[1:] else None)
        yield from _read_file(file, split, classes, options)


BOX_TABLES = Format(
    "box-tables",
    "boxes as csv by other tools, whose columns are told by their names",
    lambda path: holds_file(path, _PATTERNS, _is_table),
    _read,
)


_Rows = Sequence[tuple[Entry, dict[str, str]]]


def _read_file(
    path: Path, split: str | None, classes: ClassFinder, options: SourceOptions
) -> Iterator[Annotated]:
    """Read a table, whose images are of a split where its rows state no other."""
    header = first_header(path)
    columns = box_columns(header)
    if columns.missing:
        raise Entry(path, "line 1").error(
            f"expected columns of the image, the class and a box, but there is none of "
            f"{'; '.join(columns.missing)}; the header is {','.join(header):.200}"
        )
    bad: list[DataError] = []
    rows = list(read_table(path, (columns.image,), bad.append))
    if not rows:
        raise bad[0] if bad else Entry(path).error("expected marks of images, but there are none")
    findings = tuple(map(left_out, bad)) + _unused(header, columns, rows)
    are_fractions = _are_fractions([row[name] for name in columns.numbers] for _, row in rows)
    facts = read_facts(rows, columns.image, _facts_of(header, columns, rows))
    images: dict[str, list[tuple[Entry, dict[str, str]]]] = {}
    for entry, row in rows:
        images.setdefault(row[columns.image], []).append((entry, row))
    for written, of_image in images.items():
        collector = Collector(Entry(path, f"image {written!r:.60}"))
        picture, stated = find_picture(written, path, options), facts.get(written, NO_FACTS)
        size = collector.fraction_size(picture) if are_fractions else None
        alone = len(of_image) == 1
        for entry, row in of_image if size or not are_fractions else ():
            _read_row(row, columns, size, collector, classes, entry, alone=alone)
        name = read_name(written, collector.entry)
        item = collector.annotated(
            name, picture, None if are_fractions else stated.size, stated.split or split
        )
        notes = findings + stated.findings + item.findings
        yield replace(item, findings=notes, is_listed=stated.split is not None)
        findings = ()


def _unused(header: Sequence[str], columns: BoxColumns, rows: _Rows) -> tuple[Finding, ...]:
    """Return findings about columns with values that are not read, first that of a rotation."""
    facts = fact_columns(header, (columns.image, columns.label, *columns.numbers))
    read = {columns.image, columns.label, *columns.numbers, *facts.values()}
    filled = [name for name in header if name not in read and any(row[name] for _, row in rows)]
    plain = plain_columns(filled)
    rotation = next((plain[name] for name in _ROTATION if name in plain), "")
    entry = next((entry for entry, row in rows if row.get(rotation, "").strip("0.") != ""), None)
    found = []
    if entry is not None:
        message = (
            f"boxes are rotated by the column {rotation!r}, and are read as if they were not: "
            "export in a format of the tool's own, or write the boxes around the rotated ones"
        )
        found.append(Finding("unsure", message, entry.path, entry.name))
        filled.remove(rotation)
    if filled:
        message = f"weakseg does not use the columns {', '.join(filled):.200}"
        found.append(Finding("unread", message, rows[0][0].path))
    return tuple(found)


def _facts_of(header: Sequence[str], columns: BoxColumns, rows: _Rows) -> dict[str, str]:
    """Return the columns of the images' sizes and splits, of which boxes' own sides are none."""
    found = fact_columns(header, (columns.image, columns.label, *columns.numbers))
    sides = [found.get("width"), found.get("height")]
    if all(sides) and not columns.sized and all(_spans(row, columns, sides) for _, row in rows):
        return {what: name for what, name in found.items() if name not in sides}
    return found


def _spans(row: Mapping[str, str], columns: BoxColumns, sides: Sequence[str | None]) -> bool:
    """Whether the stated width and height are those of the row's box."""
    try:
        left, top, right, bottom = (float(row[name]) for name in columns.numbers)
        width, height = (float(row[name or ""]) for name in sides)
    except ValueError:  # of a row without a box
        return True
    return abs(right - left - width) <= 1 and abs(bottom - top - height) <= 1


def _are_fractions(boxes: Iterable[Sequence[str]]) -> bool:
    """Whether the numbers of boxes are fractions of the image's size.

    Most decide, as one wrong number must not change the scale of all others; 0, 0, 1, 1 may be
    either.
    """
    fractions = pixels = 0
    for box in boxes:
        with suppress(ValueError):  # of a row without a box, or with a damaged one
            numbers = list(map(float, box))
            pixels += any(abs(number) > 1 for number in numbers)
            fractions += is_fractional(numbers)
    return not pixels or fractions >= pixels


def _read_row(
    row: Mapping[str, str],
    columns: BoxColumns,
    size: Size | None,
    collector: Collector,
    classes: ClassFinder,
    entry: Entry,
    *,
    alone: bool,
) -> None:
    """Read a row; `alone` is whether it is the only one of its image."""
    written = [row[name] for name in columns.numbers]
    if not any(written):
        if row[columns.label] or not alone:  # else an image without a box
            collector.note("empty", "a row without a box; left out", entry)
        return
    class_id = collector.class_of(row[columns.label], classes, entry)
    if class_id is None:
        return
    with collector.one_mark():
        numbers = [
            entry.number(text, name) for text, name in zip(written, columns.numbers, strict=True)
        ]
        if size is None:
            refuse_fractions(numbers, entry)
            if max(numbers) <= 1:
                message = "a box from 0 to 1 is read as one pixel, for other rows are in pixels"
                collector.note("unsure", message, entry)
        down, across = size or (1, 1)
        left, top, *ends = (
            round(number * side, _DIGITS)
            for number, side in zip(numbers, (across, down, across, down), strict=True)
        )
        width, height = ends if columns.sized else (ends[0] - left, ends[1] - top)
        collector.rectangle(class_id, (left, top), (width, height), entry)
