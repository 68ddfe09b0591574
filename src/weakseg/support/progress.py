"""Progress bars, shown in terminals only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def progress(items: Iterable[T], text: str, total: int | None = None) -> Iterator[T]:
    """Iterate over items under a bar, which goes away at its end; without one in a log or a pipe.

    Args:
        items: The items.
        text: The activity, before the bar.
        total: Number of items, where it is known.

    Yields:
        The items.

    Examples:
        >>> list(progress([1, 2], "Counting", 2))
        [1, 2]
    """
    console = Console(stderr=True)
    hidden = not console.is_terminal or total == 0
    yield from track(items, text, total=total, console=console, transient=True, disable=hidden)
