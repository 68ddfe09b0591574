from __future__ import annotations

import signal
import time

import pytest

from weakseg.support.stopping import Terminated, keeping_stops, terminated_by_signal


def _send(number: int) -> None:
    signal.raise_signal(number)
    time.sleep(0)  # handlers run between two instructions


def test_sigterm_is_an_exception_like_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt) as stop, terminated_by_signal():
        _send(signal.SIGTERM)
    assert isinstance(stop.value, Terminated)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_stop_is_kept_until_the_caller_raises_it(
    number: int, kind: type[KeyboardInterrupt]
) -> None:
    with keeping_stops() as stop:
        assert not stop
        _send(number)
        assert stop
    with pytest.raises(KeyboardInterrupt) as raised:
        stop.raise_it()
    assert type(raised.value) is kind


def test_second_stop_acts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), keeping_stops():
        _send(signal.SIGINT)
        _send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
