"""One image of a foreign data set, laid out alone so that datumaro reads it.

datumaro reads whole data sets, laid out in its own way, and passes over much of what is damaged. So
each format looks at the files itself, image by image, and lays out what it finds of an image as a
data set of one image in a temporary folder; datumaro reads that. Memory stays small, an error names
its image, and nothing goes missing without a word.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from weakseg.formats.readers.by_datumaro.marks import Where, marks_of_item
from weakseg.formats.source import Annotated, ClassFinder, Read, SourceOptions, image_name
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError

LayOut = Callable[[Path], Any]
"""Lays an image out in a folder without files; gives datumaro's items, which are one."""


@dataclass(frozen=True)
class Entry:
    """What a look at the files tells of one image.

    Args:
        written: The image's path as the files give it.
        where: The file of marks, and the place in it.
        labels: Names of classes by datumaro's number of the label; None is void.
        lay_out: How datumaro gets to see it; None where the image has no marks.
        picture: The image file, where found.
        size: Height and width, where the files say so.
        split: Name of the split, where the files say so.
        rest: Number of the label of what no mask covers, where the masks tell of every pixel.
        findings: What was odd.
    """

    written: str
    where: Where
    labels: Sequence[str | None]
    lay_out: LayOut | None
    picture: Path | None = None
    size: tuple[int, int] | None = None
    split: str | None = None
    rest: int | None = None
    findings: Sequence[Finding] = ()


Look = Callable[[Path, SourceOptions], Iterator[Entry]]
"""Goes through a file or folder of one format, image by image."""


def reader(look: Look, name: str) -> Read:
    """Make the reader of a format out of the look at its files.

    Args:
        look: Goes through the files. Where they list classes, every entry has all of them, in
            their order.
        name: Name of the format, for messages.
    """

    def read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
        if not path.exists():
            raise DataError("there is no such file or folder", path=path)
        _require_datumaro(path)
        known: dict[str, int] = {}
        with tempfile.TemporaryDirectory(prefix="weakseg-") as folder:
            for entry in look(path, options):
                where, shown = entry.where, image_name(entry.written)
                if not shown:
                    raise where.error(f"expected the name of an image, but got {entry.written!r}")
                for label in entry.labels:
                    if label is not None and label not in known:
                        known[label] = classes.find(label, path=where.path, entry=where.entry)
                ids = [VOID if label is None else known[label] for label in entry.labels]
                marks, odd = _read_entry(entry, ids, Path(folder), name)
                yield Annotated(
                    shown,
                    marks,
                    entry.picture,
                    entry.size,
                    where.path,
                    where.entry,
                    entry.split,
                    (*entry.findings, *odd),
                )

    return read


def plugin(module: str, name: str) -> Any:
    """Give one of datumaro's classes that read a format.

    Args:
        module: Its module among datumaro's formats.
        name: Its name.
    """
    return getattr(import_module(f"datumaro.plugins.data_formats.{module}"), name)


def _read_entry(
    entry: Entry, class_ids: Sequence[int], folder: Path, name: str
) -> tuple[Marks, Sequence[Finding]]:
    if entry.lay_out is None:
        return Marks(), ()
    try:
        with entry.where.reading(name), _silence():
            items = list(entry.lay_out(folder))
            if len(items) != 1:
                raise entry.where.error(f"expected one image, but datumaro found {len(items)}")
            if entry.rest is None:
                return marks_of_item(items[0], class_ids, entry.where)
            return marks_of_item(
                items[0], class_ids, entry.where, frame=entry.size, rest=class_ids[entry.rest]
            )
    finally:
        # The folders stay: making them anew for each image takes most of the time.
        for file in [path for path in folder.rglob("*") if path.is_file()]:
            file.unlink()


def _require_datumaro(path: Path) -> None:
    try:
        import_module("datumaro")
    except ImportError as error:
        raise DataError(
            "this format is read with datumaro, which is not installed: pip install "
            f"'weakseg[formats]' ({error})",
            path=path,
        ) from error


@contextmanager
def _silence() -> Iterator[None]:
    """Keep datumaro's warnings, which go to the root logger, away: they name temporary files."""
    root, nobody = logging.getLogger(), logging.NullHandler()
    root.addHandler(nobody)  # without any handler, logging.warning would set one up for good
    root.addFilter(_is_error)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        root.removeFilter(_is_error)
        root.removeHandler(nobody)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
