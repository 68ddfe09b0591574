"""Ctrl-C and SIGTERM: kept until a good moment, and raised as exceptions there.

An exception between any two instructions would be swallowed by some callbacks, turned into another
by some libraries, and could come between the making of a file and the order to remove it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

PATIENCE = 2.0
"""Seconds after which a stop acts where no good moment has come."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_current: list[Stop] = []


class Terminated(KeyboardInterrupt):
    """SIGTERM, by which schedulers stop a process; whatever handles Ctrl-C handles it."""


class Stop:
    """A signal that was kept; true once it has come.

    Attributes:
        number: The signal.
        patience: Seconds that it may be kept; None: until the next good moment, however late.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.patience: float | None = PATIENCE

    def __bool__(self) -> bool:
        return self.number is not None

    def raise_it(self) -> NoReturn:
        """Raise what the signal means."""
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
        if self.patience is None:
            return
        if not hasattr(signal, "setitimer"):
            self.raise_it()
        signal.signal(signal.SIGALRM, self._lose_patience)
        signal.setitimer(signal.ITIMER_REAL, self.patience)

    def _lose_patience(self, number: int, frame: FrameType | None) -> None:
        self.raise_it()


def check_stop() -> None:
    """Raise the stop that has come, if one has and nobody is patient: this is a good moment.

    Raises:
        KeyboardInterrupt: Ctrl-C has come; `Terminated` is SIGTERM.
    """
    stop = _current[-1] if _current else None
    if stop and stop.patience is not None and _in_main_thread():
        stop.raise_it()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Keep Ctrl-C and SIGTERM inside the block until `check_stop`, or for `PATIENCE` at most.

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
    _current.append(stop)
    try:
        yield stop
    finally:
        if hasattr(signal, "setitimer") and before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        _current.remove(stop)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def patient() -> Iterator[Stop]:
    """Keep Ctrl-C and SIGTERM inside the block for as long as the caller wants.

    Yields:
        What is true once a signal has come; the caller raises it.
    """
    if not _current:
        with stoppable() as stop:
            stop.patience = None
            yield stop
        return
    stop = _current[-1]
    usual, stop.patience = stop.patience, None
    try:
        yield stop
    finally:
        stop.patience = usual
        stop.listen()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
