"""weakseg's own data folder as a source: tables, label maps, splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.formats.data_folders import (
    FolderFiles,
    FolderLayout,
    own_layout,
    read_splits,
    read_tables,
    settled_names,
    split_findings,
)
from weakseg.formats.label_regions import areas_size, label_map_marks
from weakseg.formats.pictures import find_picture, not_png
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.marks.classes import ClassFinder, ClassList
from weakseg.marks.findings import Finding, left_out
from weakseg.marks.image_facts import fact_columns
from weakseg.marks.kinds import Marks
from weakseg.marks.tables import first_header
from weakseg.support.entries import NOWHERE, Entry
from weakseg.support.errors import DataError

_COLUMNS = {
    "tags": {"image", "class"},
    "boxes": {"image", "class", "xmin", "ymin", "xmax", "ymax"},
    "points": {"image", "class", "x", "y"},
}


@dataclass(frozen=True)
class RenumberedClasses:
    """A folder's own classes, found under the ids that are in use.

    Args:
        own: The folder's classes.
        ids: The ids in use, by the folder's own.
    """

    own: ClassList
    ids: list[int]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the folder's classes."""
        return self.own.names

    @classmethod
    def of(cls, own: ClassList, classes: ClassFinder, path: Path) -> RenumberedClasses:
        """Find all classes of a folder among those in use; `path` is the list, for messages."""
        return cls(own, [classes.find(name, Entry(path)) for name in own.names])

    def find(self, value: Any, entry: Entry = NOWHERE) -> int:
        """Return the id in use of one of the folder's classes."""
        return self.ids[self.own.find(value, entry)]


def _read(root: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    layout = own_layout(root)
    own = None
    if layout.classes.is_file() or not _has_own_tables(layout):
        own = RenumberedClasses.of(layout.read_classes(), classes, layout.classes)
    files = FolderFiles.of(layout)
    bad: list[DataError] = []
    tables = read_tables(layout, own or classes, name_of=files.index.name_of, on_bad_row=bad.append)
    splits = read_splits(layout.splits, files.index)
    unread = settled_names(files.index, root) + tuple(map(left_out, bad))
    unread += split_findings(layout.splits, files.index) + _unread_columns(layout)
    unread += not_png(layout.masks) + not_png(layout.scribbles)
    if (root / "data.yaml").is_file():
        message = "its options; only the folder's own tables and label maps are imported"
        unread += (Finding("unread", message, root / "data.yaml"),)
    for name in files.names(tables, splits):
        marks = tables.get(name, Marks())
        if own and name in files.scribbles:
            marks += label_map_marks(
                files.scribbles[name], own.ids, "scribble", as_areas=options.joins
            )
        if own and name in files.masks:
            marks += label_map_marks(files.masks[name], own.ids, "mask", as_areas=options.joins)
        picture = files.images.get(name) or find_picture(name, root, options)
        listed = splits.get(name)
        place = files.place_of(name, root, None if name in tables else listed)
        split = listed.split if listed else None
        is_listed = listed is not None
        size = areas_size(marks, name, (files.masks, files.scribbles))
        yield Annotated(name, marks, picture, size, *place, split, unread, is_listed)
        unread = ()


def _recognises(path: Path) -> bool:
    """Look for marks, too: other tools write folders of images with a classes.txt.

    Without a classes.txt, which numbers the values of label maps, there are tables alone.
    """
    layout = own_layout(path)
    if not layout.images.is_dir() or not layout.kinds():
        return False
    return layout.classes.is_file() or _has_own_tables(layout)


def _unread_columns(layout: FolderLayout) -> tuple[Finding, ...]:
    """Return a finding for each table with columns of sizes or splits, which splits/ has here."""
    tables = [path for paths in layout.tables.values() for path in paths if path.is_file()]
    columns = {
        path: fact_columns(first_header(path), set().union(*_COLUMNS.values())).values()
        for path in tables
    }
    return tuple(
        Finding("unread", f"weakseg does not use the columns {', '.join(names)}", path)
        for path, names in columns.items()
        if names
    )


def _has_own_tables(layout: FolderLayout) -> bool:
    """Whether all marks of a folder are in tables with the columns of weakseg's own.

    Tables that state sizes or splits, too, are those of other tools.
    """
    kinds = layout.kinds()
    return (
        not _unread_columns(layout)
        and set(kinds) <= _COLUMNS.keys()
        and all(
            _COLUMNS[kind] <= set(first_header(path))
            for kind in kinds
            for path in layout.tables[kind]
            if path.is_file()
        )
    )


FOLDER = Format(
    "folder",
    "a data folder of weakseg: images/, classes.txt, tables, scribbles/, masks/, splits/",
    _recognises,
    _read,
)
