"""What the looks at foreign files have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from weakseg.formats.readers.by_datumaro.fields import check_size
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.images.reading import IMAGE_SUFFIXES, image_size, opened
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")

_HEAD = 1 << 18  # bytes of a file that are enough to know its format


def holds_texts(path: Path, texts: Sequence[str]) -> bool:
    """Tell whether all of some texts stand in a file, however large it is."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return all(content.find(text.encode()) >= 0 for text in texts)


def head(path: Path) -> str:
    """Give the beginning of a text file, whatever it holds."""
    with path.open("rb") as file:
        data = file.read(_HEAD)
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return data.decode(encoding, errors="replace")


def nearest_files(folder: Path, limit: int = 3000) -> Iterator[Path]:
    """Go through the files below a folder, the nearest first, up to a number of them."""
    yield from islice(_breadth_first(folder), limit)


def _breadth_first(folder: Path) -> Iterator[Path]:
    folders = deque([folder])
    while folders:
        inside = sorted(folders.popleft().iterdir())
        yield from (path for path in inside if path.is_file())
        folders.extend(path for path in inside if path.is_dir() and not path.is_symlink())


def safely(recognises: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Make a test of a format that never fails: what cannot be read is not of the format."""

    def test(path: Path) -> bool:
        try:
            return recognises(path)
        except Exception:
            return False

    return test


def files_of(path: Path, patterns: Sequence[str], belongs: Callable[[Path], bool]) -> list[Path]:
    """Give the files of a format.

    Args:
        path: A file, which is taken as it is, or a folder.
        patterns: Where in the folder the files may be.
        belongs: Tells whether a file is of the format.

    Raises:
        DataError: There is none.
    """
    if path.is_file():
        return [path]
    found = {file for pattern in patterns for file in path.glob(pattern)}
    files = [file for file in sorted(found) if file.is_file() and safely(belongs)(file)]
    if not files:
        raise DataError("holds no file of this format", path=path)
    return files


def holds_file(path: Path, patterns: Sequence[str], belongs: Callable[[Path], bool]) -> bool:
    """Tell whether a path is a file of a format, or a folder with one among its first files."""
    if path.is_file():
        return any(path.match(pattern) for pattern in patterns) and belongs(path)
    few = (file for pattern in patterns for file in islice(sorted(path.glob(pattern)), 20))
    return any(belongs(file) for file in few)


def copy_mask(mask: Path, place: Path) -> None:
    """Put a mask to another place, as a PNG of the same values.

    It is written anew: datumaro refuses links that lead out of its folder, and OpenCV, which it
    reads masks with, takes a file that is cut off for one with black at the end.

    Raises:
        DataError: The mask is damaged.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened(mask, what="mask") as picture:
        picture.save(place, format="PNG", compress_level=1)


def write(path: Path, text: str) -> Path:
    """Write a small text file, and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mask_size(path: Path) -> Size:
    """Give height and width of a mask from its header.

    Raises:
        DataError: It is missing, no picture or too large.
    """
    size = image_size(path)
    check_size(size, Where(path))
    return size


def split_of(parts: Sequence[str]) -> str | None:
    """Give the split that folders of a path name."""
    return next((part for part in parts if part.lower() in SPLITS), None)


def is_image(path: Path) -> bool:
    """Tell from its ending whether a file is an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def existing(path: Path) -> Path | None:
    """Give a file that is there; a path that cannot be one is not."""
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):  # a name too long, for one
        return None


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file.

    Raises:
        DataError: It is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"is not readable as text ({error})", path=path) from error


def header_size(image: Path | None, where: Where, findings: list[Finding]) -> Size | None:
    """Give the size of an image that marks are shares of; where there is none, say so.

    Args:
        image: The image, if found.
        where: Where the marks are.
        findings: Takes up what is wrong.
    """
    if image is None:
        findings.append(
            where.finding(
                "missing",
                "the marks are shares of the image's size, and the image is not there; left out",
            )
        )
        return None
    try:
        return image_size(image)
    except DataError as error:
        message = str(error).removeprefix(f"{image}: ")
        findings.append(Finding("damaged", message, image))
        return None


def without_numbers(items: Iterable[Any]) -> list[Any]:
    """Take the numbers of objects away where datumaro numbers the masks of whole classes."""
    numbered = list(items)
    for item in numbered:
        for annotation in item.annotations:
            annotation.id = annotation.group = 0
    return numbered
