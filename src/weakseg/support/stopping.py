"""Ctrl-C and SIGTERM: as exceptions, or kept until what is under way is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM, by which schedulers stop a process; whatever handles Ctrl-C handles it."""


@contextmanager
def terminated_by_signal() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM inside the block, where the default would kill the process."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Stop:
    """Signal that was kept.

    Args:
        number: The signal, or None as long as none has come.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    def raise_it(self) -> NoReturn:
        """Raise what the signal would have raised."""
        raise Terminated if self.number == signal.SIGTERM else KeyboardInterrupt

    def listen(self) -> None:
        """Handle both signals here, again after another library took them over."""
        if _in_main_thread():
            for number in _SIGNALS:
                signal.signal(number, self._keep)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self:
            self.raise_it()  # asked twice: at once
        self.number = number


@contextmanager
def keeping_stops() -> Iterator[Stop]:
    """Keep Ctrl-C and SIGTERM inside the block, for a caller that stops at the next good moment.

    The second signal acts at once. Outside the main thread, where signals cannot be handled, none
    is kept.

    Yields:
        What is true once a signal has come.
    """
    stop = Stop()
    before: dict[int, Any] = {}
    if _in_main_thread():
        before = {number: signal.getsignal(number) for number in _SIGNALS}
    stop.listen()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
