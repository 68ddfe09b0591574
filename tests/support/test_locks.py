from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weakseg.support.errors import RunError
from weakseg.support.locks import LOCK_FILE, STALE_AFTER, reading_from, writing_in

_HOLD = """
import sys, time
from pathlib import Path
from weakseg.support.locks import reading_from, writing_in
with {use}(Path(sys.argv[1]), "weakseg train"):
    print("held", flush=True)
    time.sleep(60)
"""


def _start(folder: Path, use: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLD.format(use=use), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_second_writer_is_told_of_the_first_and_comes_in_when_it_is_killed(tmp_path: Path) -> None:
    process = _start(tmp_path, "writing_in")
    try:
        message = rf"in use by weakseg train \(process {process.pid}, since 20"
        with pytest.raises(RunError, match=message), writing_in(tmp_path, "weakseg predict"):
            pass
    finally:
        _stop(process)
    assert (tmp_path / LOCK_FILE).exists()  # a killed process cannot remove it
    with writing_in(tmp_path, "weakseg predict"):
        pass
    assert not list(tmp_path.iterdir())


def test_readers_share_a_folder_and_keep_writers_out(tmp_path: Path) -> None:
    process = _start(tmp_path, "reading_from")
    try:
        with reading_from(tmp_path, "weakseg train"):
            pass
        with pytest.raises(RunError, match="in use"), writing_in(tmp_path, "weakseg import"):
            pass
    finally:
        _stop(process)
    with writing_in(tmp_path, "weakseg import"):
        pass


def test_writer_keeps_readers_out(tmp_path: Path) -> None:
    with (
        writing_in(tmp_path, "weakseg import"),
        pytest.raises(RunError, match="weakseg import"),
        reading_from(tmp_path, "weakseg train"),
    ):
        pass


def test_folder_made_for_a_lock_is_not_left(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), writing_in(tmp_path / "a", "weakseg train"):
        raise ValueError("wrong")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("silent", "is_free"), [(0, False), (STALE_AFTER + 5, True)])
def test_lock_of_another_machine_counts_until_it_is_long_silent(
    tmp_path: Path, silent: int, is_free: bool
) -> None:
    holder = {
        "command": "weakseg train",
        "process": 1,
        "host": "node-7.example",
        "since": "2026-11-28 12:00:00+00:00",
        "writes": True,
    }
    path = tmp_path / LOCK_FILE
    path.write_text(json.dumps(holder))
    os.utime(path, (time.time() - silent, time.time() - silent))
    if is_free:
        with writing_in(tmp_path, "weakseg train"):
            pass
        return
    with (
        pytest.raises(RunError, match=r"on node-7\.example.*free again in 10 min"),
        writing_in(tmp_path, "weakseg train"),
    ):
        pass


def test_damaged_lock_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_bytes(b"\xff{")
    with writing_in(tmp_path, "weakseg train"):
        pass


def test_folder_that_cannot_be_written_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with reading_from(tmp_path, "weakseg train"):
        pass
    with pytest.raises(RunError, match="cannot be written"), writing_in(tmp_path, "weakseg train"):
        pass


def test_folder_that_is_renamed_while_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, moved = os.open, []

    def rename_first(path: Path, *arguments: int) -> int:
        if not moved:
            moved.append((tmp_path / "part").rename(tmp_path / "data"))
        return usual(path, *arguments)

    monkeypatch.setattr(os, "open", rename_first)
    with writing_in(tmp_path / "part", "weakseg import"):
        assert (tmp_path / "part" / LOCK_FILE).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
