"""The small world, and what becomes of it where nothing troubles the commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.trouble.processes import run, start
from tests.trouble.world import CASES, copy_world, digest, leftovers, make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with data, photographs, files of marks, and a run."""
    root = tmp_path_factory.mktemp("world")

    def succeed(words: list[str]) -> None:
        code, text = run(words, root)
        assert code == 0, text

    make_world(root, succeed)
    return root


@pytest.fixture(scope="session")
def outcomes(
    world: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[dict[str, str], float]]:
    """What each command makes, and its seconds."""
    made = {}
    for name, case in CASES.items():
        place = copy_world(world, tmp_path_factory.mktemp(name))
        running = start(case.words, place)
        running.wait_for_begin()
        code, seconds = running.wait()
        assert code == 0, running.text
        assert not leftovers(place)
        made[name] = digest(place / case.out), seconds
        shutil.rmtree(place)
    return made


@pytest.fixture(scope="session")
def untroubled(outcomes: dict[str, tuple[dict[str, str], float]]) -> dict[str, dict[str, str]]:
    """What each command makes."""
    return {name: made for name, (made, _) in outcomes.items()}


@pytest.fixture(scope="session")
def seconds(outcomes: dict[str, tuple[dict[str, str], float]]) -> dict[str, float]:
    """How long each command takes."""
    return {name: time for name, (_, time) in outcomes.items()}
