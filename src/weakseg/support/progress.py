"""Progress bars, shown where somebody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def progress(items: Iterable[T], text: str, total: int | None = None) -> Iterator[T]:
    """Pass items on under a bar that goes away at its end; no bar in a log file or a pipe.

    Args:
        items: What is worked on.
        text: What is being done.
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
