"""Tables of boxes that other tools write, whose columns are told by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import left_out
from weakseg.marks.tables import first_header, read_table
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import holds_file, split_of

_PATTERNS = ("*.csv", "*/*.csv")
_OPEN_IMAGES = "-annotations-"
_DIGITS = 2  # of a place in pixels, where fractions are written

# Names of each column, the most telling first, in lower case and with _ for spaces and dashes.
_IMAGE = (
    *("filename", "file_name", "image_name", "image_path", "image", "path", "img", "file"),
    *("image_id", "imageid", "frame"),
)
_CLASS = (
    *("class", "class_name", "label", "label_name", "category", "category_name", "name"),
    *("classname", "object", "species"),
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


@dataclass(frozen=True)
class _Columns:
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


def _columns(header: Sequence[str]) -> _Columns:
    plain = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(header)}

    def find(names: Sequence[str]) -> str:
        return next((plain[name] for name in names if name in plain), "")

    edges, sides = ([find(names) for names in kinds.values()] for kinds in (_EDGES, _SIDES))
    sized = not all(edges) and sum(map(bool, sides)) > sum(map(bool, edges))
    return _Columns(find(_IMAGE), find(_CLASS), sides if sized else edges, sized)


def _is_table(path: Path) -> bool:
    columns = _columns(first_header(path))
    found = sum(map(bool, columns.numbers))
    return bool(columns.image) and found >= 3 and _OPEN_IMAGES not in path.name


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the boxes of a table, or of all those in a folder and its folders of splits.

    A box has its edges in four columns, or its corner and size. Numbers are pixels, or fractions
    of the image's size where in most rows none is larger than 1. Rows that are damaged are left out
    and noted.

    Raises:
        DataError: The table cannot be read, lacks a column, or holds no row.
    """
    for file in chosen_files(path, _PATTERNS, _is_table, options):
        yield from _read_file(file, classes, options)


BOX_TABLES = Format(
    "box-tables",
    "boxes as csv by other tools, whose columns are told by their names",
    lambda path: holds_file(path, _PATTERNS, _is_table),
    _read,
)


def _read_file(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    header = first_header(path)
    columns = _columns(header)
    if columns.missing:
        raise Entry(path, "line 1").error(
            f"expected columns of the image, the class and a box, but there is none of "
            f"{'; '.join(columns.missing)}; the header is {','.join(header):.200}"
        )
    bad: list[DataError] = []
    rows = list(read_table(path, (columns.image,), bad.append))
    if not rows:
        raise bad[0] if bad else Entry(path).error("expected marks of images, but there are none")
    findings = tuple(map(left_out, bad))
    boxed = [line for _, row in rows if any(line := [row[name] for name in columns.numbers])]
    # Most rows decide, as one wrong number must not change the scale of all others.
    are_fractions = 2 * sum(all(map(_is_fraction, line)) for line in boxed) >= len(boxed)
    images: dict[str, list[tuple[Entry, dict[str, str]]]] = {}
    for entry, row in rows:
        images.setdefault(row[columns.image], []).append((entry, row))
    for written, of_image in images.items():
        collector = Collector(Entry(path, f"image {written!r:.60}"))
        picture = find_picture(written, path, options)
        size = collector.fraction_size(picture) if are_fractions else (1, 1)
        alone = len(of_image) == 1
        for entry, row in of_image if size else ():
            _read_row(row, columns, size or (1, 1), collector, classes, entry, alone=alone)
        name, split = read_name(written, collector.entry), split_of([path.parent.name])
        item = collector.annotated(name, picture, None, split)
        yield replace(item, findings=findings + item.findings)
        findings = ()


def _is_fraction(text: str) -> bool:
    try:
        return abs(float(text)) <= 1
    except ValueError:
        return True  # of a row without a box, or with a damaged one


def _read_row(
    row: Mapping[str, str],
    columns: _Columns,
    size: Size,
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
        scale = (size[1], size[0], size[1], size[0])
        pairs = zip(written, columns.numbers, scale, strict=True)
        left, top, *ends = (
            round(entry.number(text, name) * side, _DIGITS) for text, name, side in pairs
        )
        width, height = ends if columns.sized else (ends[0] - left, ends[1] - top)
        collector.rectangle(class_id, (left, top), (width, height), entry)
