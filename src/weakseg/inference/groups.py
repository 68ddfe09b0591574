"""Putting what is alike into groups that go through the network together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_WAITING_PIXELS = 16_000_000  # images wait in memory for others like them up to here


def in_groups(
    items: Iterable[T],
    *,
    size: int,
    key: Callable[[T], Hashable],
    pixels: Callable[[T], int],
    waiting_pixels: int = _WAITING_PIXELS,
) -> Iterator[list[T]]:
    """Collect items that are alike; however many there are, few wait at a time.

    Args:
        items: The items.
        size: Items of a full group.
        key: What items of a group have in common.
        pixels: How many pixels an item holds in memory.
        waiting_pixels: Where more of them wait than this, groups go as they are.

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
        elif held > waiting_pixels:
            yield from waiting.values()
            waiting, held = {}, 0
    yield from waiting.values()
