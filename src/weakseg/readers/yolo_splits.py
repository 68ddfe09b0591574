"""Splits that a data.yaml of YOLO states: folders of images, and lists of their paths."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.data_folders import settled_names
from weakseg.images.names import NameIndex
from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry
from weakseg.support.folders import existing, read_entries, split_of, usual_split
from weakseg.support.parts import leaves_temporary
from weakseg.support.wording import counted

_KEYS = ("train", "val", "valid", "validation", "test")
_DEEPEST = 16  # folders of a path that are looked at
_LONGEST = 4096  # characters of a path

Stated = tuple[tuple[str, str], ...]
"""Pairs of a key, which names a split, and the path of its folder or list, as written."""


def stated_splits(tree: Mapping[str, Any]) -> Stated:
    """Return what a data.yaml states under train, val and test: a path, or a list of them.

    Examples:
        >>> stated_splits({"train": ["a.txt", "b"], "valid": "../valid/images", "test": None})
        (('train', 'a.txt'), ('train', 'b'), ('valid', '../valid/images'))
    """
    pairs = []
    for key in _KEYS:
        value = tree.get(key)
        paths = value if isinstance(value, list) else [value]
        pairs += [(key, path) for path in paths if isinstance(path, str) and path.strip()]
    return tuple(pairs)


def unread_splits(tree: Mapping[str, Any], path: Path) -> tuple[Finding, ...]:
    """Return a finding for each value of a data.yaml under train, val or test that is no path."""
    found = []
    for key in _KEYS:
        value = tree.get(key)
        paths = value if isinstance(value, list) else [value]
        wrong = [item for item in paths if item is not None and not isinstance(item, str)]
        if wrong:
            message = f"expected a path, or a list of them, but got {wrong[0]!r:.60}; left out"
            found.append(Finding("unread", message, path, f"'{key}'"))
    return tuple(found)


class SplitFinder:
    """The splits of images, by what a data.yaml states.

    Args:
        config: The data.yaml.
        root: Folder of the images.
        stated: What it states.
        images: The images there are, or should be: paths below the root, without the ending.

    Attributes:
        findings: Lists and folders that are missing, entries of no image, images in several splits.

    Raises:
        DataError: A list cannot be read.
    """

    def __init__(self, config: Path, root: Path, stated: Stated, images: Iterable[str]) -> None:
        self._root = root
        self._folders = (root, config.parent)
        self._images = tuple(dict.fromkeys(images))
        self._index = NameIndex(self._images)
        ends = Counter(name.rpartition("/")[2] for name in self._images)
        self._by_end = {
            end: name for name in self._images if ends[end := name.rpartition("/")[2]] == 1
        }
        self._ends = NameIndex(self._by_end)
        self._splits: dict[str, list[str]] = {}
        self.findings: tuple[Finding, ...] = ()
        for key, written in stated:
            split = usual_split(key) or key
            for name in self._stated(config, key, written):
                splits = self._splits.setdefault(name, [])
                if split not in splits:
                    splits.append(split)
        for index in (self._index, self._ends):
            self.findings += settled_names(index, config)
        self._note_shared(config)

    def split_of(self, image: str) -> str | None:
        """Return the split of an image: of several, the first of train, val and test."""
        return next(iter(self._splits.get(image, ())), None)

    def _stated(self, config: Path, key: str, written: str) -> list[str]:
        """Return the images of a folder, or of a list."""
        place = self._place(written)
        if place is not None:
            if place.is_file():
                return list(self._listed(place))
            inside = Path(os.path.relpath(place, self._root)).as_posix()
            return list(self._inside("" if inside == "." else f"{inside}/"))
        # Labels alone may lie like the images of a folder that is elsewhere.
        for end in _ends(written):
            names = list(self._inside(f"{end}/"))
            if names:
                return names
        what = "list" if written.strip().lower().endswith(".txt") else "folder"
        message = f"the {what} {written[:200]!r} is not there, nor one beside this file"
        self.findings += (Finding("missing", message, config, f"'{key}'"),)
        return []

    def _place(self, written: str) -> Path | None:
        """Find a folder or list as written, else by the end of its path, as on another machine."""
        for end in _ends(written):
            for folder in self._folders:
                path = folder / end
                if (existing(path) or _is_folder(path)) and not leaves_temporary(folder, path):
                    return path
        return None

    def _inside(self, start: str) -> Iterator[str]:
        """Yield the images below a folder; folders in it that name a split are not part of it."""
        for name in self._images:
            if name.startswith(start):
                between = name.removeprefix(start).split("/")[:-1]
                if split_of(between) is None:
                    yield name

    def _listed(self, path: Path) -> Iterator[str]:
        lost: list[tuple[Entry, str]] = []
        for entry, line in read_entries(path):
            name = self._find(line)
            if name is None:
                lost.append((entry, line))
            else:
                yield name
        if lost:
            entry, line = lost[0]
            count = counted(len(lost) - 1, "more such line")
            more = f", and {count}" if len(lost) > 1 else ""
            message = f"there is no image {line[:200]!r}; left out{more}"
            self.findings += (Finding("missing", message, path, entry.name),)

    def _find(self, line: str) -> str | None:
        tails = list(_tails(line))
        found = next(filter(None, map(self._index.find, tails)), None)
        if found is None and tails:
            end = self._ends.find(tails[-1])
            found = None if end is None else self._by_end[end]
            if found and not _may_be(tails[0].split("/"), found.split("/")):
                return None
        return found

    def _note_shared(self, config: Path) -> None:
        shared = [(name, splits) for name, splits in self._splits.items() if len(splits) > 1]
        if shared:
            name, splits = shared[0]
            count = counted(len(shared) - 1, "more such image")
            more = f", and {count}" if len(shared) > 1 else ""
            message = f"is in the splits {' and '.join(splits)}; put in {splits[0]} alone{more}"
            self.findings += (Finding("duplicate", message, config, f"image {name!r}"),)


def _ends(written: str) -> list[str]:
    """Return a path as written, then the ends of it that may be the same folder or list."""
    whole, *ends = _tails(written)
    # The end "images" of "val/images" may be another folder.
    named = split_of(whole.split("/"))
    return [whole, *(end for end in ends if named is None or split_of(end.split("/")))]


def _tails(written: str) -> Iterator[str]:
    """Yield a path as written, then its ends, the longest first.

    Examples:
        >>> list(_tails("./images/a.jpg"))
        ['images/a.jpg', 'a.jpg']
    """
    text = written.strip()[-_LONGEST:].replace("\\", "/")
    if text.startswith(("/", "../")):
        yield text
    parts = [part for part in text.split("/") if part not in {"", ".", ".."}]
    parts = parts[-_DEEPEST:]
    if not parts and text:
        yield text
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _may_be(listed: Sequence[str], there: Sequence[str]) -> bool:
    """Whether the folders of a listed image and of one that is there are not of two splits."""
    return len({split_of(listed[:-1]), split_of(there[:-1])} - {None}) < 2


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long, for one
        return False
