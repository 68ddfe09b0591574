"""CamVid: lists of images and their masks, whose colours or numbers are classes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weakseg.formats.readers.by_datumaro import files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions, find_picture
from weakseg.images.reading import opened
from weakseg.support.errors import DataError

_LABELS_FILE = "label_colors.txt"
_PATHS = re.compile(r'"[^"]*"|\S+')


def recognises(path: Path) -> bool:
    """Tell whether this is a list of images with masks, or a folder with one."""
    return files.holds_file(path, ["*.txt"], _is_list)


def _is_list(path: Path) -> bool:
    lines = [_PATHS.findall(line) for line in files.head(path).splitlines()]
    pairs = (line for line in lines if len(line) == 2)
    return path.name != _LABELS_FILE and any(
        all(files.is_image(Path(written.strip('"'))) for written in pair) for pair in pairs
    )


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the lines of a list, or of all lists in a folder."""
    for file in files.files_of(path, ["*.txt"], _is_list):
        if not _is_list(file):
            raise DataError("expected lines with an image and its mask", path=file)
        labels = _labels(file.parent)
        for number, line in enumerate(files.read_lines(file), 1):
            if line.strip():
                yield _entry(line, Where(file, f"line {number}"), labels, options)


def _labels(root: Path) -> tuple[str | None, ...]:
    """Give the names of classes by their number, from the folder's own list if there is one."""
    stated = root / _LABELS_FILE
    with Where(stated).reading("a list of labels"):
        names = plugin("camvid", "parse_label_map")(stated) if stated.is_file() else None
        categories = plugin("camvid", "make_camvid_categories")(names)
    listed = categories[plugin("camvid", "AnnotationType").label]
    return tuple(None if one.name.lower() == "void" else one.name for one in listed)


def _entry(
    line: str, where: Where, labels: tuple[str | None, ...], options: SourceOptions
) -> Entry:
    with where.reading("an image and its mask"):
        image, written = plugin("camvid", "_parse_annotation_line")(line)
    root = where.path.parent
    inside = _below(root, image)
    picture = inside or find_picture(image, where.path, options)
    folders = (inside.relative_to(root) if inside else Path(image)).parts
    short = "/".join(folders[1:] or folders)
    split = where.path.stem
    if written is None:
        return Entry(short, where, labels, None, picture, split=split)
    mask = _below(root, written)
    if mask is None:
        raise where.error(f"there is no mask {written!r}")
    findings = []
    with opened(mask, what="mask") as header:
        is_numbers = header.mode in {"1", "L", "I", "I;16"}
    if is_numbers and not (root / _LABELS_FILE).is_file():
        findings.append(
            where.finding(
                "unsure",
                f"the mask holds numbers and there is no {_LABELS_FILE}; taken as the "
                f"{len(labels)} classes of CamVid in alphabetical order",
            )
        )
    return Entry(
        short,
        where,
        labels,
        _lay_out(mask, root),
        picture,
        files.mask_size(mask),
        split,
        0,
        findings,
    )


def _below(root: Path, written: str) -> Path | None:
    """Find a file by a path that may begin with folders of the computer it was written on."""
    parts = [part for part in Path(written.replace("\\", "/")).parts if part not in {"/", ".."}]
    candidates = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next(filter(None, map(files.existing, candidates)), None)


def _lay_out(mask: Path, root: Path) -> LayOut:
    def lay_out(folder: Path) -> Any:
        files.copy_mask(mask, folder / "oneannot" / "1.png")
        if (root / _LABELS_FILE).is_file():
            shutil.copyfile(root / _LABELS_FILE, folder / _LABELS_FILE)
        path = files.write(folder / "one.txt", "/one/1.png oneannot/1.png\n")
        return plugin("camvid", "CamvidBase")(str(path))

    return lay_out
