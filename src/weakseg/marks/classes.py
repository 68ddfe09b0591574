"""The list of classes."""

from __future__ import annotations

import difflib
import re
import shlex
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from weakseg.marks.label_values import MAX_CLASSES, VOID
from weakseg.support.entries import NOWHERE, Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import read_lines

VOC_CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
"""The 20 classes of PASCAL VOC, after background."""


BACKGROUND_NAMES = {"background", "bg", "_background_"}


class ClassFinder(Protocol):
    """Class ids by name: a ClassList, or an open list that adds new names."""

    def find(self, value: Any, entry: Entry = NOWHERE) -> int:
        """Return the id of a class; `VOID` and `DROPPED` are possible."""
        ...


@dataclass(frozen=True)
class ClassList:
    """Names of classes by their id.

    Args:
        names: Names; the place is the id.
        source: The file that lists them, for messages.

    Examples:
        >>> ClassList(("background", "cat")).find("cat")
        1
    """

    names: tuple[str, ...]
    source: str = "the class list"

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_background(self) -> bool:
        """Class 0 is background, and so no tag."""
        return self.names[0].lower() in BACKGROUND_NAMES

    def find(self, value: Any, entry: Entry = NOWHERE) -> int:
        """Return the id of a class.

        Args:
            value: A name, or an id as a number.
            entry: Where the value stands, for the message.

        Raises:
            DataError: There is no such class.
        """
        if isinstance(value, str) and value in self.names:
            return self.names.index(value)
        text = str(value)
        alike = [class_id for class_id, name in enumerate(self.names) if _nfc(name) == _nfc(text)]
        if isinstance(value, str) and len(alike) == 1:
            return alike[0]
        if not isinstance(value, bool) and text.isdigit() and int(text) < len(self):
            return int(text)
        near = difflib.get_close_matches(text, self.names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise entry.error(f"class {value!r} is not among the {len(self)} of {self.source}{hint}")

    def mirrored(self, pairs: Sequence[Sequence[str]]) -> list[int]:
        """Return the class that takes the place of each class in a mirrored image.

        Args:
            pairs: Names of classes that change places, such as left and right hand.

        Returns:
            A class id for each class.

        Raises:
            DataError: A name is no class.

        Examples:
            >>> ClassList(("background", "left", "right")).mirrored([["left", "right"]])
            [0, 2, 1]
        """
        ids = list(range(len(self)))
        for pair in pairs:
            one, other = (self.find(name, Entry(name="mirror_swap")) for name in pair)
            ids[one], ids[other] = other, one
        return ids


def _nfc(name: str) -> str:
    """Return a name with its letters composed, so that its spellings in Unicode are one."""
    return unicodedata.normalize("NFC", name)


def alike_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of names that differ in capitals, spaces, dashes or forms of letters alone.

    Examples:
        >>> alike_names(["cat", "traffic light", "dog", "Traffic_Light"])
        [('traffic light', 'Traffic_Light')]
    """
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        key = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", name)).strip().casefold()
        other = first.setdefault(key, name)
        if other != name:
            pairs.append((other, name))
    return pairs


def odd_names(names: Sequence[str]) -> list[str]:
    """Return what is to be reported about the names of classes.

    Examples:
        >>> for message in odd_names(["cat", "cat|dog", "background"]):
        ...     print(message)
        class 'cat|dog' holds '|': if it is several classes, separate them by commas
        'background' is class 2 of the list, and class 0 is 'cat': write background first
    """
    several = [
        f"class {name!r} holds {sign!r}: if it is several classes, separate them by commas"
        for name in names
        for sign in "|;"
        if all(map(str.strip, name.split(sign))) and sign in name
    ]
    later = [
        f"{name!r} is class {class_id} of the list, and class 0 is {names[0]!r}: write "
        "background first"
        for class_id, name in enumerate(names)
        if class_id and name.lower() in BACKGROUND_NAMES
    ]
    return [*map(alike_message, alike_names(names)), *several, *later]


def alike_message(pair: tuple[str, str]) -> str:
    """Return what is to be reported about two classes whose names are alike."""
    one, other = pair
    if _nfc(one) == _nfc(other):
        return (
            f"the class {one!r} is there twice, with composed and with decomposed letters; "
            "`weakseg import` makes them one"
        )
    return (
        f"the classes {one!r} and {other!r} differ in capitals or spaces alone; if they are one, "
        f"import with --class-map {shlex.quote(f'{one}={other}')}"
    )


def decomposed_message(name: str) -> str:
    """Return what is to be reported about a class of `OpenClassList.decomposed`."""
    return (
        f"class {name!r} is also spelled with decomposed letters in the files; all its spellings "
        "are one class, with composed letters"
    )


def read_classes(path: Path, *, hint: str = "") -> ClassList:
    """Read a file with one class name a line.

    Args:
        path: The file.
        hint: End of the message where there is no such file.

    Raises:
        DataError: The file is missing, empty, names a class twice or names too many.
    """
    lines = read_lines(path, hint=f"; it lists one class name a line, background first{hint}")
    names = [line.strip() for line in lines if line.strip()]
    if not 1 < len(names) <= MAX_CLASSES:
        raise Entry(path).error(
            f"expected 2 to {MAX_CLASSES} class names, one a line, but got {len(names)}"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"class {twice!r} is listed twice", path=path)
    return ClassList(tuple(names), str(path))


DROPPED = -1
"""Id of a class whose marks are left out, as the user wants it."""

_VOID_NAMES = {"__ignore__", "void", "ignore", "ignore*"}  # labelme's, ours, QuPath's


class OpenClassList:
    """Class list that grows by every new name looked up, for files whose classes vary.

    Id 0 is background from the start; names that mean background, or void, are known. Names are
    kept with composed letters, however they are spelled in Unicode.

    Args:
        names: Names to begin with.
        rename: Other names for classes of the files, by the files' names; "void" leaves the
            marked pixels out. An empty name stands for marks without a label.
        drop: Classes whose marks are left out.
        closed: Refuse new names.

    Examples:
        >>> classes = OpenClassList(rename={"kitten": "cat"}, drop=["dog"])
        >>> [classes.find(name) for name in ("cat", "kitten", "cow", "dog", "void")]
        [1, 1, 2, -1, 255]
        >>> classes.names
        ['background', 'cat', 'cow']
    """

    def __init__(
        self,
        names: Sequence[str] = ("background",),
        *,
        rename: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
        closed: bool = False,
    ) -> None:
        self.names = list(map(_nfc, names))
        self._rename = {_nfc(old): _nfc(new) for old, new in (rename or {}).items()}
        self._drop = set(map(_nfc, drop))
        self.decomposed: set[str] = set()
        self._closed = closed
        self.looked_up: set[str] = set()

    @property
    def is_closed(self) -> bool:
        """Whether new names are refused, as the user lists the classes."""
        return self._closed

    @property
    def names_unlabelled(self) -> bool:
        """Whether marks without a label are of a class."""
        return "" in self._rename

    def find(self, value: Any, entry: Entry = NOWHERE) -> int:
        """Return the id of a class, by its name or, in a closed list, its number.

        Raises:
            DataError: There is no such class, where the list is closed; or the value is no name, or
                one more than a label map can hold.
        """
        name = self._name_of(value, entry)
        self.looked_up.add(name)
        known_as = self._rename.get(name, name)
        if {name, known_as} & self._drop:
            return DROPPED
        if len(known_as.splitlines()) > 1:
            raise entry.error(
                f"class {known_as!r} holds a line break, which no list of classes can hold; rename "
                "it in the tool, or leave it out with --drop"
            )
        if known_as in self.names:
            return self.names.index(known_as)
        if known_as.lower() in _VOID_NAMES:
            return VOID
        if known_as.lower() in BACKGROUND_NAMES and "background" in self.names[:1]:
            return 0
        if self._closed:
            return ClassList(tuple(self.names)).find(known_as, entry)
        if len(self.names) == MAX_CLASSES:
            raise entry.error(
                f"class {known_as!r} is one more than the {MAX_CLASSES} that a label map can hold; "
                "keep those you need with --class-map and --drop, or list them with --classes FILE"
            )
        self.names.append(known_as)
        return len(self.names) - 1

    def _name_of(self, value: Any, entry: Entry) -> str:
        if value == "" and self.names_unlabelled:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            raise entry.expected("the name of a class", value)
        written = str(value).strip()
        name = _nfc(written)
        if name != written:
            self.decomposed.add(name)
        if isinstance(value, str) or name in self._rename or name in self._drop:
            return name
        if self._closed:
            return self.names[ClassList(tuple(self.names)).find(value, entry)]
        raise entry.error(
            f"class {value} is a number; say which class it is with --classes FILE, one name a "
            f"line in the order of the numbers, or with --class-map {name}=NAME"
        )

    @property
    def unused(self) -> set[str]:
        """Names to rename or drop that no file holds; misspelt, probably."""
        return (self._rename.keys() | self._drop) - self.looked_up - set(self._rename.values())
