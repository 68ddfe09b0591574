"""Readers of csv tables with a header: any, boxes and tags."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

from weakseg.images.names import NameOf, plain_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Box
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.texts import encoding_of, not_a_text, text_encoding

_BEGINNING = 65_536  # bytes
_DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*")

OnBadRow = Callable[[DataError], None]
"""What becomes of the error of a row that holds no mark: raised, or kept while others are read."""


def refuse_row(error: DataError) -> NoReturn:
    """Raise the error of a row."""
    raise error


def first_header(path: Path) -> list[str]:
    """Read the first line of a csv, to a length no one writes; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_BEGINNING)
        lines = data.decode(encoding_of(data), errors="ignore").splitlines()[:1]
        names = [name.strip() for name in next(csv.reader(lines, delimiter=_separator(lines)), [])]
        is_cut = len(data) == _BEGINNING and b"\n" not in data and b"\r" not in data
        return names[:-1] if is_cut else names
    except (OSError, csv.Error):
        return []


def csv_lines(path: Path, *, skip_space: bool = True) -> Iterator[tuple[Entry, list[str]]]:
    """Read the lines of a csv that hold anything, as fields.

    Fields are separated by commas or, where the first line has none between its fields, by
    semicolons or tabs, as spreadsheets write them where the decimal point is a comma; then numbers
    may have such a comma, which becomes a point. UTF-16 is recognised.

    Args:
        path: The csv.
        skip_space: Leave out space at the beginning of a field.

    Raises:
        DataError: The file cannot be read.
    """
    reader = None
    try:
        with path.open(newline="", encoding=text_encoding(path)) as file:
            separator = _separator([file.readline()])
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, skipinitialspace=skip_space, strict=True)
            for line in reader:
                if any(map(str.strip, line)):
                    fields = line if separator == "," else list(map(_with_point, line))
                    yield Entry(path, f"line {reader.line_num}"), fields
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except csv.Error as error:
        place = Entry(path, f"line {reader.line_num}" if reader else None)
        raise place.error(f"is not readable as csv ({error})") from error
    except (OSError, ValueError) as error:
        raise not_a_text(path, error) from error


def _separator(lines: Sequence[str]) -> str:
    """Return what separates the fields of a csv, by its first line.

    Examples:
        >>> [_separator([line]) for line in ("image,class", "image;class", '"a,b";c', "image")]
        [',', ';', ';', ',']
    """
    for separator in ",;\t":
        if len(next(csv.reader(lines, delimiter=separator), [])) > 1:
            return separator
    return ","


def _with_point(field: str) -> str:
    return field.replace(",", ".") if _DECIMAL_COMMA.fullmatch(field) else field


def read_table(
    path: Path,
    columns: Sequence[str],
    on_bad_row: OnBadRow = refuse_row,
    *,
    goes_on: bool = False,
) -> Iterator[tuple[Entry, dict[str, str]]]:
    """Read a csv row by row; empty rows are skipped.

    Args:
        path: The csv, as for `csv_lines`; its first line names the columns.
        columns: Columns that must be there, and filled in every row.
        on_bad_row: Called with the error of a row that has an empty value, or is two rows in one.
        goes_on: A row may have more values than there are columns.

    Yields:
        Place of the row, and its values by column, without space around them except for an
        image's name; values of columns without a name, or past the last column, are under "",
        separated by commas.

    Raises:
        DataError: The file cannot be read, a column is missing or there twice, or a value is
            empty.
    """
    lines = csv_lines(path)
    place, fields = next(lines, (Entry(path, "line 1"), []))
    header = [name.strip() for name in fields]
    _check_header(header, columns, place)
    for entry, line in lines:
        pairs = [
            (name, value if name == "image" else value.strip())
            for name, value in zip_longest(header, line, fillvalue="")
        ]
        row = {name: value for name, value in pairs if name}
        empty = [name for name in columns if not row[name].strip()]
        if empty:
            on_bad_row(entry.error(f"{empty[0]} is empty"))
            continue
        if not goes_on and len(line) >= 2 * len(header) - 1 and all(line[-len(header) + 1 :]):
            message = f"expected {len(header)} values, but got {len(line)}, as of two rows in one"
            on_bad_row(entry.error(message))
            continue
        yield entry, row | {"": ",".join(value for name, value in pairs if not name)}


def box_rows(
    path: Path,
    classes: ClassFinder,
    name_of: NameOf = plain_name,
    on_bad_row: OnBadRow = refuse_row,
) -> Iterator[tuple[Entry, str, Box]]:
    """Read boxes row by row.

    Args:
        path: A csv with the header image,class,xmin,ymin,xmax,ymax and, where objects are numbered,
            instance; both ends are inside.
        classes: The classes, to which every box must belong.
        name_of: Names of images by what is written.
        on_bad_row: Called with the error of a row that is no box.

    Yields:
        Place of the row, the image's name without the ending, and the box, which may be
        without area.

    Raises:
        DataError: The file cannot be read, or a row is not a box of a known class.
    """
    corners = ("xmin", "ymin", "xmax", "ymax")
    for entry, row in read_table(path, ("image", "class", *corners), on_bad_row):
        class_id = classes.find(row["class"], entry)
        try:
            left, top, right, bottom = (entry.number(row[key], key) for key in corners)
            refuse_fractions((left, top, right, bottom), entry)
            instance = instance_of(row, entry)
        except DataError as error:
            on_bad_row(error)
            continue
        yield entry, name_of(row["image"]), Box(class_id, left, top, right, bottom, instance)


def is_fractional(numbers: Sequence[float]) -> bool:
    """Whether a box can be in nothing but fractions of the image's size.

    Examples:
        >>> [is_fractional(box) for box in ([0, 0.5, 1, 1], [0, 0, 1, 1], [0, 0.5, 4, 1])]
        [True, False, False]
    """
    return all(abs(number) <= 1 for number in numbers) and not all(
        float(number).is_integer() for number in numbers
    )


def refuse_fractions(numbers: Sequence[float], entry: Entry) -> None:
    """Refuse a box in fractions of the image's size where pixels are meant.

    Raises:
        DataError: No number is larger than 1, and they are not whole.
    """
    if is_fractional(numbers):
        written = ", ".join(f"{number:g}" for number in numbers)
        raise entry.error(
            f"expected a box in pixels, but got fractions ({written}): "
            "multiply them by the image's width and height"
        )


def instance_of(row: Mapping[str, Any], entry: Entry) -> int | None:
    """Read the number of an object in a row's column "instance", if it has one.

    Raises:
        DataError: It is no whole number.
    """
    if row.get("instance") in (None, ""):
        return None
    number = entry.number(row["instance"], "instance")
    if not number.is_integer():
        raise entry.error(f"expected a whole number as instance, but got {number:g}")
    return int(number)


def read_boxes(
    path: Path,
    classes: ClassFinder,
    name_of: NameOf = plain_name,
    on_bad_row: OnBadRow = refuse_row,
) -> dict[str, list[Box]]:
    """Read boxes of many images.

    Args:
        path: A csv with the header image,class,xmin,ymin,xmax,ymax; both ends are inside.
        classes: The classes, to which every box must belong.
        name_of: Names of images by what is written.
        on_bad_row: Called with the error of a row that is no box with area.

    Returns:
        Boxes by image name, which is without the ending.

    Raises:
        DataError: The file cannot be read, or a row is not a box, with area, of a known class.
    """
    boxes: dict[str, list[Box]] = {}
    for entry, image, box in box_rows(path, classes, name_of, on_bad_row):
        if box.has_area:
            boxes.setdefault(image, []).append(box)
        else:
            on_bad_row(entry.error("expected xmin ≤ xmax and ymin ≤ ymax"))
    return boxes


def read_tags(
    path: Path,
    classes: ClassFinder,
    name_of: NameOf = plain_name,
    on_bad_row: OnBadRow = refuse_row,
    *,
    but: Collection[str] = (),
) -> dict[str, set[int]]:
    """Read tags of many images.

    Args:
        path: A csv with the header image,class; a row may name several classes, in more columns
            or in one that is in quotes, separated by commas. A name in the list of classes may hold
            commas itself.
        classes: The classes, to which every tag must belong.
        name_of: Names of images by what is written.
        on_bad_row: Called with the error of a row that has no image or no class.
        but: Columns that hold no class.

    Returns:
        Class ids by image name, which is without the ending.

    Raises:
        DataError: The file cannot be read, or a row names no known class.
    """
    tags: dict[str, set[int]] = {}
    for entry, row in read_table(path, ("image", "class"), on_bad_row, goes_on=True):
        image = name_of(row.pop("image"))
        held = [value for column, value in row.items() if column not in but]
        for name in split_names(",".join(held), getattr(classes, "names", ())):
            tags.setdefault(image, set()).add(classes.find(name, entry))
    return tags


def split_names(text: str, known: Collection[str]) -> Iterator[str]:
    """Split names at the commas between them, of all known names taking the longest.

    Examples:
        >>> list(split_names("Dog, small,cat", ["cat", "Dog, small"]))
        ['Dog, small', 'cat']
    """
    pieces, longest = text.split(","), 1 + max((name.count(",") for name in known), default=0)
    while pieces:
        tries = (",".join(pieces[:count]).strip() for count in range(longest, 1, -1))
        name = next((one for one in tries if one in known), pieces[0].strip())
        del pieces[: 1 + name.count(",")]
        if name:
            yield name


def _check_header(header: Sequence[str], columns: Sequence[str], place: Entry) -> None:
    if not set(columns) <= set(header):
        raise place.error(
            f"expected the header {','.join(columns)}, but got "
            f"{','.join(header) or 'an empty file'}"
        )
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise place.error(f"column {twice!r} is there twice")
