"""Names of images as people write them, matched with the images that are there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property

from weakseg.images.reading import IMAGE_SUFFIXES, image_name

NameOf = Callable[[str], str]
"""Function from an image's name, as a file of marks has it, to the name that is in use."""

# What may stand behind a name: whether the image is of a class, or the path of its mask.
_PICTURE = "|".join(suffix[1:] for suffix in IMAGE_SUFFIXES)
_COLUMN = re.compile(rf"\s+(?:-?1|0|\S.*\.(?:{_PICTURE}))\s*", re.IGNORECASE)
_FOLDERS = ("images/", "JPEGImages/")


def folded(name: str) -> str:
    """Return a name's form in which neither case nor Unicode's normal form plays a part.

    Examples:
        >>> folded("Cat (2).JPG")
        'cat (2).jpg'
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def name_fault(name: str) -> str | None:
    """Return why an image's name cannot stand in lists and tables, or None if it can.

    Examples:
        >>> name_fault("photos/cat (2), 50 %")
        >>> name_fault("cat" + chr(10) + "2").partition(", ")[0].partition("holds")[2]
        ' a line break'
    """
    if any(mark in name for mark in "\n\r\0"):
        fault = "holds a line break, which no list of images can hold"
    elif any("\ud800" <= mark <= "\udfff" for mark in name):
        fault = "is not UTF-8, as all lists and tables are"
    else:
        return None
    return f"the name {name!r} {fault}: rename the file"


def plain_name(written: str) -> str:
    """Return the name of an image where it is not known which images there are."""
    return image_name(written.strip())


class NameIndex:
    """The names of images, found by what people write for them.

    Args:
        names: Names of the images there are: paths inside their folder, without the ending.

    Attributes:
        settled: Names found in another case or normal form, by what was written.

    Examples:
        >>> index = NameIndex(["cat (2)", "dog"])
        >>> [index.find(text) for text in ("cat (2)", "images/cat (2).jpg", "Dog.png", "cat")]
        ['cat (2)', 'cat (2)', 'dog', None]
        >>> index.settled
        {'Dog.png': 'dog'}
        >>> index.lines(["cat (2) 1", "dog -1"])
        ['cat (2)', 'dog']
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = frozenset(names)
        self.settled: dict[str, str] = {}

    def find(self, written: str) -> str | None:
        """Return the image that a name means, or None.

        The whole text is the name wherever there is such an image. Else it is read without space
        around it, without its ending, and without a folder of images before it. Case and normal
        form play no part where just one image is left.
        """
        if written in self._names:
            return written
        readings = list(_readings(written))
        for text in readings:
            if text in self._names:
                return text
        for text in readings:
            alike = self._folded.get(folded(text), [])
            if len(alike) == 1:
                self.settled[written] = alike[0]
                return alike[0]
        return None

    def name_of(self, written: str) -> str:
        """Return the image that a name means; of one that is not there what is written."""
        found = self.find(written)
        return plain_name(written) if found is None else found

    def lines(self, lines: Sequence[str]) -> list[str]:
        """Return the images that the lines of a list mean; of one not there what is written.

        A line is a name. Where all lines have a second column, 1, 0, -1 or the path of a mask, a
        line may also be a name and that.
        """
        columns = [list(_without_column(line)) for line in lines]
        if not all(columns):
            columns = [[] for _ in lines]
        return [self._named(line, first) for line, first in zip(lines, columns, strict=True)]

    def _named(self, line: str, first: Sequence[str]) -> str:
        found = next(filter(None, map(self.find, (line, *first))), None)
        return plain_name(first[0] if first else line) if found is None else found

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._names:
            found.setdefault(folded(name), []).append(name)
        return found


def _readings(written: str) -> Iterator[str]:
    """Yield what a name may mean, the whole of it first."""
    yield written
    name = written.strip()
    yield from (name, image_name(name))
    inside = name.removeprefix("./").lstrip("/")
    yield image_name(inside)
    for folder in _FOLDERS:
        if inside.startswith(folder):
            yield image_name(inside.removeprefix(folder))


def _without_column(line: str) -> Iterator[str]:
    """Yield what may stand before a second column, the longest first."""
    text = line.strip()
    ends = [match.start() for match in re.finditer(r"\s+", text)]
    yield from (text[:end] for end in reversed(ends) if _COLUMN.fullmatch(text[end:]))
