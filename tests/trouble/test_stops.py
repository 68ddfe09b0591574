"""Commands that are killed, terminated and interrupted at random moments, and then go on."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from tests.trouble.trials import CODES, stopped
from tests.trouble.world import CASES, copy_world

_FEW, _MANY = 1, 20  # moments for each command and signal


@pytest.mark.parametrize("number", list(CODES), ids=lambda number: signal.Signals(number).name)
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
    moments = random.Random(f"{name} {number}")
    for time in range(times):
        place = copy_world(world, tmp_path / str(time))
        delay = moments.uniform(0, 1.05 * seconds[name])
        faults = stopped(place, CASES[name], number, delay, untroubled[name])
        assert not faults, f"after {delay:.3f} s: {faults}"
        shutil.rmtree(place)
