"""Overlapping tiles of a large image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Tiles start at multiples of the networks' largest stride, so that all have the same sampling grid.
_ALIGNED = 32


@dataclass(frozen=True)
class Tile:
    """Part of an image.

    Args:
        seen: Rows and columns of the input.
        kept: Rows and columns of the output that is kept, in pixels of the image.
        inside: The same, in pixels of `seen`.
    """

    seen: tuple[slice, slice]
    kept: tuple[slice, slice]
    inside: tuple[slice, slice]


def tiles(height: int, width: int, *, side: int, overlap: int) -> Iterator[Tile]:
    """Yield tiles whose kept parts cover an image once.

    Args:
        height: Height of the image.
        width: Width of the image.
        side: Side of the input.
        overlap: Context around a kept part on each side, where the image has it.

    Yields:
        Tiles, row by row.

    Raises:
        ValueError: The overlap leaves too little to keep.

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
        # The last tile is as large as the others: networks work best at the size of their training.
        first = max(0, min(first - first % _ALIGNED, length - side))
        stop = min(first + side, length)
        end = length if stop == length else stop - overlap
        spans.append((slice(first, stop), slice(start, end), slice(start - first, end - first)))
        start = end
    return spans
