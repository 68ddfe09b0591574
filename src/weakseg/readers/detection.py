"""List of all formats that are read, and recognition of a file's format."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from weakseg.formats.beside_lists import BesideLists
from weakseg.formats.picture_search import PictureSearch
from weakseg.formats.source import Annotated, Format, SourceOptions, ending_with
from weakseg.images.reading import image_name
from weakseg.images.same_picture import is_same_picture
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.readers.ade20k import ADE20K
from weakseg.readers.box_tables import BOX_TABLES
from weakseg.readers.camvid import CAMVID_LISTS
from weakseg.readers.cityscapes import CITYSCAPES
from weakseg.readers.coco import COCO
from weakseg.readers.cvat import CVAT
from weakseg.readers.datumaro_json import DATUMARO
from weakseg.readers.folder import FOLDER
from weakseg.readers.label_pngs import LABEL_PNGS
from weakseg.readers.label_studio import LABEL_STUDIO
from weakseg.readers.labelbox import LABELBOX
from weakseg.readers.labelme import LABELME
from weakseg.readers.makesense import MAKESENSE
from weakseg.readers.mapillary import MAPILLARY
from weakseg.readers.open_images import OPEN_IMAGES
from weakseg.readers.qupath import QUPATH
from weakseg.readers.roboflow_masks import ROBOFLOW_MASKS
from weakseg.readers.scribblesup import SCRIBBLESUP
from weakseg.readers.supervisely import SUPERVISELY
from weakseg.readers.tables import BOXES, CLICKS, TAGS
from weakseg.readers.unknown import what_is_there
from weakseg.readers.via import VIA
from weakseg.readers.voc import VOC
from weakseg.readers.yolo import YOLO
from weakseg.support.archives import unpacked
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.folders import SPLITS, files_below, split_in_name, split_of, usual_split

_LOOKED_INTO = 200  # files and folders inside one that is in no format
FORMATS: tuple[Format, ...] = (
    LABELME,
    LABEL_STUDIO,
    FOLDER,
    VOC,
    CLICKS,
    BOXES,
    VIA,
    BOX_TABLES,
    TAGS,
    MAKESENSE,
    CVAT,
    DATUMARO,
    LABELBOX,
    SUPERVISELY,
    QUPATH,
    COCO,
    CITYSCAPES,
    MAPILLARY,
    ADE20K,
    OPEN_IMAGES,
    ROBOFLOW_MASKS,
    YOLO,
    CAMVID_LISTS,
    SCRIBBLESUP,
    LABEL_PNGS,
)
"""Every format, in the order in which a file is tried: those with the surest signs first."""


_OF_FOLDERS = (
    *(LABELME, FOLDER, CITYSCAPES, MAPILLARY, ADE20K, ROBOFLOW_MASKS, YOLO, CAMVID_LISTS),
    *(SCRIBBLESUP, LABEL_PNGS),
)
"""Formats whose marks are images, too, or that list or count images without marks."""


def find_format(path: Path, name: str | None = None) -> Format:
    """Find the format of a file or folder by its content.

    Args:
        path: The file or folder.
        name: Name of the format, where the user names it.

    Raises:
        DataError: There is no such file, no such format, or none that fits.
    """
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    if name is not None:
        known = {item.name: item for item in FORMATS}
        if name not in known:
            names = ", ".join(known)
            raise DataError(f"there is no format {name!r}; the formats are {names}")
        return known[name]
    for item in FORMATS:
        if item.recognises(path):
            return item
    raise Entry(path).error(_inside(path) or what_is_there(path))


def _inside(path: Path) -> str:
    """Return a message where folders inside are of a format; nothing where none is."""
    if not path.is_dir():
        return ""
    inside = [item for item in files_below(path, "*", "*/*")[:_LOOKED_INTO] if item.is_dir()]
    found = {folder: item for folder in inside for item in FORMATS if item.recognises(folder)}
    if not found:
        return ""
    named = [folder for folder in found if not set(folder.parents) & found.keys()]
    first, name = named[0], found[named[0]].name
    more = f", and {len(named) - 1} more" if len(named) > 1 else ""
    advice = f"import {shlex.quote(str(first))} instead"
    if (
        split_of(first.relative_to(path).parts)
        and len({found[folder].name for folder in named}) == 1
    ):
        advice = f"--format {name} reads it with its splits"
    return (
        f"is in no format itself, but {first.relative_to(path).as_posix()} in it is in the format "
        f"{name}{more}: {advice}"
    )


@dataclass(frozen=True)
class Source:
    """A file or folder of marks, ready to be read.

    Args:
        path: What the user named.
        inside: The same, or what a zip held.
        format: Its format.
        split: Split of images of which nothing inside states one.
    """

    path: Path
    inside: Path
    format: Format
    split: str | None = None

    @property
    def label(self) -> str:
        """Name of the folder or zip that it is from, as people tell sources apart."""
        where = self.path.resolve()
        if self.path.is_dir():
            return where.name or "data"
        return where.parent.name if self.inside == self.path else where.stem

    @property
    def names_images(self) -> bool:
        """Whether images are those that the files of marks name, and not all in a folder."""
        return self.format not in _OF_FOLDERS

    def read(self, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
        """Read it image by image.

        Raises:
            DataError: It cannot be read; the message names file and entry.
        """
        lists = BesideLists(self.inside)
        images = ending_with(self._images(classes, options, lists), lists.findings)
        yield from images if self.inside == self.path else map(self._as_named, images)

    def _images(
        self, classes: ClassFinder, options: SourceOptions, lists: BesideLists
    ) -> Iterator[Annotated]:
        taken: dict[str, _Taken] = {}
        if self.inside != self.path:
            # What a zip names elsewhere on this machine is no part of it.
            search = PictureSearch(within=(self.inside, *options.images))
            options = replace(options, search=search)
        for read in self.format.read(self.inside, classes, options):
            findings = read.findings + options.search.take_notes()
            lists.said.update(findings)
            own = _file_of(read)
            why = options.search.why_missed(read.name) if read.picture is None else ""
            why = why.replace(str(self.inside), str(self.path))
            if own is not None and not options.search.may_take(own):
                why = "the zip names a file elsewhere, and its images are looked for in it alone"
                read = replace(read, picture=None)
            item = self._with_split(replace(read, findings=findings, why_missing=why), lists)
            yield _told_apart(replace(item, name=_own_name(item)), taken, self.inside)

    def _with_split(self, item: Annotated, lists: BesideLists) -> Annotated:
        """Return an image with its split, and a finding where another is stated, too.

        What a file states for the image counts first, then a list beside the files, the file's
        name, and last the folders that the image or its file lies in, or that the source is.
        """
        if lists.are_read and item.is_listed:
            return item
        listed = lists.find(item.name)
        own = usual_split(item.split)
        folders = (*_folders(item.path, self.inside), *item.name.split("/")[:-1])
        stated = (
            (own if item.is_listed else None, "the file of marks"),
            (listed and listed.split, f"the list {listed.path.name}" if listed else ""),
            (own, "its file"),
            (usual_split(split_of(folders)), "its folder"),
            (self.split, "its source"),
        )
        known = [(split, by) for split, by in stated if split]
        findings = item.findings
        usual = [(split, by) for split, by in known if split in SPLITS]
        other = next((pair for pair in usual if pair[0] != usual[0][0]), None)
        if other:
            (split, by), (second, second_by) = usual[0], other
            message = (
                f"image {item.name!r} is in {split} by {by}, in {second} by {second_by}; put in "
                f"{split} alone"
            )
            findings += (Finding("unsure", message, item.path, item.entry),)
        return replace(
            item,
            split=known[0][0] if known else None,
            is_listed=item.is_listed or listed is not None,
            findings=findings,
        )

    def _as_named(self, item: Annotated) -> Annotated:
        """Replace the paths of unpacked files by paths inside the zip."""
        findings = (
            replace(finding, path=finding.path and self.named(finding.path))
            for finding in item.findings
        )
        return replace(item, path=self.named(item.path), findings=tuple(findings))

    def named(self, path: Path) -> Path:
        """Return a path as the user knows it: inside the zip, if it was unpacked."""
        inside = path.is_relative_to(self.inside)
        return self.path / path.relative_to(self.inside) if inside else path


def named_as_splits(sources: Sequence[Source]) -> list[Source]:
    """Return sources with the splits that their own names are, where these are several."""
    splits = [_split_in(source) for source in sources]
    if len(set(splits) - {None}) < 2:
        return list(sources)
    return [replace(source, split=split) for source, split in zip(sources, splits, strict=True)]


def _split_in(source: Source) -> str | None:
    by_name = None if source.path.is_dir() else split_in_name(source.path)
    return usual_split(by_name or split_of([source.label]))


def _folders(path: Path, root: Path) -> tuple[str, ...]:
    """Return the folders between a source and one of its files."""
    inside = path.is_relative_to(root) and path != root
    return path.relative_to(root).parts[:-1] if inside else ()


def _file_of(item: Annotated) -> Path | None:
    return item.picture if isinstance(item.picture, Path) else None


def _own_name(item: Annotated) -> str:
    """Return an image's name; that of `a.jpg.png` is `a.jpg`, of which readers may leave `a`."""
    own = _file_of(item)
    folders, slash, name = item.name.rpartition("/")
    called = name if own is None else image_name(own.name)
    return f"{folders}{slash}{called}" if image_name(called) == name else item.name


_Taken = tuple[Path | str | None, str | None]
"""The file of an image, or a digest of one inside a file of marks, and its split."""


def _told_apart(item: Annotated, taken: dict[str, _Taken], root: Path) -> Annotated:
    """Rename an image whose name another picture of the source has; its own is `taken` now."""
    own = item.picture
    key = hashlib.blake2b(own).hexdigest() if isinstance(own, bytes) else own
    names = _names_of(item, taken.get(item.name, (None, None))[0], root)
    name, message = next(
        (name, message)
        for name, message in names
        if name not in taken or _is_same(taken[name], (key, item.split))
    )
    taken.setdefault(name, (key, item.split))
    finding = Finding("unsure", message, item.path, item.entry)
    return replace(item, name=name, findings=item.findings + ((finding,) if message else ()))


def _is_same(first: _Taken, second: _Taken) -> bool:
    """Whether two images of one name are one; in two splits, which are folders, only one file."""
    (one, one_split), (other, other_split) = first, second
    if one == other or (other_split and one_split != other_split):
        return one == other
    if isinstance(one, Path) and isinstance(other, Path):
        return is_same_picture(one, other)
    return not (isinstance(one, str) and isinstance(other, str))


def _names_of(item: Annotated, first: Path | str | None, root: Path) -> Iterator[tuple[str, str]]:
    """Yield the names that an image may get, the best first, each with what to say."""
    own = _file_of(item)
    yield item.name, ""
    if item.split:
        yield f"{item.split}/{item.name}", ""  # a folder to most tools
    elif own and isinstance(first, Path) and own.suffix != first.suffix and own.stem == first.stem:
        name = f"{item.name}_{own.suffix[1:]}"
        yield (
            name,
            f"the images {first.name!r} and {own.name!r} differ in nothing but their ending; the "
            f"second is called {name!r}",
        )
    folders = _folders(item.path, root)
    own_folder = ("/".join((*folders, item.name)),) if folders else ()
    for name in chain(own_folder, (f"{item.name}_{number}" for number in count(2))):
        yield (
            name,
            f"the image {item.name!r} is another picture than the first of that name; it is "
            f"called {name!r}",
        )


def check_heeded(options: SourceOptions, read: Mapping[Path, Format | None]) -> None:
    """Refuse an option of a user that nothing is read by.

    Args:
        options: The options.
        read: Files and folders with their formats; None: a folder that is used as it is.

    Raises:
        RecipeError: There is one.
    """
    formats = [format_ for format_ in read.values() if format_ is not None]
    heeded = {option for format_ in formats for option in format_.heeds}
    for option in ("unlabelled", "void", "palette", "label_maps", "crowd"):
        if option in heeded or getattr(options, option) == getattr(SourceOptions(), option):
            continue
        known = ", ".join(format_.name for format_ in FORMATS if option in format_.heeds)
        what = ", ".join(
            f"{path} is {f'in the format {format_.name}' if format_ else 'used as it is'}"
            for path, format_ in read.items()
        )
        hint = "".join(
            f"; --format label-pngs --classes {shlex.quote(str(path / 'classes.txt'))} reads the "
            "label maps alone, with it"
            for path, format_ in read.items()
            if option != "crowd" and format_ in (FOLDER, None) and (path / "masks").is_dir()
        )
        raise RecipeError(
            f"{option}: has no effect, as {what}; formats that it is for: {known}{hint}"
        )


@contextmanager
def opened_source(path: Path, format_name: str | None = None) -> Iterator[Source]:
    """Open a file or folder of marks, in whatever format.

    Args:
        path: The file, folder, or a zip of one.
        format_name: Name of the format, where its content is not enough.

    Yields:
        What can be read inside the block, where images out of a zip are there, too.

    Raises:
        DataError: It is in no format that is known, or cannot be unpacked.
    """
    with unpacked(path) as inside:
        try:
            yield Source(path, inside, find_format(inside, format_name))
        except DataError as error:
            if inside == path:
                raise
            raise DataError(str(error).replace(str(inside), str(path))) from error
