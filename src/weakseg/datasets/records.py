"""One image of a data set with its marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.marks.kinds import MARK_KINDS, Marks


@dataclass(frozen=True)
class Record:
    """One image with its marks.

    Args:
        name: Path inside the folder of images, without the ending.
        image: The image file.
        marks: Marks to train on.
        truth: Label map of the ground truth, for scoring.
        pseudo_labels: Label map that a stage of the run made; the marks are drawn over it.
    """

    name: str
    image: Path
    marks: Marks
    truth: Path | None
    pseudo_labels: Path | None = None


def with_truth_as_mark(record: Record) -> Record:
    """Return the same image with its ground truth as its only mark."""
    return replace(record, marks=Marks(mask=record.truth))


def count_kinds(records: Iterable[Record]) -> dict[str, int]:
    """Count the images that hold each kind of mark; kinds that none holds are left out."""
    counts = Counter(kind for record in records for kind in record.marks.kinds)
    return {kind: counts[kind] for kind in MARK_KINDS if counts[kind]}
