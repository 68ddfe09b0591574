"""A training on several devices, of whose processes one is stopped or killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import make_folder
from tests.trouble.world import TINY

_LIMIT = 60  # seconds in which all processes are to end


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize(
    ("rank", "number"),
    [
        (1, signal.SIGTERM),
        pytest.param(0, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(0, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(0, signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param(1, signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_two_processes_end_together_and_go_on(tmp_path: Path, rank: int, number: int) -> None:
    make_folder(tmp_path / "data", images=8)
    running = _train(tmp_path, steps=100_000)
    _wait_for_step(tmp_path, running, 3)
    os.kill(_processes(running.pid)[rank], number)
    text = running.communicate(timeout=_LIMIT)[0]
    time.sleep(2)
    assert not _processes(running.pid)
    assert "Traceback" not in text
    assert "bug of weakseg" not in text
    if number == signal.SIGKILL:
        assert running.returncode == -9 if rank == 0 else running.returncode in (1, 143), text
    else:
        assert running.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], text
        assert "what was done is kept" in text
    done = _steps(tmp_path)
    again = _train(tmp_path, "--resume", steps=len(done) + 2)
    text = again.communicate(timeout=120)[0]
    assert again.returncode == 0, text
    assert _steps(tmp_path) == list(range(1, len(done) + 3))


def _train(root: Path, *more: str, steps: int) -> subprocess.Popen[str]:
    options = dict(zip(TINY[::2], TINY[1::2], strict=True))
    options |= {"--training.steps": str(steps), "--training.checkpoint_every": "1"}
    options |= {"--data.marks": "[scribbles]", "--relabel.enabled": "false"}
    options |= {"--classify.steps": "0", "--training.accelerator": "cpu", "--training.devices": "2"}
    words = [word for option in options.items() for word in option]
    command = [sys.executable, "-m", "weakseg", "train", "data", "--out", "run", *words, *more]
    return subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _wait_for_step(root: Path, running: subprocess.Popen[str], step: int) -> None:
    end = time.monotonic() + 120
    while not _steps(root) or _steps(root)[-1] < step or len(_processes(running.pid)) < 2:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < end, "does not begin"
        time.sleep(0.1)


def _steps(root: Path) -> list[int]:
    log = root / "run" / "log.csv"
    if not log.is_file():
        return []
    with log.open() as file:
        return [int(row["step"]) for row in csv.DictReader(file) if row["lr"]]


def _processes(group: int) -> dict[int, int]:
    """Return the living processes of a group by their rank."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            state, _, own, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(own) == group and state != "Z":
                is_second = b"LOCAL_RANK=1" in (folder / "environ").read_bytes().split(b"\0")
                found[int(is_second)] = int(folder.name)
        except (OSError, ValueError):
            continue
    return found
