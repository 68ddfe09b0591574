"""makesense.ai: boxes, points, lines or tags as csv without a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_of, holds_file

_PATTERNS = ("*.csv",)
_LOOKED_INTO = 5  # rows by which a file is recognised
# Columns behind a label: numbers, the image's name, its width and height.
_BOX, _POINT, _TAGS = 8, 6, 2


@dataclass(frozen=True)
class _Row:
    """A row: label, numbers, image with its size, and where it stands."""

    label: str
    numbers: Sequence[str]
    image: str
    size: Sequence[str]
    entry: Entry

    def fits_as_box(self) -> bool:
        """Whether the numbers can be a corner, width and height in the image."""
        try:
            x, y, width, height = map(float, self.numbers)
            columns, rows = map(float, self.size)
        except ValueError:
            return True
        return x + width <= columns + 1 and y + height <= rows + 1 and min(width, height) >= 0


def _fields(path: Path) -> Iterator[tuple[Entry, list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for line in reader:
                if any(map(str.strip, line)):
                    yield Entry(path, f"line {reader.line_num}"), [value.strip() for value in line]
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not readable as csv ({error})", path=path) from error


def _is_row(fields: Sequence[str]) -> bool:
    if len(fields) == _TAGS:
        return _is_image(fields[0]) and fields[1].startswith("[") and fields[1].endswith("]")
    if len(fields) < _POINT:
        return False
    numbers = [*fields[1:-3], *fields[-2:]]
    return len(fields) in (_BOX, _POINT) and _is_image(fields[-3]) and all(map(_is_number, numbers))


def _is_image(text: str) -> bool:
    return text.lower().endswith(IMAGE_SUFFIXES)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()


def _is_makesense(path: Path) -> bool:
    rows = [fields for _, fields in islice(_fields(path), _LOOKED_INTO)]
    return bool(rows) and all(map(_is_row, rows)) and len({len(row) for row in rows}) == 1


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the boxes, points, lines or tags of a file, or of all those in a folder.

    makesense.ai writes boxes and lines alike, as four numbers: where some cannot be boxes in their
    image, all are lines, which is noted. Rows that are damaged are left out and noted.

    Raises:
        DataError: The file cannot be read, or holds no row.
    """
    for file in files_of(path, _PATTERNS, _is_makesense):
        yield from _read_file(file, classes, options)


MAKESENSE = Format(
    "makesense",
    "makesense.ai: boxes, points, lines or tags as csv",
    lambda path: holds_file(path, _PATTERNS, _is_makesense),
    _read,
)


def _read_file(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    images: dict[str, Collector] = {}
    sizes: dict[str, Size | None] = {}
    rows, findings = _rows(path)
    if not rows:
        raise DataError("expected marks of images, but the file holds none", path=path)
    boxed = [row for row in rows if len(row.numbers) == _BOX - 4]
    lines = not all(row.fits_as_box() for row in boxed)
    for row in rows:
        place = Entry(path, f"image {row.image!r:.60}")
        collector = images.setdefault(row.image, Collector(place))
        with collector.one_mark():
            if row.size and row.image not in sizes:
                sizes[row.image] = stated_size(row.size[1], row.size[0], row.entry)
        if not row.numbers:
            _read_tags(row, collector, classes)
        else:
            _read_mark(row, collector, classes, lines=lines)
    for written, collector in images.items():
        if lines:
            message = "some rows cannot be boxes in their image; all are read as lines"
            collector.note("unsure", message, Entry(path))
        name = read_name(written, collector.entry)
        picture = find_picture(written, path, options)
        item = collector.annotated(name, picture, sizes.get(written))
        yield replace(item, findings=findings + item.findings)
        findings = ()


def _rows(path: Path) -> tuple[list[_Row], tuple[Finding, ...]]:
    """Read the rows that can be read, and note the others."""
    rows: list[_Row] = []
    findings: list[Finding] = []
    for entry, fields in _fields(path):
        if len(fields) == _TAGS:
            rows.append(_Row(fields[1].strip("[]"), (), fields[0], (), entry))
        elif len(fields) in (_POINT, _BOX):
            rows.append(_Row(fields[0], fields[1:-3], fields[-3], fields[-2:], entry))
        else:
            message = (
                "expected a label, 2 or 4 numbers, the image's name, width and height, but got "
                f"{len(fields)} columns; left out"
            )
            findings.append(Finding("damaged", message, entry.path, entry.name))
    return rows, tuple(findings)


def _read_tags(row: _Row, collector: Collector, classes: ClassFinder) -> None:
    for name in row.label.split(","):
        class_id = collector.class_of(name, classes, row.entry)
        if class_id is not None:
            collector.tag(class_id)


def _read_mark(row: _Row, collector: Collector, classes: ClassFinder, *, lines: bool) -> None:
    class_id = collector.class_of(row.label, classes, row.entry)
    if class_id is None:
        return
    with collector.one_mark():
        numbers = [row.entry.number(number, "a coordinate") for number in row.numbers]
        if len(numbers) == 2:
            collector.point(class_id, (numbers[0], numbers[1]), row.entry)
            return
        x, y, *ends = numbers
        if lines:
            collector.stroke(class_id, [(x, y), (ends[0], ends[1])], row.entry)
        else:
            collector.rectangle(class_id, (x, y), (ends[0], ends[1]), row.entry)
