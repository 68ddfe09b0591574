"""Contact sheets: many images with their marks on one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from weakseg.inspection.counts import Inspection
from weakseg.inspection.sample import Sampled
from weakseg.marks.classes import ClassList
from weakseg.report.inspection_words import one_line
from weakseg.report.overlays import (
    LONG_EDGE,
    TEXT_SIZE,
    Picture,
    chip_width,
    draw_chip,
    font,
    label_name,
    overlay_marks,
    shortened,
)
from weakseg.support.files import replacing
from weakseg.support.progress import progress

_COLUMNS, _ROWS = 4, 5
_GAP = 14
_LINE = TEXT_SIZE + 7
_MOST_TAG_LINES = 3
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
    on_a_sheet = _COLUMNS * _ROWS
    starts = range(0, len(images), on_a_sheet)
    paths = []
    for number, start in enumerate(progress(starts, "Drawing", len(starts)), 1):
        sheet = _sheet(images[start : start + on_a_sheet], classes)
        path = folder / f"marks-{number}.png"
        with replacing(path) as beside:
            # Photographs hardly get smaller with more effort.
            sheet.save(beside, format="PNG", compress_level=3)
        paths.append(path)
    return paths


def _sheet(images: Sequence[Sampled], classes: ClassList) -> Picture:
    tiles = [_tile(image, classes) for image in images]
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    heights = [max(tile.height for tile in row) for row in rows]
    legend = _legend(images, classes, _COLUMNS * (LONG_EDGE + _GAP) - _GAP)
    size = (
        _COLUMNS * (LONG_EDGE + _GAP) + _GAP,
        sum(heights) + legend.height + (len(rows) + 2) * _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    sheet.paste(legend, (_GAP, _GAP))
    top = legend.height + 2 * _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (LONG_EDGE + _GAP), top))
        top += height + _GAP
    return sheet


def _tile(image: Sampled, classes: ClassList) -> Picture:
    """Put name, findings and tags under an image."""
    picture = overlay_marks(image, classes)
    letters = font()
    lines = [(one_line(image.name), _INK), *((text, _WARNING) for text in _warnings(image))]
    chips = _placed(image.marks.tags, classes, LONG_EDGE, _MOST_TAG_LINES)
    below = len(lines) * _LINE + max((chip.top + _LINE + 4 for chip in chips), default=0)
    tile = Image.new("RGB", (LONG_EDGE, picture.height + below + 6), _PAPER)
    tile.paste(picture, ((LONG_EDGE - picture.width) // 2, 0))
    pen, top = ImageDraw.Draw(tile), picture.height + 4
    for text, colour in lines:
        pen.text(
            (0, top), shortened(text, LONG_EDGE, letters.getlength, keep_end=True), colour, letters
        )
        top += _LINE
    for chip in chips:
        chip.draw(pen, 0, top + 2, tile.size)
    return tile


def _warnings(image: Sampled) -> list[str]:
    counts = Counter(finding.kind for finding in image.findings)
    said = ", ".join(f"{kind} {count}×" if count > 1 else kind for kind, count in counts.items())
    return [f"! {said}"] if said else []


class _Chip(NamedTuple):
    left: float
    top: int
    text: str
    class_id: int

    def draw(self, pen: ImageDraw.ImageDraw, x: float, y: float, bounds: tuple[int, int]) -> None:
        draw_chip(pen, x + self.left, y + self.top, self.text, self.class_id, bounds)


def _placed(
    class_ids: Iterable[int], classes: ClassList, width: float, most_lines: int | None = None
) -> list[_Chip]:
    """Set names of classes one after the other, in as many lines as they need or may."""
    placed: list[_Chip] = []
    left, top = 0.0, 0
    for class_id in sorted(class_ids):
        text = label_name(class_id, classes)
        needed = chip_width(text)
        if left and left + needed > width:
            left, top = 0.0, top + _LINE + 3
        if most_lines is not None and top >= most_lines * (_LINE + 3):
            break
        placed.append(_Chip(left, top, text, class_id))
        left += needed + 6
    return placed


def _legend(images: Sequence[Sampled], classes: ClassList, width: int) -> Picture:
    """Name the colours of the classes on a sheet."""
    shown = {item for image in images for item in image.shows if isinstance(item, int)}
    chips = _placed(shown, classes, width)
    height = max((chip.top for chip in chips), default=0) + _LINE
    legend = Image.new("RGB", (width, height), _PAPER)
    for chip in chips:
        chip.draw(ImageDraw.Draw(legend), 0, 0, legend.size)
    return legend
