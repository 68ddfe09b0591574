"""Groups of equal images, which go through the network together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_MAX_WAITING_PIXELS = 16_000_000


def in_groups(
    items: Iterable[T],
    *,
    size: int,
    key: Callable[[T], Hashable],
    pixels: Callable[[T], int],
    max_pixels: int = _MAX_WAITING_PIXELS,
) -> Iterator[list[T]]:
    """Group items with the same key; however many there are, few wait in memory at a time.

    Args:
        items: The items.
        size: Items of a full group.
        key: Key of an item, equal in a group.
        pixels: Number of pixels that an item holds in memory.
        max_pixels: Where more than this wait, all groups are yielded as they are.

    Yields:
        Groups, which hold every item once, not always in the order of `items`.

    Examples:
        >>> list(in_groups("abAcB", size=2, key=str.lower, pixels=len))
        [['a', 'A'], ['b', 'B'], ['c']]
    """
    waiting: dict[Hashable, list[T]] = {}
    held = 0
    for item in items:
        group = waiting.setdefault(key(item), [])
        group.append(item)
        held += pixels(item)
        if len(group) >= size:
            del waiting[key(item)]
            held -= sum(map(pixels, group))
            yield group
        elif held > max_pixels:
            yield from waiting.values()
            waiting, held = {}, 0
    yield from waiting.values()
