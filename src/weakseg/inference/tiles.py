"""Cutting a large image into tiles that see some of their surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Tiles begin at multiples of the networks' largest stride, so that all see the same sampling grid.
_ALIGNED = 32


@dataclass(frozen=True)
class Tile:
    """A part of an image.

    Args:
        seen: Rows and columns that the network sees.
        kept: Rows and columns whose prediction is kept, in pixels of the image.
        inside: The same, in pixels of `seen`.
    """

    seen: tuple[slice, slice]
    kept: tuple[slice, slice]
    inside: tuple[slice, slice]


def tiles(height: int, width: int, *, side: int, overlap: int) -> Iterator[Tile]:
    """Cut an image so that kept parts cover it once.

    Args:
        height: Height of the image.
        width: Width of the image.
        side: Side of what the network sees at once.
        overlap: Surroundings that a kept part has on each side, where the image has them.

    Yields:
        Tiles, row by row.

    Raises:
        ValueError: Overlaps leave too little to keep.

    Examples:
        >>> [tile.kept[1] for tile in tiles(90, 150, side=96, overlap=16)]
        [slice(0, 80, None), slice(80, 150, None)]
    """
    if side < 2 * (overlap + _ALIGNED):
        raise ValueError(
            f"Expected `side` to be at least {2 * (overlap + _ALIGNED)} where `overlap` is "
            f"{overlap}, but got {side}."
        )
    for rows in _spans(height, side, overlap):
        for columns in _spans(width, side, overlap):
            seen, kept, inside = zip(rows, columns, strict=True)
            yield Tile(seen, kept, inside)


def _spans(length: int, side: int, overlap: int) -> list[tuple[slice, slice, slice]]:
    spans, start = [], 0
    while start < length:
        first = max(0, start - overlap)
        # The last tile is as large as the others: networks are used to the size they trained on.
        first = max(0, min(first - first % _ALIGNED, length - side))
        stop = min(first + side, length)
        end = length if stop == length else stop - overlap
        spans.append((slice(first, stop), slice(start, end), slice(start - first, end - first)))
        start = end
    return spans
