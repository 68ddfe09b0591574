"""The list of classes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.errors import DataError
from weakseg.method.constants import MAX_CLASSES

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""The 20 classes of PASCAL VOC, after background."""


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
        return self.names[0].lower() in {"background", "bg", "_background_"}

    def find(self, value: Any, *, path: Path | None = None, entry: str | None = None) -> int:
        """Give the id of a class.

        Args:
            value: A name, or an id as a number.
            path: The file in which the value stands, for the message.
            entry: The place in it.

        Raises:
            DataError: There is no such class.
        """
        if isinstance(value, str) and value in self.names:
            return self.names.index(value)
        text = str(value)
        if not isinstance(value, bool) and text.isdigit() and int(text) < len(self):
            return int(text)
        near = difflib.get_close_matches(text, self.names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(
            f"class {value!r} is not among the {len(self)} of {self.source}{hint}",
            path=path,
            entry=entry,
        )


def read_classes(path: Path) -> ClassList:
    """Read a file with one class name a line.

    Raises:
        DataError: The file is missing, empty, names a class twice or names too many.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError("there is no such file; it lists one class name a line, background first",
                        path=path) from None  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"is not readable as text ({error})", path=path) from error
    names = [line.strip() for line in lines if line.strip()]
    if not 1 < len(names) <= MAX_CLASSES:
        raise DataError(
            f"expected 2 to {MAX_CLASSES} class names, one a line, but got {len(names)}", path=path
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"class {twice!r} is listed twice", path=path)
    return ClassList(tuple(names), str(path))
