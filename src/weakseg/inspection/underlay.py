"""The image that marks are drawn on: whether it is there, whole and as large as stated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from weakseg.formats.source import Annotated
from weakseg.images.reading import FIRST_TURNED, UPRIGHT, check_image, exif_orientation, opened
from weakseg.inspection.checks import MOST_PIXELS, entry_of, finding_from, in_words
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError


def check_underlay(item: Annotated, *, decode: bool) -> tuple[Size | None, list[Finding]]:
    """Find the height and width of what marks are drawn on.

    Args:
        item: The image with its marks.
        decode: Decode the image too, and not only its header.

    Returns:
        Height and width, None where nothing tells them; and what is wrong.
    """
    path, entry = item.path, entry_of(item)
    findings: list[Finding] = []
    if item.picture is None:
        if not any(finding.kind == "missing" for finding in item.findings):
            findings.append(Finding("missing", "its image is not found", path, entry))
        return _stated_size(item, findings), findings
    try:
        stored, orientation = _read_header(item.picture, path)
    except DataError as error:
        findings.append(_unreadable(item, error))
        return _stated_size(item, findings), findings
    if decode:
        findings += _decoding_fault(item)
    if item.size == stored[::-1] != stored and orientation >= FIRST_TURNED:
        findings.append(
            Finding(
                "unsure",
                f"is stored turned (EXIF orientation {orientation}), and "
                "marked as shown; `weakseg import` writes it upright",
                path,
                entry,
            )
        )
        return item.size, findings
    if item.size is not None and item.size != stored:
        findings.append(
            Finding(
                "size",
                f"marks were made on an image of {in_words(item.size)}, "
                f"but it is {in_words(stored)}",
                path,
                entry,
            )
        )
    elif orientation != UPRIGHT:
        findings.append(
            Finding(
                "unsure",
                f"is stored turned (EXIF orientation {orientation}); its "
                "marks are taken to be drawn on the pixels as they are stored",
                path,
                entry,
            )
        )
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


def _stated_size(item: Annotated, findings: list[Finding]) -> Size | None:
    """Give the size that the file of marks states, unless no image can have it."""
    size = item.size
    if size is None or (min(size) > 0 and size[0] * size[1] <= MOST_PIXELS):
        return size
    findings.append(
        Finding("size", f"{in_words(size)} is no size of an image", item.path, entry_of(item))
    )
    return None
