"""Commands that are killed, terminated and interrupted at random moments, and then go on."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from tests.trouble.processes import start
from tests.trouble.world import CASES, Case, copy_world, digest, go_on, inputs

_CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
_FEW, _MANY = 1, 20  # moments for each command and signal


def _trouble(place: Path, case: Case, number: int, delay: float, expected: dict[str, str]) -> None:
    """Stop a command after some seconds, and check how it ends."""
    running = start(case.words, place)
    running.wait_for_begin()
    running.process.join(delay)
    running.send(number)
    code, _ = running.wait()
    if code == -number and number != signal.SIGKILL:
        assert digest(place / case.out) == expected, "ended without a word"  # all was done already
    else:
        assert code in (_CODES[number], 0), f"exit code {code}: {running.text}"
    assert "Traceback" not in running.text
    assert not running.survivors(), "processes are left"


@pytest.mark.parametrize("number", list(_CODES), ids=lambda number: signal.Signals(number).name)
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "times", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_stopped_command_goes_on(
    world: Path,
    untroubled: dict[str, dict[str, str]],
    seconds: dict[str, float],
    tmp_path: Path,
    name: str,
    number: int,
    times: int,
) -> None:
    case = CASES[name]
    moments = random.Random(f"{name} {number}")
    for time in range(times):
        place = copy_world(world, tmp_path / str(time))
        before = inputs(place, case)
        delay = moments.uniform(0, 1.05 * seconds[name])
        _trouble(place, case, number, delay, untroubled[name])
        go_on(place, case, untroubled[name])
        assert inputs(place, case) == before, f"inputs changed after {delay:.3f} s"
        shutil.rmtree(place)
