"""Commands that meet a full disk, a folder that may not be written, each other, or new files."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image
from tests.trouble.processes import Setting, run, start
from tests.trouble.trials import SIZES, starved
from tests.trouble.world import CASES, copy_world, digest, leftovers

_UNLOCKED = ("evaluate", "evaluate-masks", "inspect")  # write files one by one, all in the end


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize(
    "sizes", [SIZES[4:5], pytest.param(SIZES, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_command_goes_on_after_a_full_disk(
    world: Path,
    untroubled: dict[str, dict[str, str]],
    tmp_path: Path,
    name: str,
    sizes: list[int],
) -> None:
    for size in sizes:
        place = copy_world(world, tmp_path / str(size))
        faults = starved(place, CASES[name], size, untroubled[name])
        assert not faults, f"after {size} bytes: {faults}"
        shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to become another user")
@pytest.mark.parametrize("name", list(CASES))
def test_folder_that_may_not_be_written_is_said(world: Path, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    place = copy_world(world, tmp_path / "place")
    open_to_others(place)
    (place / "tmp").chmod(0o777)
    before = digest(place)
    code, text = run(case.words, place, Setting(as_nobody=True))
    assert code == 1, text
    assert "cannot be written" in text
    assert "Traceback" not in text
    assert digest(place) == before


@pytest.mark.parametrize("name", [name for name in CASES if name not in _UNLOCKED])
def test_two_at_once_are_refused_or_follow_each_other(
    world: Path, untroubled: dict[str, dict[str, str]], tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    place = copy_world(world, tmp_path / "place")
    first = start(case.words, place, label="first")
    second = start([*case.words, *case.goes_on], place, label="second")
    codes = [running.wait()[0] for running in (first, second)]
    texts = [running.text for running in (first, second)]
    assert 0 in codes, texts
    for code, text in zip(codes, texts, strict=True):
        assert code == 0 or "in use by weakseg" in text or "is there" in text, text
    assert digest(place / case.out) == untroubled[name]
    assert not leftovers(place)


def test_running_training_keeps_its_data_and_its_folder(
    world: Path, untroubled: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    place = copy_world(world, tmp_path / "place")
    words = list(CASES["train"].words)
    words[words.index("data")] = "old"
    running = start(words, place, label="training")
    while not (place / "trained" / "recipe.yaml").exists():
        assert running.process.is_alive(), running.text
    for other in (CASES["import-again"].words, [*words, "--overwrite"], [*words, "--resume"]):
        code, text = run(other, place)
        assert code == 1
        assert "in use by weakseg train" in text
    assert running.wait()[0] == 0


def test_image_replaced_by_one_of_the_same_size_is_noticed(world: Path, tmp_path: Path) -> None:
    case = CASES["train"]
    changed = copy_world(world, tmp_path / "changed")
    _change(changed / "data" / "images" / "img0.png")
    assert run(case.words, changed)[0] == 0
    place = copy_world(world, tmp_path / "place")
    running = start(case.words, place)
    while not (place / "trained" / "stages" / "embed" / "stage.json").exists():
        assert running.process.is_alive(), running.text
    running.send(signal.SIGKILL)
    running.wait()
    _change(place / "data" / "images" / "img0.png")
    code, text = run([*case.words, "--resume"], place)
    if code:  # some steps were done
        assert "started on other images or marks" in text
        assert run([*case.words, "--overwrite"], place)[0] == 0
    assert digest(place / case.out) == digest(changed / case.out)


def open_to_others(place: Path) -> None:
    """Let users of the same group, and others, read a folder, which pytest keeps closed."""
    for folder in (place, *place.parents):
        status = folder.stat()
        if status.st_uid == os.geteuid() and status.st_mode & 0o055 != 0o055:
            folder.chmod(status.st_mode | 0o055)
    for weights in (place / "run").glob("*.safetensors"):
        weights.chmod(0o644)  # safetensors writes files that no other user may read


def _change(path: Path) -> None:
    """Replace an image by another of as many bytes, no newer."""
    status = path.stat()
    with Image.open(path) as picture:
        plain = Image.new("RGB", picture.size, (200, 30, 30))
    plain.save(path)
    path.write_bytes(path.read_bytes().ljust(status.st_size, b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to become another user")
def test_folder_that_may_not_be_read_is_said(world: Path, tmp_path: Path) -> None:
    place = copy_world(world, tmp_path / "place")
    open_to_others(place)
    (place / "data").chmod(0o700)
    code, text = run(CASES["inspect"].words, place, Setting(as_nobody=True))
    assert code == 1, text
    assert "this user may not read it" in text
