"""What every reader of a format gives, and what it is given."""

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
    """Names of classes to ids: a ClassList, or an open list that takes up new names."""

    def find(self, value: Any, *, path: Path | None = None, entry: str | None = None) -> int:
        """Give the id of a class; `VOID` and `DROPPED` are possible."""
        ...


@dataclass(frozen=True)
class SourceOptions:
    """What a user may say about files to read.

    Args:
        images: Folders in which images are looked for, beside where the files say they are.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means "leave out".
        palette: File that says which colour is which class, for colour-coded masks.
        label_maps: Whether label maps are full masks or scribbles: "masks" or "scribbles".
    """

    images: tuple[Path, ...] = ()
    unlabelled: int | None = None
    void: int | None = None
    palette: Path | None = None
    label_maps: str = "masks"


@dataclass(frozen=True)
class Annotated:
    """One image as a file of marks tells of it.

    Args:
        name: The image's path as the file gives it, without the ending and with "/" between
            folders; what images of several sources are matched by.
        marks: Its marks, in pixels of the image.
        picture: The image file, where found; or the image itself, where embedded.
        size: Height and width, where the file says so.
        split: Name of the split, where the file says so.
        path: The file of marks.
        entry: Where in the file.
        findings: What was odd.
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
    """A format that can be read.

    Args:
        name: Its name on the command line.
        summary: What it is, in one line.
        recognises: Tells from a file's or folder's content, at low cost and without errors,
            whether it is of this format.
        read: Reads it, image by image. It asks the class finder for the classes in the order in
            which the file lists them, where it lists them, before the first image.
    """

    name: str
    summary: str
    recognises: Callable[[Path], bool]
    read: Read


def find_picture(written: str, source: Path, options: SourceOptions) -> Path | None:
    """Find the image that a file of marks names.

    It is looked for where the file says, relative to the file; in the user's folders of images, by
    its path and by its name alone; beside the file; and in a folder `images` beside the file or
    its parent.

    Args:
        written: The image's path as the file gives it, with either kind of slash; with or without
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
    r"""Give an image's name as in `Annotated.name`.

    Examples:
        >>> image_name("..\\photos\\cat.final.jpg")
        'photos/cat.final'
    """
    path = Path(written.replace("\\", "/"))
    parts = [part for part in path.parts if part not in {"..", "."} and part != path.anchor]
    name = "/".join(parts)
    return name.removesuffix(path.suffix) if path.suffix.lower() in IMAGE_SUFFIXES else name


def read_number(value: Any, what: str, path: Path, entry: str | None = None) -> float:
    """Take a finite number out of a file.

    Args:
        value: What stands there; a number or its text.
        what: What it is, for the message.
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
    """Take a whole number, or its text, out of a file.

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
    """Turn the path of an image that a file gives into its name; see `image_name`.

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
    """Take a list of places [[x, y], …] out of a file.

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
