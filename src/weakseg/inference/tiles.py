"""Cutting a large image into tiles that see some of their surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


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
        ValueError: Overlaps leave nothing to keep.

    Examples:
        >>> [tile.kept[1] for tile in tiles(4, 10, side=6, overlap=1)]
        [slice(0, 5, None), slice(5, 10, None)]
    """
    if side <= 2 * overlap:
        raise ValueError(
            f"Expected `side` to be more than twice `overlap`, but got {side} and {overlap}."
        )
    for rows in _spans(height, side, overlap):
        for columns in _spans(width, side, overlap):
            seen, kept, inside = zip(rows, columns, strict=True)
            yield Tile(seen, kept, inside)


def _spans(length: int, side: int, overlap: int) -> list[tuple[slice, slice, slice]]:
    if length <= side:
        whole = slice(0, length)
        return [(whole, whole, whole)]
    spans, start = [], 0
    while start < length:
        first = max(0, min(start - overlap, length - side))
        end = length if first + side >= length else first + side - overlap
        kept = slice(start, end)
        spans.append((slice(first, first + side), kept, slice(start - first, end - first)))
        start = end
    return spans
