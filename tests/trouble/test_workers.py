"""Commands with worker processes: none outlives them, and none that dies makes them wait."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.trouble.processes import Running, run, start
from tests.trouble.trials import CODES
from tests.trouble.world import TINY, Case, copy_world, digest, leftovers

_FEW, _MANY = 1, 12  # moments for each command and signal

_WITH_WORKERS = list(TINY)
_WITH_WORKERS[_WITH_WORKERS.index("--training.workers") + 1] = "2"
CASES = {
    "oversegment": Case(("oversegment", "data", "--out", "maps", "--workers", "2"), "maps"),
    "train": Case(("train", "data", "--out", "trained", *_WITH_WORKERS), "trained", ("--resume",)),
}


@pytest.fixture(scope="module")
def untroubled(
    world: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[dict[str, str], float]]:
    """What each command makes, and its seconds."""
    made = {}
    for name, case in CASES.items():
        place = copy_world(world, tmp_path_factory.mktemp(name))
        running = start(case.words, place)
        running.wait_for_begin()
        workers = set()
        while running.process.is_alive():
            workers.update(running.workers())
            time.sleep(0.01)
        code, seconds = running.wait()
        assert code == 0, running.text
        assert len(workers) >= 2, "has no workers"
        assert not running.survivors()
        made[name] = digest(place / case.out), seconds
    return made


@pytest.mark.parametrize("to_all", [False, True], ids=["one", "group"])
@pytest.mark.parametrize("number", list(CODES), ids=lambda number: signal.Signals(number).name)
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "times", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_worker_outlives_a_stopped_command(
    world: Path,
    untroubled: dict[str, tuple[dict[str, str], float]],
    tmp_path: Path,
    name: str,
    number: int,
    to_all: bool,
    times: int,
) -> None:
    if to_all and number == signal.SIGKILL:
        pytest.skip("leaves nothing to test")
    case, (expected, seconds) = CASES[name], untroubled[name]
    moments = random.Random(f"workers {name} {number} {to_all}")
    for time_ in range(times):
        place = copy_world(world, tmp_path / str(time_))
        running = start(case.words, place)
        running.wait_for_begin()
        delay = moments.uniform(0.1, 1) * seconds
        running.process.join(delay)
        with suppress(ProcessLookupError):
            (os.killpg if to_all else os.kill)(running.process.pid, number)
        code, _ = running.wait()
        left = running.survivors()
        assert not left, f"processes are left after {delay:.3f} s: {left}"
        assert "Traceback" not in running.text, f"after {delay:.3f} s: {running.text}"
        assert code in (CODES[number], 0) or digest(place / case.out) == expected, running.text
        goes_on(place, case, expected)
        shutil.rmtree(place)


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "times", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_killed_worker_ends_the_command_with_a_message(
    world: Path,
    untroubled: dict[str, tuple[dict[str, str], float]],
    tmp_path: Path,
    name: str,
    times: int,
) -> None:
    case, (expected, seconds) = CASES[name], untroubled[name]
    moments = random.Random(f"killed worker {name}")
    for time_ in range(times):
        place = copy_world(world, tmp_path / str(time_))
        running = start(case.words, place)
        running.wait_for_begin()
        killed = kill_worker(running, moments.uniform(0, 0.3) * seconds)
        code, _ = running.wait()
        assert not running.survivors(), "processes are left"
        assert "Traceback" not in running.text, running.text
        assert "bug of weakseg" not in running.text, running.text
        if code or not killed:
            assert code == 1 or not killed, running.text
            assert "died" in running.text or not killed, running.text
        goes_on(place, case, expected)
        shutil.rmtree(place)


def kill_worker(running: Running, delay: float) -> bool:
    """Kill a worker some seconds after the first is seen; return whether one was there."""
    while running.process.is_alive() and not running.workers():
        time.sleep(0.005)
    running.process.join(delay)
    for worker in running.workers()[:1]:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
            return True
    return False


def goes_on(place: Path, case: Case, expected: dict[str, str]) -> None:
    """Run a command again, and check what it makes in the end."""
    code, text = run([*case.words, *case.goes_on], place)
    assert code == 0, text
    assert digest(place / case.out) == expected
    assert not leftovers(place)
