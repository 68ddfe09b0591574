"""Contact sheets: many images with their marks in one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from weakseg.inspection.counts import Inspection
from weakseg.inspection.image_inspection import ImageInspection
from weakseg.marks.classes import ClassList
from weakseg.report.kit.chips import (
    TEXT_SIZE,
    LegendEntry,
    chip_width,
    draw_chip,
    font,
    legend,
    shortened,
)
from weakseg.report.kit.formats import one_line
from weakseg.report.kit.overlays import Picture, overlay_marks
from weakseg.report.kit.pictures import MAX_WIDTH
from weakseg.support.files import replacing
from weakseg.support.progress import progress

_COLUMNS, _ROWS = 4, 5
_GAP = 14
_LINE = TEXT_SIZE + 7
_MAX_TAG_LINES = 3
_PAPER, _INK, _WARNING = (251, 251, 250), (29, 35, 41), (168, 34, 34)


def contact_sheets(inspection: Inspection, classes: ClassList, folder: Path) -> list[Path]:
    """Draw the sample of an inspection, up to 20 images a sheet.

    Args:
        inspection: The inspection.
        classes: The classes.
        folder: Where the sheets are written, as marks-1.png, marks-2.png, …

    Returns:
        The files.

    Raises:
        RunError: They cannot be written.
    """
    images = inspection.sample
    starts = range(0, len(images), _COLUMNS * _ROWS)
    paths = []
    for number, start in enumerate(progress(starts, "Drawing", len(starts)), 1):
        sheet = _sheet(images[start : start + _COLUMNS * _ROWS], classes)
        path = folder / f"marks-{number}.png"
        with replacing(path) as beside:
            # Photographs hardly get smaller with more effort.
            sheet.save(beside, format="PNG", compress_level=3)
        paths.append(path)
    return paths


def _sheet(images: Sequence[ImageInspection], classes: ClassList) -> Picture:
    tiles = [_tile(image, classes) for image in images]
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    heights = [max(tile.height for tile in row) for row in rows]
    header = _header(images, classes, _COLUMNS * (MAX_WIDTH + _GAP) - _GAP)
    size = (
        _COLUMNS * (MAX_WIDTH + _GAP) + _GAP,
        sum(heights) + header.height + (len(rows) + 2) * _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    sheet.paste(header, (_GAP, _GAP))
    top = header.height + 2 * _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (MAX_WIDTH + _GAP), top))
        top += height + _GAP
    return sheet


def _tile(image: ImageInspection, classes: ClassList) -> Picture:
    """Draw an image, and below it its name, findings and tags."""
    picture = overlay_marks(image.item.picture, image.size, image.marks, classes)
    letters = font()
    lines = [(one_line(image.name), _INK), *((text, _WARNING) for text in _warnings(image))]
    chips = _place_chips(legend(image.marks.tags, classes.names), MAX_WIDTH, _MAX_TAG_LINES)
    below = len(lines) * _LINE + max((chip.top + _LINE + 4 for chip in chips), default=0)
    tile = Image.new("RGB", (MAX_WIDTH, picture.height + below + 6), _PAPER)
    tile.paste(picture, ((MAX_WIDTH - picture.width) // 2, 0))
    pen, top = ImageDraw.Draw(tile), picture.height + 4
    for text, colour in lines:
        kept = shortened(text, MAX_WIDTH, letters.getlength, keep_end=True)
        pen.text((0, top), kept, colour, letters)
        top += _LINE
    for chip in chips:
        draw_chip(pen, chip.left, top + 2 + chip.top, *chip.entry, tile.size)
    return tile


def _warnings(image: ImageInspection) -> list[str]:
    counts = Counter(finding.kind for finding in image.findings)
    kinds = ", ".join(f"{kind} {count}×" if count > 1 else kind for kind, count in counts.items())
    return [f"! {kinds}"] if kinds else []


class _Chip(NamedTuple):
    left: float
    top: int
    entry: LegendEntry


def _place_chips(
    entries: Sequence[LegendEntry], width: float, max_lines: int | None = None
) -> list[_Chip]:
    """Arrange class names one after the other, on as many lines as they need or may take."""
    placed: list[_Chip] = []
    left, top = 0.0, 0
    for entry in entries:
        needed = chip_width(entry.name)
        if left and left + needed > width:
            left, top = 0.0, top + _LINE + 3
        if max_lines is not None and top >= max_lines * (_LINE + 3):
            break
        placed.append(_Chip(left, top, entry))
        left += needed + 6
    return placed


def _header(images: Sequence[ImageInspection], classes: ClassList, width: int) -> Picture:
    """Draw the legend of a sheet."""
    labels = {item for image in images for item in image.shows if isinstance(item, int)}
    chips = _place_chips(legend(labels, classes.names), width)
    header = Image.new("RGB", (width, max((c.top for c in chips), default=0) + _LINE), _PAPER)
    for chip in chips:
        draw_chip(ImageDraw.Draw(header), chip.left, chip.top, *chip.entry, header.size)
    return header
