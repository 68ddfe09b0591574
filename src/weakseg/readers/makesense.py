"""makesense.ai: boxes, points, lines or tags as csv without a header, tags as JSON."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, stated_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.marks.tables import csv_lines, split_names
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file
from weakseg.support.json_files import first_keys, read_json
from weakseg.support.wording import counted

_PATTERNS = ("*.csv", "*.json")
_LOOKED_INTO = 5  # rows by which a file is recognised
_BOX, _POINT = 4, 2  # numbers between the label and the image's name
_COUNTS = (_BOX, _POINT)
_DAMAGED = 0.1  # fraction of rows of boxes that may not fit their image
_CLEAR = (8, 6)  # columns, with the label, the image's name, width and height; no commas in them
_TAG_ROW = re.compile(r"(.+?),\s*\[(.*)\]\s*", re.DOTALL)


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

    def fits_as_line(self) -> bool:
        """Whether the numbers can be two places in the image."""
        try:
            numbers = [*map(float, self.numbers)]
            columns, rows = map(float, self.size)
        except ValueError:
            return False
        return all(-1 <= x <= columns + 1 for x in numbers[::2]) and all(
            -1 <= y <= rows + 1 for y in numbers[1::2]
        )


def _row(fields: Sequence[str], entry: Entry, counts: Collection[int] = _COUNTS) -> _Row | None:
    """Split a row; labels and names may hold commas, which the tool does not quote.

    Args:
        fields: The row, separated at all of its commas.
        entry: Where it stands.
        counts: How many numbers may stand between label and name.

    Returns:
        The row, or None where it can be split in no way, or in several.
    """
    tags = _TAG_ROW.fullmatch(",".join(fields))
    if tags and _is_image(tags[1]):
        return _Row(tags[2], (), tags[1].strip(), (), entry)
    *inner, width, height = map(str.strip, fields) if len(fields) > 2 else ("", "", "")
    if not (_is_number(width) and _is_number(height)):
        return None
    # A label may be a number, but no run of numbers goes on before or behind the mark's own.
    starts = [at for at in range(1, len(inner)) if at == 1 or not _is_number(inner[at - 1])]
    found = []
    for start in starts:
        end = next((at for at in range(start, len(inner)) if not _is_number(inner[at])), len(inner))
        name = ",".join(fields[end:-2]).strip()
        if end - start in counts and _is_image(name):
            label = ",".join(fields[:start]).strip()
            found.append(_Row(label, inner[start:end], name, (width, height), entry))
    return found[0] if len(found) == 1 else None


def _is_image(text: str) -> bool:
    return text.strip().lower().endswith(IMAGE_SUFFIXES)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()


def _is_makesense(path: Path) -> bool:
    if path.suffix.lower() == ".json":
        is_list, keys = first_keys(path)
        return is_list and keys == {"image", "annotations"}
    lines = csv_lines(path, skip_space=False)
    rows = [_row(fields, entry) for entry, fields in islice(lines, _LOOKED_INTO)]
    return None not in rows and len({len(row.numbers) for row in rows if row}) == 1


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the boxes, points, lines or tags of a file, or of all those in a folder.

    makesense.ai writes boxes and lines alike, as four numbers: where more than a tenth can be lines
    in their image but no boxes, all are lines, which is noted. Rows that are damaged are left out
    and noted.

    Raises:
        DataError: The file cannot be read, or holds no row.
    """
    for file in chosen_files(path, _PATTERNS, _is_makesense, options):
        is_json = file.suffix.lower() == ".json"
        yield from (_read_json if is_json else _read_file)(file, classes, options)


MAKESENSE = Format(
    "makesense",
    "makesense.ai: boxes, points, lines or tags as csv, tags as JSON",
    lambda path: holds_file(path, _PATTERNS, _is_makesense),
    _read,
)


def _read_file(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    images: dict[str, Collector] = {}
    sizes: dict[str, Size | None] = {}
    rows, findings = _rows(path)
    if not rows:
        raise DataError("expected marks of images, but the file holds none", path=path)
    boxed = [row for row in rows if len(row.numbers) == _BOX]
    no_boxes = [row for row in boxed if not row.fits_as_box()]
    lines = _are_lines(no_boxes, len(boxed))
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
        if no_boxes:
            count = counted(len(no_boxes), "row") + f" of {len(boxed)}"
            kind = "lines" if lines else "boxes"
            message = f"{count} cannot be boxes in their image; all are read as {kind}"
            collector.note("unsure", f"{message}, the first", no_boxes[0].entry)
            no_boxes = []
        name = read_name(written, collector.entry)
        picture = find_picture(written, path, options)
        item = collector.annotated(name, picture, sizes.get(written))
        yield replace(item, findings=findings + item.findings)
        findings = ()


def _are_lines(no_boxes: Sequence[_Row], count: int) -> bool:
    """Whether rows of four numbers are lines: more can be nothing else than one in ten.

    Args:
        no_boxes: The rows that cannot be boxes; those that cannot be lines either are damaged.
        count: How many rows of four numbers there are.
    """
    return sum(row.fits_as_line() for row in no_boxes) > _DAMAGED * count


def _rows(path: Path) -> tuple[list[_Row], tuple[Finding, ...]]:
    """Read the rows that can be read, and note the others."""
    lines = list(csv_lines(path, skip_space=False))
    clear = [(_row(fields, entry), len(fields)) for entry, fields in lines]
    # In a row of 8 columns, 2 numbers behind a damaged one are no point of a label with commas.
    counts = {len(row.numbers) for row, columns in clear if row and columns == len(row.numbers) + 4}
    counts = (counts & set(_COUNTS)) or set(_COUNTS)
    rows: list[_Row] = []
    findings: list[Finding] = []
    for entry, fields in lines:
        row = _row(fields, entry, counts) or _damaged_row(fields, entry)
        if row is not None:
            rows.append(row)
        else:
            findings.append(Finding("damaged", _fault(fields), entry.path, entry.name))
    return rows, tuple(findings)


def _damaged_row(fields: Sequence[str], entry: Entry) -> _Row | None:
    """Split a row at the places where a row without further commas has its columns."""
    if len(fields) not in _CLEAR or not _is_image(fields[-3]):
        return None
    label, *numbers, name, width, height = map(str.strip, fields)
    return _Row(label, numbers, name, (width, height), entry)


def _fault(fields: Sequence[str]) -> str:
    return (
        "expected a label, 2 or 4 numbers, the image's name, width and height, but got "
        f"{len(fields)} columns that can be read so in no way, or in several (put label and name "
        "into quotes where they hold commas); left out"
    )


def _read_json(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the tags of images."""
    file = Entry(path)
    for number, value in enumerate(file.list(read_json(path), "the file"), 1):
        entry = file.part(f"item {number}")
        item = entry.object(value, "an image")
        written = entry.text(item.get("image"), "'image'")
        collector = Collector(entry)
        for name in entry.list(item.get("annotations"), "'annotations'"):
            class_id = collector.class_of(name, classes, entry)
            if class_id is not None:
                collector.tag(class_id)
        picture = find_picture(written, path, options)
        yield collector.annotated(read_name(written, entry), picture)


def _read_tags(row: _Row, collector: Collector, classes: ClassFinder) -> None:
    names = list(split_names(row.label, getattr(classes, "names", ())))
    if any(f", {name}" in row.label for name in names):
        message = (
            "a comma before a space is taken to separate two tags; where it belongs to a name, "
            "export the tags as JSON, or list the classes with --classes FILE"
        )
        collector.note("unsure", message, Entry(row.entry.path))
    for name in names:
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
