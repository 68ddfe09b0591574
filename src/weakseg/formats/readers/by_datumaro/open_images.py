"""Open Images, from version 4 on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions, find_picture, read_number
from weakseg.formats.tables import read_table
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

Row = dict[str, str]

# Kinds of tables by what their names hold, and the columns that must be there.
_TABLES = {
    "-annotations-human-imagelabels": ("ImageID", "LabelName", "Confidence"),
    "-annotations-bbox": ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax"),
    "-annotations-object-segmentation": ("ImageID", "LabelName", "MaskPath"),
}
_LABELS, _BOXES, _MASKS = _TABLES
_SIZES = "images.meta"

# Columns that datumaro needs and other versions lack; -1 means that nobody knows.
_FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
_FILLED = {"Confidence": "1", "BoxID": "1"} | dict.fromkeys(_FLAGS, "-1")
_OF_MASKS = ("BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax", "PredictedIoU")


def recognises(path: Path) -> bool:
    """Tell whether this is a folder with tables that are named as in Open Images."""
    return path.is_dir() and bool(_tables(path))


def _tables(root: Path) -> dict[Path, str]:
    """Give the tables and their kinds."""
    inside = sorted((*root.glob("*.csv"), *root.glob("annotations/*.csv")))
    return {file: kind for file in inside for kind in _TABLES if kind in file.name}


@dataclass
class _Image:
    """What the tables say of an image.

    Args:
        where: The first place that names it.
        split: Name of the split.
        rows: Rows by the kind of table.
    """

    where: Where
    split: str
    rows: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in _TABLES})


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the images that tables name, then the other images that are there."""
    tables = _tables(path)
    if not tables:
        raise DataError(
            f"expected tables {', '.join(f'*{kind}.csv' for kind in _TABLES)}", path=path
        )
    images: dict[str, _Image] = {}
    for table, kind in tables.items():
        for place, row in read_table(table, _TABLES[kind]):
            found = images.setdefault(row["ImageID"], _Image(Where(table, place), _split(table)))
            found.rows[kind].append(row)
    folder = next(iter(tables)).parent
    used = {
        row["LabelName"] for one in images.values() for rows in one.rows.values() for row in rows
    }
    described = _described(folder)
    # Thousands of classes may be described, most of them of no use here.
    names = {code: name for code, name in described.items() if code in used}
    names |= {code: code for code in sorted(used - names.keys())}
    sizes = _sizes(folder)
    for name, image in images.items():
        yield _entry(name, image, names, sizes.get(name), path, options)
    for picture in sorted((path / "images").rglob("*")):
        parts = picture.relative_to(path / "images").with_suffix("").parts
        name = "/".join(parts[1:]) or parts[0]
        if files.is_image(picture) and name not in images:
            split = parts[0] if len(parts) > 1 else None
            yield Entry(name, Where(picture), tuple(names.values()), None, picture, split=split)


def _split(table: Path) -> str:
    first, second, *_ = table.name.split("-")
    return second if first.startswith("oidv") else first


def _described(folder: Path) -> dict[str, str]:
    """Read the names of classes by their code; only later versions have a header."""
    names: dict[str, str] = {}
    for file in sorted(folder.glob("*class-descriptions*.csv")):
        with Where(file).reading("names of classes"):
            rows = [row for row in csv.reader(files.read_lines(file), strict=True) if row]
        pairs = {row[0]: row[1].strip() or row[0] for row in rows if len(row) > 1}
        names |= {code: name for code, name in pairs.items() if code != "LabelName"}
    return names


def _sizes(folder: Path) -> Mapping[str, Size]:
    """Read the sizes of images, which datumaro writes beside the tables."""
    path = folder / _SIZES
    if not path.is_file():
        return {}
    with Where(path).reading("sizes of images"):
        read = import_module("datumaro.util.image").load_image_meta_file
        return {name: size for name, size in read(str(path)).items() if min(size) > 0}


def _entry(
    name: str,
    image: _Image,
    names: Mapping[str, str],
    size: Size | None,
    root: Path,
    options: SourceOptions,
) -> Entry:
    where = replace(image.where, entry=f"image {name!r}")
    folders = (root / "images" / image.split, root / image.split, root / "images")
    picture = find_picture(name, root, replace(options, images=(*options.images, *folders)))
    findings: list[Finding] = []
    labels = [row for row in image.rows[_LABELS] if _is_there(row, where)]
    if len(labels) < len(image.rows[_LABELS]):
        findings.append(
            where.finding(
                "unread",
                f"{len(image.rows[_LABELS]) - len(labels)} classes are said not to be in the image",
            )
        )
    boxes, masks = image.rows[_BOXES], []
    if boxes or image.rows[_MASKS]:
        size = size or files.header_size(picture, where, findings)
        boxes = boxes if size else []
    for row in image.rows[_MASKS] if size else []:
        mask = _mask(row["MaskPath"], image.split, root)
        if mask is None:
            findings.append(where.finding("missing", f"there is no mask {row['MaskPath']!r}"))
        else:
            files.mask_size(mask)  # which is not that of the image
            masks.append((row, mask))
    if size and masks:
        fields.check_size(size, where)  # masks are enlarged to the image
    number = {code: str(index) for index, code in enumerate(names)}
    tables = {_LABELS: labels, _BOXES: boxes, _MASKS: [row for row, _ in masks]}
    lay_out = _lay_out(tables, [mask for _, mask in masks], number, size)
    return Entry(
        name,
        where,
        tuple(names.values()),
        lay_out if any(tables.values()) else None,
        picture,
        size,
        image.split,
        findings=findings,
    )


def _is_there(row: Row, where: Where) -> bool:
    return read_number(row["Confidence"], "confidence", where.path, str(where.entry)) >= 0.5


def _mask(written: str, split: str, root: Path) -> Path | None:
    name = Path(written.replace("\\", "/")).name
    folders = (root / "masks" / split, root / "masks", root / f"{split}-masks")
    return next(filter(None, (files.existing(folder / name) for folder in folders)), None)


def _lay_out(
    tables: Mapping[str, Sequence[Row]],
    masks: Sequence[Path],
    number: Mapping[str, str],
    size: Size | None,
) -> LayOut:
    def lay_out(folder: Path) -> Any:
        inside = folder / "annotations"
        lines = "".join(f"{index},{index}\n" for index in number.values())
        files.write(inside / "class-descriptions.csv", lines)
        files.write(inside / "image_ids_and_rotation.csv", "ImageID,Subset\n1,one\n")
        for index, mask in enumerate(masks):
            files.copy_mask(mask, folder / "masks" / "one" / f"{index}.png")
        for kind, rows in tables.items():
            columns = dict.fromkeys((*_TABLES[kind], *_FILLED, *_OF_MASKS))
            with (inside / f"one{kind}.csv").open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, list(columns), restval="", extrasaction="ignore")
                table.writeheader()
                for index, row in enumerate(rows):
                    own = {
                        "ImageID": "1",
                        "LabelName": number[row["LabelName"]],
                        "MaskPath": f"{index}.png",
                        "BoxID": "1",
                    }
                    table.writerow(_FILLED | row | own)
        meta = {} if size is None else {"1": size}
        return plugin("open_images", "OpenImagesBase")(str(folder), image_meta=meta)

    return lay_out
