"""An inspection summarised for people, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from weakseg.inspection.counts import ClassCounts, Inspection
from weakseg.inspection.mark_checks import size_text
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import MARK_KINDS
from weakseg.report.kit.formats import percent
from weakseg.support.durations import NOTHING

FINDING_TITLES = {
    "missing": "Missing files",
    "damaged": "Damaged files and marks",
    "size": "Sizes that do not match",
    "unknown": "Unknown classes",
    "outside": "Marks outside their image",
    "empty": "Empty and nearly empty marks",
    "duplicate": "Duplicates",
    "conflict": "Marks that contradict each other",
    "unmarked": "Images without marks",
    "rare": "Rare classes",
    "unread": "Not used by weakseg",
    "unsure": "Ambiguous",
}
"""Heading of each kind of finding, in order of importance."""


@dataclass(frozen=True)
class Cell:
    """One number of the table of classes.

    Args:
        text: The number, formatted.
        fraction: Length of its bar, 0 to 1; None for no bar.
    """

    text: str
    fraction: float | None = None


def headline(inspection: Inspection) -> Mapping[str, str]:
    """Return the main figures, by name."""
    figures = {"Images": _in_splits(inspection)}
    if inspection.sizes is not None:
        smallest, median, largest = map(size_text, inspection.sizes)
        sizes = smallest if smallest == largest else f"{smallest} to {largest}, median {median}"
        figures["Sizes, width × height"] = sizes
    marks = [f"{inspection.marks[kind]:,} {kind}" for kind in MARK_KINDS if inspection.marks[kind]]
    figures["Marks"] = ", ".join(marks) or "none"
    figures["Labelled pixels"] = percent(inspection.labelled_share, unit=True)
    if inspection.void_pixels:
        void = inspection.void_pixels / max(1, inspection.pixels)
        figures["Void pixels"] = percent(void, unit=True)
    figures["Findings"] = f"{sum(inspection.finding_counts.values()):,}"
    return figures


def verdict(inspection: Inspection) -> str:
    """Return "clean" or the number of findings."""
    count = sum(inspection.finding_counts.values())
    return "clean" if not count else f"{count:,} finding{'s' if count > 1 else ''}"


def agreement_lines(inspection: Inspection) -> list[str]:
    """Report, for each two kinds of marks, whether they name the same classes."""
    lines = []
    for pair in inspection.agreement:
        first, second = pair.kinds
        total = pair.equal + pair.differ
        line = f"{first} and {second} name the same classes in {pair.equal:,} of {total:,} images"
        if pair.differ:
            line += f"; not in {', '.join(pair.examples)}"
            line += ", …" if pair.differ > len(pair.examples) else ""
        lines.append(line)
    return lines


def findings_by_kind(inspection: Inspection) -> Iterator[tuple[str, int, list[Finding]]]:
    """Yield the title, the number and the kept findings of each kind that occurs."""
    for kind, title in FINDING_TITLES.items():
        if kind in inspection.finding_counts:
            kept = [finding for finding in inspection.findings if finding.kind == kind]
            yield title, inspection.finding_counts[kind], kept


def class_columns(inspection: Inspection) -> list[str]:
    """Return the columns of the table of classes, without kinds of marks that do not occur."""
    kinds = [kind for kind in MARK_KINDS if inspection.marks[kind]]
    boxed = any(counts.share_in_boxes is not None for counts in inspection.classes)
    return ["images", *kinds, "labelled pixels", *(["mask in boxes"] if boxed else [])]


def class_rows(inspection: Inspection) -> Iterator[tuple[str, list[Cell]]]:
    """Yield the name of each class, and its cells in the order of `class_columns`."""
    columns = class_columns(inspection)
    most_images = max((counts.images for counts in inspection.classes), default=0)
    for counts in inspection.classes:
        yield counts.name, [_cell(column, counts, inspection, most_images) for column in columns]


def _cell(column: str, counts: ClassCounts, inspection: Inspection, most_images: int) -> Cell:
    if column == "images":
        return Cell(f"{counts.images:,}", counts.images / max(1, most_images))
    if column == "labelled pixels":
        fraction = counts.pixels / max(1, inspection.labelled_pixels)
        return Cell(percent(fraction, unit=True) if counts.pixels else NOTHING, fraction)
    if column == "mask in boxes":
        inside = counts.share_in_boxes
        return Cell(NOTHING) if inside is None else Cell(percent(inside, unit=True), inside)
    return Cell(f"{counts.marks[column]:,}" if counts.marks[column] else NOTHING)


def _in_splits(inspection: Inspection) -> str:
    splits = ", ".join(f"{name} {count:,}" for name, count in inspection.splits.items())
    return f"{inspection.images:,}" + (f" ({splits})" if splits else "")
