"""Interface of all readers: formats, options, annotated images, and checks of fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from weakseg.images.reading import IMAGE_SUFFIXES
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks
from weakseg.support.errors import DataError


class ClassFinder(Protocol):
    """Class ids by name: a ClassList, or an open list that adds new names."""

    def find(self, value: Any, *, path: Path | None = None, entry: str | None = None) -> int:
        """Return the id of a class; `VOID` and `DROPPED` are possible."""
        ...


@dataclass(frozen=True)
class SourceOptions:
    """Options of a user about files to read.

    Args:
        images: Folders in which images are looked for, beside where the files say they are.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means void, the ignore index.
        palette: File that maps colours to classes, for colour-coded masks.
        label_maps: Whether label maps are full masks or scribbles: "masks" or "scribbles".
    """

    images: tuple[Path, ...] = ()
    unlabelled: int | None = None
    void: int | None = None
    palette: Path | None = None
    label_maps: str = "masks"


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
    """

    name: str
    marks: Marks
    picture: Path | bytes | None
    size: tuple[int, int] | None
    path: Path
    entry: str | None = None
    split: str | None = None
    findings: tuple[Finding, ...] = field(default=())


Read = Callable[[Path, ClassFinder, SourceOptions], Iterator[Annotated]]


@dataclass(frozen=True)
class Format:
    """Format that can be read.

    Args:
        name: Its name on the command line.
        summary: What it is, in one line.
        recognises: Whether a file or folder is of this format, by its content, at low cost and
            without errors.
        read: Reads it, image by image. Classes that the file lists are looked up in their
            order, before the first image.
    """

    name: str
    summary: str
    recognises: Callable[[Path], bool]
    read: Read


def find_picture(written: str, source: Path, options: SourceOptions) -> Path | None:
    """Find the image that a file of marks names.

    It is looked for at the path in the file, relative to the file; in the user's folders of images,
    by its path and by its name alone; beside the file; and in a folder `images` beside the file or
    its parent.

    Args:
        written: The image's path as in the file, with either kind of slash; with or without
            an ending.
        source: The file of marks, or the folder.
        options: Where else to look.

    Returns:
        The image file, or None.
    """
    relative = Path(written.replace("\\", "/"))
    here = source if source.is_dir() else source.parent
    folders = [*options.images, here, here / "images", here.parent / "images"]
    for candidate in (relative, Path(relative.name)):
        for folder in folders:
            found = _with_some_ending(folder / candidate)
            if found is not None:
                return found
    return None


def _with_some_ending(path: Path) -> Path | None:
    try:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return path if path.is_file() else None
        endings = [*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES)]
        tries = (path.with_name(path.name + ending) for ending in endings)
        return next((item for item in tries if item.is_file()), None)
    except (OSError, ValueError):  # a name too long, or with a zero byte, is no file
        return None


def image_name(written: str) -> str:
    r"""Turn a path into an image's name as in `Annotated.name`.

    Examples:
        >>> image_name("..\\photos\\cat.final.jpg")
        'photos/cat.final'
    """
    path = Path(written.replace("\\", "/"))
    parts = [part for part in path.parts if part not in {"..", "."} and part != path.anchor]
    name = "/".join(parts)
    return name.removesuffix(path.suffix) if path.suffix.lower() in IMAGE_SUFFIXES else name


def read_number(value: Any, what: str, path: Path, entry: str | None = None) -> float:
    """Read a finite number.

    Args:
        value: A number or its text.
        what: Its name in messages.
        path: The file.
        entry: Where in it.

    Raises:
        DataError: It is no finite number.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"expected a number as {what}, but got {value!r:.60}", path=path, entry=entry
        )
    return number


def read_integer(value: Any, what: str, path: Path, entry: str | None = None) -> int:
    """Read a whole number or its text.

    Raises:
        DataError: It is none.
    """
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f"expected a whole number as {what}, but got {value!r:.60}", path=path, entry=entry
        ) from None


def read_name(written: str, path: Path, entry: str | None = None) -> str:
    """Read the name of an image from its path; see `image_name`.

    Raises:
        DataError: Nothing is left of it.
    """
    name = image_name(written)
    if not name:
        raise DataError(
            f"expected the name of an image, but got {written!r:.60}", path=path, entry=entry
        )
    return name


def read_path(value: Any, what: str, path: Path, entry: str) -> tuple[tuple[float, float], ...]:
    """Read a list of places [[x, y], …].

    Raises:
        DataError: It is no list of pairs of finite numbers.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DataError(
            f"expected a list of places as {what}, but got {value!r:.60}", path=path, entry=entry
        )
    places = []
    for place in value:
        if not isinstance(place, Sequence) or isinstance(place, str) or len(place) != 2:
            raise DataError(
                f"expected x and y in {what}, but got {place!r:.60}", path=path, entry=entry
            )
        x, y = place
        places.append(
            (
                read_number(x, f"x of {what}", path, entry),
                read_number(y, f"y of {what}", path, entry),
            )
        )
    return tuple(places)
