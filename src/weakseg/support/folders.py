"""Files of a format in a folder: finding and recognising them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePath

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.parts import is_part
from weakseg.support.texts import encoding_of, not_a_text, text_encoding

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")

_USUAL_SPLITS = {
    "training": "train",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "testing": "test",
}

_HEAD = 1 << 18  # bytes of a file that are enough to know its format
_PIECE = 1 << 18  # bytes of a file that are searched at once
_TRIED = 20  # files of a folder that tell its format

# Of macOS, Windows, Jupyter, Synology, git, and weakseg itself; in lower case.
_LITTER = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".ds_store",
    ".trashes",
    "__macosx",
    ".ipynb_checkpoints",
    "@eadir",
    ".git",
    ".weakseg",
    ".weakseg.lock",
    ".weakseg-files",
    ".weakseg-label",
}


def is_litter(path: PurePath) -> bool:
    """Whether a path is left by a program and holds no data, as "._cat.jpg" of macOS.

    A name that begins with a dot is a name like any other.

    Examples:
        >>> [is_litter(Path(name)) for name in ("__MACOSX/a.jpg", "._a.jpg", "Thumbs.db", "a.jpg")]
        [True, True, True, False]
    """
    if is_part(path.name):
        return True
    return any(part.startswith("._") or part.lower() in _LITTER for part in path.parts)


def files_below(folder: Path, *patterns: str) -> list[Path]:
    """List what is below a folder, in the order of paths, without what file managers leave there.

    Args:
        folder: The folder; one that is missing holds nothing.
        patterns: Where to look, as in ``("*.csv", "annotations/*.csv")``; by default everywhere.
    """
    found = {path for pattern in patterns or ("**/*",) for path in folder.glob(pattern)}
    return [path for path in sorted(found) if not is_litter(path.relative_to(folder))]


def safely(recognises: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Wrap a test of a format so that it never fails: what cannot be read is not of the format."""

    def test(path: Path) -> bool:
        try:
            return recognises(path)
        except Exception:
            return False

    return test


def files_of(path: Path, patterns: Sequence[str], belongs: Callable[[Path], bool]) -> list[Path]:
    """List the files of a format.

    Args:
        path: A file, which is taken as it is, or a folder.
        patterns: Where in the folder the files may be.
        belongs: Whether a file is of the format.

    Raises:
        DataError: There is none.
    """
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    if path.is_file():
        return [path]
    found = files_below(path, *patterns)
    files = [file for file in found if file.is_file() and safely(belongs)(file)]
    if not files:
        raise DataError("holds no file of this format", path=path)
    return files


def holds_file(path: Path, patterns: Sequence[str], belongs: Callable[[Path], bool]) -> bool:
    """Check whether a path is a file of a format, or a folder with one among its first files."""
    if path.is_file():
        return any(path.match(pattern) for pattern in patterns) and belongs(path)
    few = (file for pattern in patterns for file in islice(files_below(path, pattern), _TRIED))
    return any(belongs(file) for file in few)


def holds_texts(path: Path, texts: Sequence[str]) -> bool:
    """Check whether a file contains all of some texts, however large it is."""
    missing = {text.encode() for text in texts}
    overlap = max(map(len, missing), default=0)
    before = b""
    with path.open("rb") as file:
        while missing and (piece := file.read(_PIECE)):
            seen = before + piece
            missing = {text for text in missing if text not in seen}
            before = seen[-overlap:]
    return not missing


def head(path: Path) -> str:
    """Read the beginning of a text file; bytes that are no text are replaced."""
    with path.open("rb") as file:
        data = file.read(_HEAD)
    return data.decode(encoding_of(data), errors="replace")


def read_lines(path: Path, *, hint: str = "") -> list[str]:
    """Read the lines of a text file, which line feeds and carriage returns end, and nothing else.

    Args:
        path: The file.
        hint: End of the message where there is no such file.

    Raises:
        DataError: It is missing or no text.
    """
    try:
        lines = path.read_text(encoding=text_encoding(path)).split("\n")
    except FileNotFoundError:
        raise DataError(f"there is no such file{hint}", path=path) from None
    except (OSError, ValueError) as error:
        raise not_a_text(path, error) from error
    return lines if lines[-1] else lines[:-1]


def read_entries(path: Path) -> Iterator[tuple[Entry, str]]:
    """Read the lines of a text file that hold anything, stripped, each with its place.

    Raises:
        DataError: It is missing or no text.
    """
    for number, line in enumerate(map(str.strip, read_lines(path)), 1):
        if line:
            yield Entry(path, f"line {number}"), line


def nearest_files(folder: Path, limit: int = 3000) -> Iterator[Path]:
    """Iterate over the files below a folder, the nearest first, up to a number of them."""
    yield from islice(_breadth_first(folder), limit)


def _breadth_first(folder: Path) -> Iterator[Path]:
    folders = deque([folder])
    while folders:
        inside = files_below(folders.popleft(), "*")
        yield from (path for path in inside if path.is_file())
        folders.extend(path for path in inside if path.is_dir() and not path.is_symlink())


def split_of(parts: Sequence[str]) -> str | None:
    """Return the split that folders of a path name.

    Examples:
        >>> split_of(["labels", "val"])
        'val'
    """
    return next((part for part in parts if part.lower() in SPLITS), None)


def split_in_name(path: Path) -> str | None:
    """Return the split that a word of a file's name is.

    Examples:
        >>> split_in_name(Path("data/train_labels.csv"))
        'train'
    """
    return split_of(re.findall(r"[A-Za-z]+", path.stem))


def usual_split(name: str | None) -> str | None:
    """Return the usual name of a split that tools call otherwise; CVAT's "default" is none.

    Examples:
        >>> [usual_split(name) for name in ("Train", "valid", "dev", "fold1", "default")]
        ['train', 'val', 'val', 'fold1', None]
    """
    if name is None or name.lower() == "default":
        return None
    known = name.lower() in SPLITS
    return _USUAL_SPLITS.get(name.lower(), name.lower()) if known else name


def existing(path: Path) -> Path | None:
    """Return a file that is there, else None; a path that cannot be one is not there."""
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):  # a name too long, for one
        return None


def files_by_name(folder: Path, ending: str) -> dict[str, Path]:
    """Find the files below a folder, by their path inside it without the ending.

    Args:
        folder: The folder; one that is missing holds nothing.
        ending: Their ending, as ".xml", in capitals or not. Files of programs are passed over.
    """
    found = {}
    for path in files_below(folder):
        inside = path.relative_to(folder)
        if path.suffix.lower() == ending and path.is_file():
            found[inside.with_suffix("").as_posix()] = path
    return found


def first_files(path: Path, ending: str, patterns: tuple[str, ...] = ("*",)) -> list[Path]:
    """Return the file itself, or the first few files of a folder.

    Args:
        path: A file or a folder.
        ending: Their ending, as ".xml", in capitals or not.
        patterns: Where in the folder; the first that finds any counts.
    """
    if path.is_file():
        return [path] if path.suffix.lower() == ending else []
    for pattern in patterns:
        files = [item for item in files_below(path, pattern) if item.suffix.lower() == ending]
        if files:
            return files[:3]
    return []
