from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from weakseg.support.progress import progress
from weakseg.support.stopping import Stop, Terminated, check_stop, patient, stoppable

_KINDS = [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]


@pytest.fixture(autouse=True)
def handlers_are_restored() -> Iterator[None]:
    before = [signal.getsignal(number) for number, _ in _KINDS]
    yield
    assert before == [signal.getsignal(number) for number, _ in _KINDS]
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def _stopped(block: Callable[[Stop], None]) -> type[BaseException]:
    """Return what is raised out of a block that can be stopped."""
    with pytest.raises(KeyboardInterrupt) as raised:
        _run(block)
    return type(raised.value)


def _run(block: Callable[[Stop], None]) -> None:
    with stoppable() as stop:
        block(stop)


@pytest.mark.parametrize(("number", "kind"), _KINDS)
def test_stop_is_raised_at_the_next_good_moment(number: int, kind: type[KeyboardInterrupt]) -> None:
    moments = []

    def block(stop: Stop) -> None:
        check_stop()
        signal.raise_signal(number)
        moments.append(bool(stop))
        check_stop()
        moments.append(None)

    assert _stopped(block) is kind
    assert moments == [True]


def test_stop_acts_between_two_items() -> None:
    seen = []

    def block(_: Stop) -> None:
        for item in progress(range(5), "Counting"):
            if item == 2:
                signal.raise_signal(signal.SIGINT)
            seen.append(item)

    assert _stopped(block) is KeyboardInterrupt
    assert seen == [0, 1, 2]


def test_stop_acts_where_no_good_moment_comes() -> None:
    def block(stop: Stop) -> None:
        stop.patience = 0.05
        signal.raise_signal(signal.SIGTERM)
        time.sleep(20)

    assert _stopped(block) is Terminated


def test_second_stop_acts_at_once() -> None:
    with stoppable():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_patient_block_keeps_a_stop_to_its_end() -> None:
    moments = []

    def block(_: Stop) -> None:
        with patient() as stop:
            signal.raise_signal(signal.SIGTERM)
            check_stop()
            moments.append(bool(stop))
        check_stop()
        moments.append(None)

    assert _stopped(block) is Terminated
    assert moments == [True]


def test_patient_block_outside_of_commands_leaves_the_stop_to_its_caller() -> None:
    with patient() as stop:
        signal.raise_signal(signal.SIGTERM)
        check_stop()
    with pytest.raises(Terminated):
        stop.raise_it()


def test_nothing_is_kept_outside_of_commands() -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
