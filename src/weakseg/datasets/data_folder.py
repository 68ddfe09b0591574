"""A data folder or a PASCAL VOC folder, opened once: its classes, its splits, its marked images."""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import stat
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile

from weakseg.datasets.records import Record
from weakseg.datasets.upright import turned_to_shown
from weakseg.formats.data_folders import (
    FolderFiles,
    find_layout,
    is_data_folder,
    read_split_list,
    read_tables,
    settled_names,
    split_lists,
)
from weakseg.formats.source import Annotated
from weakseg.marks.classes import ClassList, read_classes
from weakseg.marks.findings import LEFT_OUT, Finding
from weakseg.marks.kinds import Marks
from weakseg.readers.voc_xml import XmlNotes, read_voc_xml
from weakseg.recipes.options import DataOptions, resolve_data
from weakseg.recipes.recipe import DataConfig
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.wording import counted

_log = logging.getLogger(__name__)


class DataFolder:
    """Images of a data folder or a PASCAL VOC folder, with the marks that count.

    Files are read when first needed, and once.

    Args:
        config: Where the data is and which marks count, in full.
        classes: The classes, in place of the folder's own list.

    Attributes:
        root: The folder.
        config: Where the data is and which marks count.
        layout: Paths of images, splits, masks, scribbles and tables.
        turned: Marks read so far from XML that were drawn on a rotated photograph as it is stored,
            turned to how people see it, by image.
        odd: What was odd in XML read so far, by image; marks that are damaged are left out.

    Raises:
        DataError: The root is neither a data folder nor a PASCAL VOC folder.
    """

    def __init__(self, config: DataConfig, classes: ClassList | None = None) -> None:
        self.root = Path(config.root)
        self.config = config
        layout = find_layout(self.root)
        self.layout = replace(
            layout,
            masks=Path(config.masks) if config.masks else layout.masks,
            scribbles=Path(config.scribbles) if config.scribbles else layout.scribbles,
            classes=Path(config.classes) if config.classes else layout.classes,
            points=tuple(map(Path, config.points)) or layout.points,
        )
        if self.layout.is_of_labels:
            raise DataError(
                "expected marks in a data folder's own files (masks/, scribbles/, points.csv, "
                "boxes.csv, tags.csv), but found labels/ alone, as of YOLO: `weakseg import "
                f"{shlex.quote(str(self.root))} --out data` makes a data folder of it",
                path=self.root,
            )
        self._classes = classes
        self.turned: dict[str, Annotated] = {}
        self._xml_notes = XmlNotes()
        self.odd: dict[str, tuple[Finding, ...]] = {}
        for key in ("masks", "scribbles"):
            if getattr(config, key) and not getattr(self.layout, key).is_dir():
                raise Entry(getattr(self.layout, key)).error(f"data.{key}: there is no such folder")

    @classmethod
    def open(
        cls, data: str | Path, options: DataOptions | None = None, classes: ClassList | None = None
    ) -> DataFolder:
        """Open the data that a user names.

        Args:
            data: A data folder, a PASCAL VOC folder, or a data.yaml.
            options: Values of `data` in a recipe; they win over those of a data.yaml.
            classes: The classes, in place of the folder's own list.

        Raises:
            DataError: There is no such data, or its data.yaml is wrong.
            RecipeError: An option is wrong.
        """
        return cls(resolve_data(data, options), classes)

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether a path is a data folder, a PASCAL VOC folder with images, or a data.yaml."""
        return is_data_folder(path) if path.is_dir() else path.suffix in {".yaml", ".yml"}

    @cached_property
    def classes(self) -> ClassList:
        """The classes; a PASCAL VOC folder needs no list.

        Raises:
            DataError: The list is missing or wrong.
        """
        if self._classes is not None:
            return self._classes
        if self.config.classes:
            return read_classes(self.layout.classes)
        return self.layout.read_classes()

    @property
    def images(self) -> dict[str, Path]:
        """Image files by name."""
        return self._files.images

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(split_lists(self.layout.splits))

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds of marks to train on: those asked for, those named, or those there are."""
        if self.config.marks:
            return list(self.config.marks)
        named = [kind for kind in _NAMED if getattr(self.config, kind)]
        return named or self.layout.kinds()

    @property
    def cache(self) -> Path:
        """Folder for what is computed from the images.

        Beside the data; where the data may not be written, in the user's cache, by its path.
        """
        if self.config.cache:
            return Path(self.config.cache)
        root = self.root.resolve()
        # Root may write anywhere, so the folder's own mode tells better what its owner meant.
        if root.stat().st_mode & stat.S_IWUSR and os.access(root, os.W_OK):
            return root / ".weakseg"
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        return home / "weakseg" / hashlib.sha256(str(root).encode()).hexdigest()[:12]

    def check_cache(self) -> None:
        """Check that a cache that the options name is a folder that can be written; make it.

        Raises:
            RecipeError: It is none.
        """
        if not self.config.cache:
            return
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.cache):
                pass
        except OSError as error:
            raise RecipeError(
                f"data.cache: expected a folder that can be written, but got {self.config.cache} "
                f"({error.strerror})"
            ) from error

    @property
    def feature_cache(self) -> Path:
        """Folder for the features of frozen backbones, shared by all runs on this data."""
        return self.cache / "features"

    def split(self, name: str) -> list[Record]:
        """List the images of a split with their marks, in the order of the split.

        Where the folder has no splits, "train" means every image.

        Raises:
            DataError: The split is missing or empty, names an image that is not there, or a table
                of marks is wrong.
        """
        names = self._names(name)
        if name in {"val", "test"} and "train" in self.splits:
            both = set(names) & set(self._names("train"))
            if both:
                _log.warning(
                    "%s of %s %s in train, too (the first: %r): the score says nothing about new "
                    "images",
                    counted(len(both), "image"),
                    name,
                    "is" if len(both) == 1 else "are",
                    min(both),
                )
        return self._records(names)

    def every(self) -> list[tuple[Record, str | None]]:
        """List all images with their marks, and the first split that each belongs to.

        Raises:
            DataError: A table of marks or a split is wrong, or there is no image.
        """
        if not self.images:
            raise DataError("there is no image", path=self.layout.images)
        splits: dict[str, str] = {}
        for split in self.splits:
            for name in self._names(split):
                splits.setdefault(name, split)
        return [(record, splits.get(record.name)) for record in self._records(sorted(self.images))]

    def findings(self) -> tuple[Finding, ...]:
        """Return what is odd about names and XML files, and files of marks without an image.

        Raises:
            DataError: A table of marks or a split is wrong.
        """
        self.every()
        strangers = self._files.strangers
        found = settled_names(self._files.index, self.root)
        if strangers:
            count = counted(len(strangers), "file of marks belongs", "files of marks belong")
            message = f"{count} to no image, this one for example"
            found += (Finding("missing", message, strangers[0]),)
        found += tuple(chain.from_iterable(self.odd.values()))
        found += tuple(chain.from_iterable(item.findings for item in self.turned.values()))
        found += self._xml_notes.findings() + self._unused_outlines()
        for name in self._shared():
            message = "is in train and in another split: its score says nothing about new images"
            found += (Finding("duplicate", message, self.root, f"image {name!r}"),)
        return found

    def log_oddities(self) -> None:
        """Log what the marks and splits read so far leave out, and names in another spelling."""
        every = chain.from_iterable(self.odd.values())
        lost = [finding for finding in every if finding.kind in LEFT_OUT]
        if lost:
            count = counted(len(lost), "mark is", "marks are")
            _log.warning("%s left out (the first: %s)", count, lost[0])
        for finding in (*settled_names(self._files.index, self.root), *self._unused_outlines()):
            _log.warning("%s", finding)

    def _unused_outlines(self) -> tuple[Finding, ...]:
        """Return the finding that XML read so far has outlines, which are masks."""
        return () if "masks" in self.kinds else self._xml_notes.unused_outlines()

    def _shared(self) -> list[str]:
        """List the images of val or test that are in train, too."""
        scored = [self._names(name) for name in ("val", "test") if name in self.splits]
        if not scored or "train" not in self.splits:
            return []
        train = set(self._names("train"))
        return list(dict.fromkeys(name for names in scored for name in names if name in train))

    @cached_property
    def _files(self) -> FolderFiles:
        files = FolderFiles.of(self.layout)
        if files.strangers:
            _log.warning(
                "%s to no image in %s (the first: %s); left out",
                counted(len(files.strangers), "file of marks belongs", "files of marks belong"),
                self.layout.images,
                files.strangers[0],
            )
        return files

    @cached_property
    def _tables(self) -> dict[str, Marks]:
        required = () if self.layout.is_voc else {"tags", "boxes"} & set(self.config.marks)
        if self.config.points or "points" in self.config.marks:
            required = {*required, "points"}
        marks = read_tables(
            self.layout,
            self.classes,
            kinds=self.kinds,
            required=required,
            name_of=self._files.index.name_of,
        )
        strangers = sorted(marks.keys() - self.images.keys())
        if strangers:
            _log.warning(
                "marks are given for %s not in %s (the first: %r); they are left out",
                counted(len(strangers), "image that is", "images that are"),
                self.layout.images,
                strangers[0],
            )
        return marks

    def _records(self, names: Iterable[str]) -> list[Record]:
        kinds, records = set(self.kinds), []
        for name in names:
            marks, mask = self._tables.get(name, Marks()), self._files.masks.get(name)
            # A table of tags or boxes takes the place of an image's XML.
            xml = self._files.annotations.get(name) if {"tags", "boxes"} & kinds else None
            if xml is not None and not marks.tags and not marks.boxes:
                read = read_voc_xml(xml, self.classes, notes=self._xml_notes)
                self.odd[name] = read.findings
                read = replace(read, picture=self.images[name])
                turned = turned_to_shown(read)
                if turned is not None:
                    self.turned[name] = read = turned
                marks += read.marks
            marks = replace(marks, scribbles=self._files.scribbles.get(name), mask=mask)
            records.append(Record(name, self.images[name], marks.only(kinds), mask))
        return records

    def _names(self, split: str) -> list[str]:
        path = split_lists(self.layout.splits).get(split, self.layout.splits / f"{split}.txt")
        if split not in self.splits:
            if split == "train" and not self.splits and self.images:
                return sorted(self.images)
            raise DataError(
                f"there is no split {split!r}: expected this file; splits that are there: "
                f"{', '.join(sorted(self.splits)) or 'none'}",
                path=path,
            )
        names = read_split_list(path, self._files.index)
        if not names:
            raise DataError("the split is empty: expected one image name a line", path=path)
        for number, name in names:
            if name not in self.images:
                raise Entry(path, f"line {number}").error(
                    f"there is no image {name!r} in {self.layout.images}"
                )
        return list(dict.fromkeys(name for _, name in names))


_NAMED = ("points", "scribbles", "masks")
