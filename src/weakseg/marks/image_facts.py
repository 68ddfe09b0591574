"""Size and split of images, where columns of a table state them beside the marks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import SPLITS, usual_split

_COLUMNS = {
    "width": ("image_width", "img_width", "image_w", "img_w", "width"),
    "height": ("image_height", "img_height", "image_h", "img_h", "height"),
    "split": ("split", "subset", "partition", "set", "usage", "phase"),
}
_FIRST = ("train", "val", "test")  # of several splits


@dataclass(frozen=True)
class ImageFacts:
    """What a table states of one image.

    Args:
        size: Height and width; None where they are not stated, or 0.
        split: Name of the split.
        findings: What is odd about them.
    """

    size: tuple[int, int] | None = None
    split: str | None = None
    findings: tuple[Finding, ...] = ()


NO_FACTS = ImageFacts()


def plain_columns(header: Sequence[str]) -> dict[str, str]:
    """Return the columns by their names in lower case, with _ for spaces and dashes.

    Examples:
        >>> plain_columns(["File Name", "class"])
        {'class': 'class', 'file_name': 'File Name'}
    """
    return {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(header)}


def fact_columns(header: Sequence[str], marks: Collection[str] = ()) -> dict[str, str]:
    """Return the columns of the width, the height and the split, where there are any.

    Args:
        header: Names of the columns.
        marks: Columns of the marks, which hold neither.

    Examples:
        >>> fact_columns(["image", "Width", "w", "subset"], marks=["w"])
        {'width': 'Width', 'split': 'subset'}
    """
    plain = {key: name for key, name in plain_columns(header).items() if name not in marks}
    found = {
        what: next((plain[name] for name in names if name in plain), None)
        for what, names in _COLUMNS.items()
    }
    return {what: name for what, name in found.items() if name}


def read_facts(
    rows: Iterable[tuple[Entry, Mapping[str, str]]], image: str, columns: Mapping[str, str]
) -> dict[str, ImageFacts]:
    """Read what the rows of a table state of their images.

    Args:
        rows: The rows, with their places.
        image: Column of the image's name.
        columns: Columns of the width, the height and the split.

    Returns:
        Facts by image, as it is written. Of several sizes the first counts, and of several splits
        the first of train, val and test; both are findings, and so is a split of no known name.
    """
    if not columns:
        return {}
    sizes: dict[str, dict[tuple[int, int], None]] = {}
    splits: dict[str, dict[str, None]] = {}
    path: Path | None = None
    unknown: Finding | None = None
    for entry, row in rows:
        path = entry.path
        size, split = _size(row, columns), row.get(columns.get("split", ""), "").strip()
        sizes.setdefault(row[image], {}).update({size: None} if size else {})
        known = split.lower() in SPLITS
        names = splits.setdefault(row[image], {})
        names.update({usual_split(split) or split: None} if known else {})
        if split and not known and unknown is None:
            message = f"the column {columns['split']!r} holds {split!r:.60}, which is no split"
            unknown = Finding("unread", f"{message}; train, val and test are", path, entry.name)
    facts = {}
    for written in sizes:
        found, unknown = (unknown,) if unknown else (), None
        facts[written] = _facts(list(sizes[written]), list(splits[written]), written, path, found)
    return facts


def _facts(
    sizes: Sequence[tuple[int, int]],
    splits: Sequence[str],
    written: str,
    path: Path | None,
    findings: tuple[Finding, ...],
) -> ImageFacts:
    entry = f"image {written!r:.60}"
    if len(sizes) > 1:
        message = f"has the sizes (H, W) {sizes[0]} and {sizes[1]} in its rows; the first is taken"
        findings += (Finding("size", message, path, entry),)
    splits = sorted(splits, key=_FIRST.index)
    if len(splits) > 1:
        message = f"is in the splits {' and '.join(splits)}; put in {splits[0]} alone"
        findings += (Finding("duplicate", message, path, entry),)
    first = next(iter(splits), None)
    return ImageFacts(sizes[0] if sizes else None, first, findings)


def _size(row: Mapping[str, str], columns: Mapping[str, str]) -> tuple[int, int] | None:
    if not {"width", "height"} <= columns.keys():
        return None
    try:
        height, width = (Entry().integer(row[columns[side]], side) for side in ("height", "width"))
    except DataError:  # empty, for one
        return None
    return (height, width) if height > 0 and width > 0 else None
