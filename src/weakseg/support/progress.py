"""Progress of long work: bars in terminals, and elsewhere a line every half a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from weakseg.support.durations import duration
from weakseg.support.machine import is_first_process
from weakseg.support.stopping import check_stop
from weakseg.support.terminal import Terminal

T = TypeVar("T")

LINE_EVERY = 30.0
"""Seconds between two lines, in a log or a pipe."""


def progress(items: Iterable[T], text: str, total: int | None = None) -> Iterator[T]:
    """Iterate over items under a bar, which goes away at its end; Ctrl-C acts between two items.

    Without a terminal there is a line every half a minute; work that is shorter is silent.

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
    console = Terminal(stderr=True)
    if console.is_terminal:
        shown = total != 0
        shown_items = track(
            items, text, total=total, console=console, transient=True, disable=not shown
        )
        for item in shown_items:
            check_stop()
            yield item
        return
    lines = ProgressLines(text, total, console)
    for done, item in enumerate(items):
        check_stop()
        lines.update(done)
        yield item


class ProgressLines:
    """Lines that say how far work is, at most one every half a minute, from the first process.

    Args:
        text: The activity.
        total: Number of items, where it is known.
        console: Where to print.
        clock: Seconds that have passed since any moment.
    """

    def __init__(
        self,
        text: str,
        total: int | None,
        console: Console,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.text = text
        self.total = total
        self._console = console
        self._clock = clock
        self._start: tuple[float, int] | None = None  # time, items done before
        self._printed = clock()

    def update(self, done: int, details: str = "") -> None:
        """Print a line if it is due.

        Args:
            done: Number of items that are done.
            details: More to say, such as losses.
        """
        now = self._clock()
        if self._start is None:
            self._start = (now, done)
        if now - self._printed < LINE_EVERY or not is_first_process():
            return
        self._printed = now
        parts = [f"{done}{'' if self.total is None else f' of {self.total}'}", details]
        parts.append(self._left(now, done))
        self._console.print(f"{self.text}: {', '.join(filter(None, parts))}")

    def _left(self, now: float, done: int) -> str:
        assert self._start is not None
        began, before = self._start
        if self.total is None or done <= before or done >= self.total:
            return ""
        seconds = (now - began) / (done - before) * (self.total - done)
        return f"about {duration(seconds)} left"
