from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from weakseg.support import parts
from weakseg.support.files import replacing
from weakseg.support.parts import is_temporary, part_of, temporary_folder


def _dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _renamed(path: Path, process: int) -> Path:
    return path.with_name(path.name.replace(f"-{os.getpid()}", f"-{process}"))


@pytest.fixture(autouse=True)
def nothing_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_swept", set())


def test_part_of_a_dead_process_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    with part_of(tmp_path / "a.json") as part:
        left = _renamed(part, _dead_process())
    left.write_text("half")
    parts._swept.clear()  # as in the next process
    with replacing(tmp_path / "b.json") as beside:
        beside.write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_part_of_an_earlier_process_of_our_number_is_removed(tmp_path: Path) -> None:
    with part_of(tmp_path / "a.json") as left:
        pass
    left.write_text("half")
    parts.remove_stale_parts(tmp_path)
    assert not left.exists()


def test_parts_that_are_being_written_stay(tmp_path: Path) -> None:
    with part_of(tmp_path / "a.json") as part:
        part.write_text("half")
        other = _renamed(part, os.getppid())
        other.write_text("half of another process")
        parts.remove_stale_parts(tmp_path)
        assert part.exists()
        assert other.exists()


def test_part_of_another_machine_goes_after_a_day(tmp_path: Path) -> None:
    part = tmp_path / ".a.0123456789ab.00000000-1.part.json"
    part.write_text("half")
    parts.remove_stale_parts(tmp_path)
    assert part.exists()
    long_ago = part.stat().st_mtime - parts.MAX_AGE - 1
    os.utime(part, (long_ago, long_ago))
    parts.remove_stale_parts(tmp_path)
    assert not part.exists()


def test_names_of_users_are_no_parts(tmp_path: Path) -> None:
    names = [".a.part", "a.part.json", ".scores.1234.part.json"]
    for name in names:
        (tmp_path / name).write_text("")
    parts.remove_stale_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_temporary_folder_of_a_dead_process_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        left = _renamed(folder, _dead_process())
        assert is_temporary(folder / "a" / "b.jpg")
    (left / "unpacked").mkdir(parents=True)
    with temporary_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())
