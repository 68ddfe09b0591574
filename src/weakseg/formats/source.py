"""Interface of all readers: formats, options, annotated images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from weakseg.formats.picture_search import PictureSearch
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks
from weakseg.support.errors import DataError
from weakseg.support.folders import safely


@dataclass(frozen=True)
class SourceOptions:
    """Options of a user about files to read.

    Args:
        images: Folders in which images are looked for, beside where the files say they are.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means void, the ignore index.
        palette: File that maps colours to classes, for colour-coded masks.
        label_maps: Whether label maps are full masks or scribbles: "masks" or "scribbles".
        crowd: What COCO's crowds are: "void" or "object"; None: void in the published files of
            COCO, objects elsewhere.
        joins: Whether other sources hold marks of the same images: label maps are read as areas,
            which can be joined.
        search: The search for images, which collects findings.
    """

    images: tuple[Path, ...] = ()
    unlabelled: int | None = None
    void: int | None = None
    palette: Path | None = None
    label_maps: str = "masks"
    crowd: str | None = None
    joins: bool = False
    search: PictureSearch = field(default_factory=PictureSearch, compare=False)


def named_folders(folders: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the folders of images that a user names.

    Raises:
        DataError: One is not there.
    """
    paths = tuple(map(Path, folders))
    for path in paths:
        if not path.is_dir():
            raise DataError("images: there is no such folder", path=path)
    return paths


@dataclass(frozen=True)
class Annotated:
    """Image and its marks, as read from a file.

    Args:
        name: The image's path as in the file, without the ending and with "/" between
            folders; what images of several sources are matched by.
        marks: Its marks, in pixels of the image.
        picture: The image file, where found; or the image itself, where embedded.
        size: Height and width, where the file states them.
        split: Name of the split, where the file states it.
        path: The file of marks.
        entry: Where in the file.
        findings: Odd things in the file.
        is_listed: The split is stated by a list or a column, not by a folder's name alone, so that
            an image without one is in none.
        why_missing: Why the image is not there, if it is not and was looked for.
    """

    name: str
    marks: Marks
    picture: Path | bytes | None
    size: tuple[int, int] | None
    path: Path
    entry: str | None = None
    split: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    is_listed: bool = False
    why_missing: str = ""


def ending_with(
    images: Iterable[Annotated], findings: Callable[[], tuple[Finding, ...]]
) -> Iterator[Annotated]:
    """Yield images; the last one has the findings that are known when all are read.

    Args:
        images: The images, as a reader yields them.
        findings: Called when the last one is read.
    """
    last: Annotated | None = None
    for image in images:
        if last is not None:
            yield last
        last = image
    if last is not None:
        yield replace(last, findings=last.findings + findings())


Read = Callable[[Path, ClassFinder, SourceOptions], Iterator[Annotated]]


@dataclass(frozen=True)
class Format:
    """Format that can be read.

    Args:
        name: Its name on the command line.
        summary: What it is, in one line.
        fits: Whether a file or folder is of this format, by its content, at low cost; where it
            raises an error, it is not.
        read: Reads it, image by image. Classes that the file lists are looked up in their
            order, before the first image.
        heeds: The options about values of pixels and crowds that it reads by.
    """

    name: str
    summary: str
    fits: Callable[[Path], bool]
    read: Read
    heeds: tuple[str, ...] = ()

    def recognises(self, path: Path) -> bool:
        """Whether a file or folder is of this format; nothing is raised."""
        return safely(self.fits)(path)
