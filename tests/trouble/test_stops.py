"""Commands that are killed, terminated and interrupted at random moments, and then go on."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from tests.trouble.processes import run, start
from tests.trouble.world import CASES, Case, digest, inputs, leftovers, make_world

_CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
_FEW, _MANY = 1, 20  # moments for each command and signal


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")

    def succeed(words: list[str]) -> None:
        code, text = run(words, root)
        assert code == 0, text

    make_world(root, succeed)
    return root


@pytest.fixture(scope="module")
def untroubled(world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Outcome of each command that nothing troubles, and its seconds."""
    outcomes = {}
    for name, case in CASES.items():
        place = _copy(world, tmp_path_factory.mktemp(name))
        running = start(case.words, place)
        running.wait_for_begin()
        code, seconds = running.wait()
        assert code == 0, running.text
        assert not leftovers(place)
        outcomes[name] = {**digest(place / case.out), "seconds": str(seconds)}
        shutil.rmtree(place)
    return outcomes


def _copy(world: Path, place: Path) -> Path:
    shutil.copytree(world, place, dirs_exist_ok=True)
    (place / "log.txt").unlink(missing_ok=True)
    return place


def _trouble(place: Path, case: Case, number: int, delay: float) -> None:
    """Stop a command after some seconds, and check how it ends."""
    running = start(case.words, place)
    running.wait_for_begin()
    running.process.join(delay)
    running.send(number)
    code, _ = running.wait()
    assert code in (_CODES[number], 0), f"exit code {code}: {running.text}"
    assert "Traceback" not in running.text
    assert not running.survivors(), "processes are left"


def _go_on(place: Path, case: Case, expected: dict[str, str]) -> None:
    """Run the command again, and check that it ends as if nothing had been."""
    if not (case.is_whole and (place / case.out).exists()):
        code, text = run([*case.words, *case.goes_on], place)
        assert code == 0, text
    assert digest(place / case.out) == expected
    assert not leftovers(place)


@pytest.mark.parametrize("number", list(_CODES), ids=lambda number: signal.Signals(number).name)
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "times", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_stopped_command_goes_on(
    world: Path,
    untroubled: dict[str, dict[str, str]],
    tmp_path: Path,
    name: str,
    number: int,
    times: int,
) -> None:
    case, expected = CASES[name], dict(untroubled[name])
    seconds = float(expected.pop("seconds"))
    moments = random.Random(f"{name} {number}")
    for time in range(times):
        place = _copy(world, tmp_path / str(time))
        before = inputs(place, case)
        delay = moments.uniform(0, 1.05 * seconds)
        _trouble(place, case, number, delay)
        _go_on(place, case, expected)
        assert inputs(place, case) == before, f"inputs changed after {delay:.3f} s"
        shutil.rmtree(place)
