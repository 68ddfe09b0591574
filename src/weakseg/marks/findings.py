"""What is odd in people's data, yet no reason to stop: found, counted and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from weakseg.support.errors import MAX_MESSAGE, DataError
from weakseg.support.wording import shortened

Oddity = Literal[
    "size",  # marks were made on an image of another size
    "outside",  # a mark is partly or wholly outside its image
    "empty",  # a mark that covers nothing, or nearly nothing
    "duplicate",  # the same mark, or the same image, twice
    "conflict",  # marks of one kind give the same pixels to different classes
    "unmarked",  # an image without any mark
    "unknown",  # a class that is not in the class list
    "rare",  # a class with few images
    "unread",  # something that the format can say and weakseg does not use
    "unsure",  # several readings are possible, and one was taken
    "missing",  # an image or a file that is named but not there
    "damaged",  # an image that cannot be decoded, or a mark that cannot be read
]

LEFT_OUT: tuple[Oddity, ...] = ("damaged", "empty", "unknown")
"""Kinds of findings about a mark that is left out."""


@dataclass(frozen=True)
class Finding:
    """One thing that is odd.

    Args:
        kind: What kind of thing.
        message: What is odd, and what was made of it.
        path: The file in which it is.
        entry: Where in the file.

    Examples:
        >>> print(Finding("empty", "a polygon of two corners; left out", Path("a.json"), "shape 3"))
        a.json, shape 3: a polygon of two corners; left out
    """

    kind: Oddity
    message: str
    path: Path | None = None
    entry: str | None = None

    def __str__(self) -> str:
        where = ", ".join(str(part) for part in (self.path, self.entry) if part is not None)
        return shortened(f"{where}: {self.message}" if where else self.message, MAX_MESSAGE)


def finding_from(error: DataError, kind: Oddity | None = None) -> Finding:
    """Turn an error into a finding.

    Args:
        error: The error.
        kind: Kind of the finding; by default "missing" if its file is missing, else "damaged".

    Examples:
        >>> finding_from(DataError("there is no such image", path="cat.jpg")).kind
        'missing'
    """
    if kind is None:
        kind = "missing" if error.path is not None and not error.path.exists() else "damaged"
    where = ", ".join(str(part) for part in (error.path, error.entry) if part is not None)
    return Finding(kind, str(error).removeprefix(f"{where}: "), error.path, error.entry)


def left_out(error: DataError) -> Finding:
    """Turn the error of one mark, which is left out, into a finding.

    Examples:
        >>> str(left_out(DataError("class is empty", path="tags.csv", entry="line 3")))
        'tags.csv, line 3: class is empty; left out'
    """
    finding = finding_from(error, "damaged")
    return replace(finding, message=f"{finding.message}; left out")


def refuse(findings: Iterable[Finding], kinds: Collection[Oddity]) -> None:
    """Refuse findings of some kinds.

    Raises:
        DataError: There is one; the message is that of the first.
    """
    for finding in findings:
        if finding.kind in kinds:
            raise DataError(finding.message, path=finding.path, entry=finding.entry)


class FindingLog:
    """Counts findings, and keeps the first ones of each kind."""

    _KEPT = 1000  # of each kind

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kept: list[Finding] = []

    def note(self, findings: Iterable[Finding]) -> None:
        """Add findings."""
        for finding in findings:
            self.counts[finding.kind] += 1
            if self.counts[finding.kind] <= self._KEPT:
                self.kept.append(finding)
