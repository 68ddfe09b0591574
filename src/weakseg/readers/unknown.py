"""Message about a file or folder that is in no format: what is there, and what is like it."""

from __future__ import annotations

import shlex
from collections import Counter
from itertools import combinations
from pathlib import Path

from weakseg.images.reading import is_image
from weakseg.marks.image_facts import plain_columns
from weakseg.marks.tables import csv_lines, first_header
from weakseg.readers.box_tables import box_columns
from weakseg.readers.foreign_formats import foreign_format
from weakseg.readers.voc_xml import xml_fault
from weakseg.support.errors import DataError
from weakseg.support.folders import SPLITS, nearest_files
from weakseg.support.json_files import read_json

_LIKE = {
    ".json": (
        "labelme, label-studio, coco, via, datumaro, supervisely, points and qupath (by their keys)"
    ),
    ".geojson": "qupath",
    ".ndjson": "labelbox",
    ".csv": (
        "points (image,class,x,y), boxes (image,class,xmin,ymin,xmax,ymax), tags (image,class), "
        "box-tables, via, makesense and open-images"
    ),
    ".xml": "voc, cvat and scribblesup",
    ".txt": "yolo (in a folder labels/ or beside the images) and camvid",
    ".png": "label-pngs (indexed or grey; in colour with --palette FILE)",
}
"""Formats by the ending of their files of marks, those that people have most first."""

_ADVICE = (
    "--format NAME forces a format, and says what does not fit it; docs/formats.md has them all"
)
_NAMED = 5  # endings, and columns of a csv
_ONE_COLUMN = {"bbox", "box", "encodedpixels", "encoded_pixels", "rle", "segmentation", "polygon"}
_CENTRES = {"cx", "cy", "x_center", "y_center", "xcenter", "ycenter", "center_x", "center_y"}
_NO_CLASSES = {*SPLITS, "images", "imgs", "img", "jpegimages", "masks", "mask", "labels"}
_JSON = {".json", ".geojson"}
_LARGE = 1 << 26  # bytes; a larger file is not read whole for a message
_NAPARI = {"shape-type", "vertex-index"}


def what_is_there(path: Path) -> str:
    """Describe a file or folder that is in no format, the nearest formats, and what to do.

    Examples:
        >>> what_is_there(Path("marks.doc")).partition(";")[0]
        'is in no format that is known by its content: it is a file with the ending .doc'
    """
    files = list(nearest_files(path)) if path.is_dir() else [path]
    endings = Counter(file.suffix.lower() or "no ending" for file in files)
    held = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(_NAMED))
    there = f"it is a file with the ending {path.suffix}" if path.suffix else "it has no ending"
    if path.is_dir():
        there = f"it holds {held or 'no file'}"
    near = [f"{ending} files: {like}" for ending, like in _LIKE.items() if ending in endings]
    if files and all(map(is_image, files)):
        if _has_jpeg_masks(files):
            return (
                f"holds images alone: {held}; if one of its folders holds their masks, write these "
                "as PNG: JPEG changes the values of pixels, so that masks in it cannot be read"
            )
        what = (
            f"holds images and no marks: {held}; if other files hold the marks, import those, with "
            f"--images {shlex.quote(str(path))}"
        )
        return "; ".join((what, *_of_folders(path, files), *near))
    unknown = f"is in no format that is known by its content: {there}"
    known = foreign_format(files) or _damaged(files)
    if known:
        return f"{unknown}; {known}"
    return "; ".join(part for part in (unknown, _of_a_csv(files), *near, _ADVICE) if part)


def _damaged(files: list[Path]) -> str:
    """Describe the first JSON or XML file that cannot be read; nothing where none is."""
    for endings, fault_of in ((_JSON, _json_fault), ({".xml"}, xml_fault)):
        alike = [file for file in files if file.suffix.lower() in endings]
        for file in alike[:_NAMED]:
            fault = fault_of(file) if file.stat().st_size < _LARGE else None
            if fault is not None:
                return str(fault).replace(str(file), file.name, 1)
    return ""


def _json_fault(path: Path) -> DataError | None:
    try:
        read_json(path)
    except DataError as error:
        return error
    return None


def _of_folders(path: Path, files: list[Path]) -> tuple[str, ...]:
    """Return what to do where the folders of images may be their classes."""
    names = {file.parent.name.lower() for file in files if file.parent != path}
    if len(names - _NO_CLASSES) < 2:
        return ()
    return (
        "if the folders are classes, write a tags.csv with the columns image,class and a row for "
        "each image",
    )


def _has_jpeg_masks(files: list[Path]) -> bool:
    """Whether two folders hold images of the same names, as of photographs and masks."""
    stems: dict[Path, set[str]] = {}
    for file in files:
        stems.setdefault(file.parent, set()).add(file.stem)
    are_jpeg = any(file.suffix.lower() in {".jpg", ".jpeg"} for file in files)
    return are_jpeg and any(one & other for one, other in combinations(stems.values(), 2))


def _of_a_csv(files: list[Path]) -> str:
    """Describe the first csv by its columns."""
    table = next((file for file in files if file.suffix.lower() in {".csv", ".tsv"}), None)
    header = [] if table is None else first_header(table)
    if table is None or not header:
        return ""
    try:
        for _ in csv_lines(table):
            pass
    except DataError as error:
        return str(error).replace(str(table), table.name, 1)
    if set(header) >= _NAPARI:
        return (
            f"{table.name} holds shapes of napari, which name no class, so that they cannot be "
            "read: import label maps of the same areas, or a table of points or boxes"
        )
    columns = ",".join(f"{name:.30}" for name in header[:_NAMED])
    more = ",…" if len(header) > _NAMED else ""
    return f"the columns of {table.name} are {columns}{more}{_lack_of(header)}"


def _lack_of(header: list[str]) -> str:
    """Return the end of a message on a csv: what keeps it from being a table that is read."""
    if any(map(_is_number, header)):
        return ", so its first line names no columns: write their names there"
    columns, plain = box_columns(header), set(plain_columns(header))
    if plain & _ONE_COLUMN:
        return (
            ", where a box or mask is in one column: weakseg reads a column for each number "
            "(xmin,ymin,xmax,ymax), and label maps as PNG"
        )
    if columns.has_numbers or plain & _CENTRES:
        return f": of a table of boxes there is none of {'; '.join(columns.missing)}"
    if columns.image and columns.label:
        named = f"{columns.image},{columns.label}"
        return f": if these are tags, name the columns image,class instead of {named}"
    if columns.image:
        return ": if the other columns are classes, write a row image,class for each that is there"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
