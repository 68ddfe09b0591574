"""Open Images, from version 4 on."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.png_masks import painted
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import is_image, opened, read_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Canvas, Size
from weakseg.marks.kinds import Marks
from weakseg.marks.tables import read_table
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import existing, files_below, read_entries, read_lines
from weakseg.support.wording import counted

# Kinds of tables by what their names hold, and the columns that must be there.
_TABLES = {
    "-annotations-human-imagelabels": ("ImageID", "LabelName", "Confidence"),
    "-annotations-bbox": ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax"),
    "-annotations-object-segmentation": ("ImageID", "LabelName", "MaskPath"),
}
_LABELS, _BOXES, _MASKS = _TABLES
_EDGES = ("XMin", "YMin", "XMax", "YMax")
_SIZES = "images.meta"
_NEAR = 1e-6  # by which a mask's box, written with six digits, may miss the box of its object
_DIGITS = 2  # of a place in pixels; fractions are written with six


@dataclass(frozen=True)
class _Row:
    """A row of a table, and where it stands."""

    values: dict[str, str]
    entry: Entry

    def fractions(self, columns: Sequence[str]) -> list[float]:
        """Read numbers."""
        return [self.entry.number(self.values[column], column) for column in columns]


@dataclass
class _Image:
    """The rows of an image.

    Args:
        table: The first table that names it.
        split: Name of the split.
        rows: Rows by the kind of table.
    """

    table: Path
    split: str
    rows: dict[str, list[_Row]] = field(default_factory=lambda: {kind: [] for kind in _TABLES})


def _recognises(path: Path) -> bool:
    """Check whether this is a folder with tables that are named as in Open Images."""
    return path.is_dir() and bool(_tables(path))


def _tables(root: Path) -> dict[Path, str]:
    """List the tables and their kinds."""
    inside = files_below(root, "*.csv", "annotations/*.csv")
    return {file: kind for file in inside for kind in _TABLES if kind in file.name}


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the images that tables name, then the other images that are there.

    Classes that people found in an image become its tags. Boxes are fractions of the image's size
    and numbered by their order; masks, which are enlarged to the image, have the number of their
    box.

    Raises:
        DataError: A table or mask is damaged, or there is none.
    """
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    tables = _tables(path)
    if not tables:
        raise Entry(path).error(f"expected tables {', '.join(f'*{kind}.csv' for kind in _TABLES)}")
    images = _images(tables)
    folder = next(iter(tables)).parent
    class_ids = _class_ids(images, folder, classes)
    sizes = _sizes(folder)
    for name, image in images.items():
        yield _read_image(name, image, class_ids, sizes.get(name), path, options)
    for picture in files_below(path / "images"):
        parts = picture.relative_to(path / "images").with_suffix("").parts
        name = "/".join(parts[1:]) or parts[0]
        if is_image(picture) and name not in images:
            split = parts[0] if len(parts) > 1 else None
            name = read_name(name, Entry(picture))
            yield Annotated(name, Marks(), picture, None, picture, None, split)


OPEN_IMAGES = Format(
    "open-images", "Open Images: csv files of labels, boxes and masks", _recognises, _read
)


def _images(tables: Mapping[Path, str]) -> dict[str, _Image]:
    images: dict[str, _Image] = {}
    for table, kind in tables.items():
        for entry, values in read_table(table, _TABLES[kind]):
            image = images.setdefault(values["ImageID"], _Image(table, _split(table)))
            image.rows[kind].append(_Row(values, entry))
    return images


def _split(table: Path) -> str:
    first, second, *_ = table.name.split("-")
    return second if first.startswith("oidv") else first


def _class_ids(images: Mapping[str, _Image], folder: Path, classes: ClassFinder) -> dict[str, int]:
    """Find the ids of the classes in use, by their code, in the order of their descriptions."""
    rows = (row for image in images.values() for rows in image.rows.values() for row in rows)
    used = {row.values["LabelName"]: row for row in rows}
    described = _described(folder)
    # Thousands of classes may be described, most of them of no use here.
    names = {code: name for code, name in described.items() if code in used}
    names |= {code: code for code in sorted(used.keys() - names.keys())}
    return {code: classes.find(name, used[code].entry) for code, name in names.items()}


def _described(folder: Path) -> dict[str, str]:
    """Read the names of classes by their code; only later versions have a header."""
    names: dict[str, str] = {}
    for file in files_below(folder, "*class-descriptions*.csv"):
        try:
            rows = [row for row in csv.reader(read_lines(file), strict=True) if row]
        except csv.Error as error:
            raise DataError(f"is not readable as csv ({error})", path=file) from error
        pairs = {row[0]: row[1].strip() or row[0] for row in rows if len(row) > 1}
        names |= {code: name for code, name in pairs.items() if code != "LabelName"}
    return names


def _sizes(folder: Path) -> dict[str, Size]:
    """Read the sizes of images, which Datumaro writes beside the tables: name, height, width."""
    path = folder / _SIZES
    sizes: dict[str, Size] = {}
    for entry, line in read_entries(path) if path.is_file() else ():
        try:
            values = shlex.split(line, comments=True)
        except ValueError as error:
            raise entry.error(f"is not readable ({error})") from error
        if values:
            name, *size = values
            if len(size) < 2:
                raise entry.expected("a name, height and width", line)
            height, width = (entry.integer(value, "size") for value in size[:2])
            if min(height, width) > 0:  # else nobody knows
                sizes[name] = read_size(height, width, entry)
    return sizes


def _read_image(
    name: str,
    image: _Image,
    class_ids: Mapping[str, int],
    size: Size | None,
    root: Path,
    options: SourceOptions,
) -> Annotated:
    collector = Collector(Entry(image.table, f"image {name!r:.60}"))
    folders = (root / "images" / image.split, root / image.split, root / "images")
    picture = find_picture(name, root, options, *folders)
    _read_labels(image.rows[_LABELS], class_ids, collector)
    of_fractions = size
    if of_fractions is None and (image.rows[_BOXES] or image.rows[_MASKS]):
        of_fractions = collector.fraction_size(picture)
    if of_fractions is not None:
        boxes = _read_boxes(image.rows[_BOXES], class_ids, of_fractions, collector)
        for row in image.rows[_MASKS]:
            with collector.one_mark():
                _read_mask(
                    row, class_ids, of_fractions, _mask_folders(root, image.split), boxes, collector
                )
    return collector.annotated(read_name(name, collector.entry), picture, size, image.split)


def _read_labels(rows: Sequence[_Row], class_ids: Mapping[str, int], collector: Collector) -> None:
    absent = 0
    for row in rows:
        with collector.one_mark():
            (confidence,) = row.fractions(("Confidence",))
            if confidence >= 0.5:
                collector.tag(class_ids[row.values["LabelName"]])
            else:
                absent += 1
    if absent:
        collector.note(
            "unread", f"{counted(absent, 'class is', 'classes are')} said not to be in the image"
        )


_NO_OBJECTS = {"IsGroupOf": "around groups of objects", "IsDepiction": "around depictions"}
"""Columns of boxes that are not each around one real object."""

_Boxes = dict[int, tuple[str, list[float]]]
"""For each box of an image, by its number, its class's code and its edges, as fractions."""


def _read_boxes(
    rows: Sequence[_Row], class_ids: Mapping[str, int], size: Size, collector: Collector
) -> _Boxes:
    height, width = size
    boxes: _Boxes = {}
    for number, row in enumerate(rows, 1):
        with collector.one_mark():
            code, edges = row.values["LabelName"], row.fractions(_EDGES)
            left, top, right, bottom = (
                round(edge * side, _DIGITS)
                for edge, side in zip(edges, (width, height, width, height), strict=True)
            )
            entry, sides = collector.entry.part(f"box {number}"), (right - left, bottom - top)
            collector.rectangle(class_ids[code], (left, top), sides, entry, number)
            boxes[number] = code, edges
    for column, what in _NO_OBJECTS.items():
        count = sum(row.values.get(column) == "1" for row in rows)
        if count:
            message = f"{counted(count, 'box is', 'boxes are')} {what} ({column}); used like others"
            collector.note("unsure", message)
    return boxes


def _mask_folders(root: Path, split: str) -> Sequence[Path]:
    return root / "masks" / split, root / "masks", root / f"{split}-masks"


def _read_mask(
    row: _Row,
    class_ids: Mapping[str, int],
    size: Size,
    folders: Sequence[Path],
    boxes: _Boxes,
    collector: Collector,
) -> None:
    written, code = row.values["MaskPath"], row.values["LabelName"]
    name = Path(written.replace("\\", "/")).name
    file = next(filter(None, (existing(folder / name) for folder in folders)), None)
    if file is None:
        collector.note("missing", f"there is no mask {written!r:.60}")
        return
    entry = collector.entry.part(f"mask {name!r:.60}")
    instance = _box_of(row, code, boxes)
    collector.mask(class_ids[code], _enlarged(file, size), entry, instance)


def _box_of(row: _Row, code: str, boxes: _Boxes) -> int | None:
    """Return the number of the box that is around a mask, if it is among an image's boxes."""
    columns = [f"Box{edge}" for edge in _EDGES]
    if not all(row.values.get(column) for column in columns):
        return None
    edges = row.fractions(columns)
    for number, (code_of_box, edges_of_box) in boxes.items():
        if code_of_box == code and np.allclose(edges, edges_of_box, rtol=0, atol=_NEAR):
            return number
    return None


def _enlarged(file: Path, size: Size) -> Canvas:
    """Read a mask, (h, w), at the size of its image, (H, W)."""
    with opened(file, what="mask") as picture:
        read_size(picture.height, picture.width, Entry(file), of="the mask")
        mask = painted(picture)
    # The pixel of the mask that lies under the centre of each pixel of the image.
    rows, columns = (
        (2 * np.arange(side) + 1) * of_mask // (2 * side)
        for side, of_mask in zip(size, mask.shape, strict=True)
    )
    enlarged: Canvas = mask[np.ix_(rows, columns)]
    return enlarged
