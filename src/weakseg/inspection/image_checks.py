"""The image that marks are drawn on: whether it exists, is intact and has the stated size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.formats.source import Annotated
from weakseg.images.orientation import UPRIGHT, exif_orientation, shown_size, stored_size
from weakseg.images.reading import check_image, opened_image, size_fault
from weakseg.images.unused import unused_parts
from weakseg.inspection.mark_checks import entry_of, finding_in, size_text
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding, finding_from
from weakseg.support.errors import DataError

_MAX_UNSEEN = 178_956_970  # pixels of an image that is not there, so that its size may be a slip


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
        why = f" ({item.why_missing})" if item.why_missing else ""
        missing = [] if reported else [finding_in(item, "missing", f"its image is not found{why}")]
        size, wrong = _stated_size(item)
        return size, [*missing, *wrong]
    try:
        header = _read_header(item.picture, item.path)
    except DataError as error:
        size, wrong = _stated_size(item)
        return size, [_unreadable(item, error), *wrong]
    findings = _decoding_fault(item) if decode else []
    if header.unused:
        message = f"weakseg does not use its {' and '.join(header.unused)}"
        findings.append(finding_in(item, "unread", message))
    rotated = f"is stored rotated (EXIF orientation {header.orientation})"
    if item.size == header.stored != header.shown:
        message = f"{rotated}, and marked as stored; `weakseg import` turns it and its marks"
        return item.size, [*findings, finding_in(item, "unsure", message)]
    if item.size is not None and item.size != header.shown:
        message = f"marks were made on an image of {size_text(item.size)}, "
        findings.append(finding_in(item, "size", f"{message}but it is {size_text(header.shown)}"))
    elif header.orientation != UPRIGHT and (item.size is None or header.stored == header.shown):
        message = f"{rotated}; its marks are taken to be drawn on it as shown"
        findings.append(finding_in(item, "unsure", message))
    return header.shown, findings


@dataclass(frozen=True)
class _Header:
    stored: Size
    shown: Size
    orientation: int  # as EXIF numbers them
    unused: tuple[str, ...]


def _read_header(picture: Path | bytes, source: Path) -> _Header:
    with opened_image(picture, path=source) as image:
        stored, shown, orientation = stored_size(image), shown_size(image), exif_orientation(image)
        return _Header(stored, shown, orientation, unused_parts(image))


def _decoding_fault(item: Annotated) -> list[Finding]:
    assert item.picture is not None
    try:
        if isinstance(item.picture, Path):
            check_image(item.picture)
        else:
            with opened_image(item.picture, path=item.path) as image:
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
    if item.size and not fault and item.size[0] * item.size[1] > _MAX_UNSEEN:
        fault = f"is stated to be {size_text(item.size)}; its marks are not drawn without the image"
    return (None, [finding_in(item, "size", fault)]) if fault else (item.size, [])
