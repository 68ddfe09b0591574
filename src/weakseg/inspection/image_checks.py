"""The image that marks are drawn on: whether it exists, is intact and has the stated size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from weakseg.formats.source import Annotated
from weakseg.images.reading import (
    FIRST_ROTATED,
    UPRIGHT,
    check_image,
    exif_orientation,
    opened,
    size_fault,
)
from weakseg.inspection.mark_checks import entry_of, finding_from, finding_in, size_text
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError


def check_image_file(item: Annotated, *, decode: bool) -> tuple[Size | None, list[Finding]]:
    """Return the height and width of what marks are drawn on, and findings.

    Args:
        item: The image with its marks.
        decode: Decode the image, not only its header.

    Returns:
        Height and width, None where unknown; and what is wrong.
    """
    if item.picture is None:
        reported = any(finding.kind == "missing" for finding in item.findings)
        missing = [] if reported else [finding_in(item, "missing", "its image is not found")]
        size, wrong = _stated_size(item)
        return size, [*missing, *wrong]
    try:
        stored, orientation = _read_header(item.picture, item.path)
    except DataError as error:
        size, wrong = _stated_size(item)
        return size, [_unreadable(item, error), *wrong]
    findings = _decoding_fault(item) if decode else []
    rotated = f"is stored rotated (EXIF orientation {orientation})"
    if item.size == stored[::-1] != stored and orientation >= FIRST_ROTATED:
        message = f"{rotated}, and marked as shown; `weakseg import` writes it upright"
        return item.size, [*findings, finding_in(item, "unsure", message)]
    if item.size is not None and item.size != stored:
        message = f"marks were made on an image of {size_text(item.size)}, "
        findings.append(finding_in(item, "size", f"{message}but it is {size_text(stored)}"))
    elif orientation != UPRIGHT:
        message = f"{rotated}; its marks are taken to be drawn on the pixels as they are stored"
        findings.append(finding_in(item, "unsure", message))
    return stored, findings


def _read_header(picture: Path | bytes, source: Path) -> tuple[Size, int]:
    """Read an image's height and width, and its EXIF orientation."""
    with opened(picture, path=source) as image:
        return (image.height, image.width), exif_orientation(image, decode=False)


def _decoding_fault(item: Annotated) -> list[Finding]:
    assert item.picture is not None
    try:
        if isinstance(item.picture, Path):
            check_image(item.picture)
        else:
            with opened(item.picture, path=item.path) as image:
                image.load()
    except DataError as error:
        return [_unreadable(item, error)]
    return []


def _unreadable(item: Annotated, error: DataError) -> Finding:
    if isinstance(item.picture, bytes):
        return replace(finding_from(error, "damaged"), entry=entry_of(item))
    return finding_from(error)


def _stated_size(item: Annotated) -> tuple[Size | None, list[Finding]]:
    """Return the size that the file of marks states, unless no image can have it."""
    fault = item.size and size_fault(*item.size)
    return (None, [finding_in(item, "size", fault)]) if fault else (item.size, [])
