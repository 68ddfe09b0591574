from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from weakseg.support.errors import RunError
from weakseg.support.new_folders import FILE_LIST, new_folder, restore


def _make(root: Path, content: str, *, overwrite: bool = False) -> None:
    with new_folder(root, "weakseg import", overwrite=overwrite) as part:
        (part / "images").mkdir()
        (part / "images" / "a.jpg").write_text(content)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_appears_complete_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    _make(tmp_path / "data", "new")
    assert _names(tmp_path) == ["data", f"data/{FILE_LIST}", "data/images", "data/images/a.jpg"]


def test_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), new_folder(tmp_path / "d", "weakseg import"):
        raise ValueError("wrong")
    assert not list(tmp_path.iterdir())


def test_part_of_a_killed_import_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".data.part" / "images").mkdir(parents=True)
    (tmp_path / ".data.part" / "images" / "half.jpg").write_text("half")
    _make(tmp_path / "data", "new")
    assert "data/images/half.jpg" not in _names(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_own_folder_is_replaced(tmp_path: Path) -> None:
    _make(tmp_path / "data", "old")
    with pytest.raises(RunError, match="--overwrite"):
        _make(tmp_path / "data", "new")
    _make(tmp_path / "data", "new", overwrite=True)
    assert (tmp_path / "data" / "images" / "a.jpg").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_old_folder_stays_where_the_new_one_fails(tmp_path: Path) -> None:
    _make(tmp_path / "data", "old")
    with (
        pytest.raises(ValueError, match="wrong"),
        new_folder(tmp_path / "data", "weakseg import", overwrite=True),
    ):
        raise ValueError("wrong")
    assert (tmp_path / "data" / "images" / "a.jpg").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("change", ["added", "edited", "foreign"])
def test_what_a_person_made_is_never_removed(tmp_path: Path, change: str) -> None:
    data = tmp_path / "data"
    _make(data, "old")
    match change:
        case "added":
            (data / "images" / "mine.jpg").write_text("mine")
        case "edited":
            (data / "images" / "a.jpg").write_text("edited by hand")
        case _:
            (data / FILE_LIST).unlink()
            (data / "classes.txt").write_text("background\ncat\n")
    before = {name: (data / name).is_dir() or (data / name).read_text() for name in _names(data)}
    with pytest.raises(RunError, match="leaves it alone"):
        _make(data, "new", overwrite=True)
    assert before == {
        name: (data / name).is_dir() or (data / name).read_text() for name in _names(data)
    }


def test_cache_does_not_count_as_changed(tmp_path: Path) -> None:
    _make(tmp_path / "data", "old")
    (tmp_path / "data" / ".weakseg" / "features").mkdir(parents=True)
    (tmp_path / "data" / ".weakseg" / "features" / "a").write_text("")
    _make(tmp_path / "data", "new", overwrite=True)
    assert not (tmp_path / "data" / ".weakseg").exists()


def test_replacement_that_broke_off_between_two_renames_is_undone(tmp_path: Path) -> None:
    _make(tmp_path / "data", "old")
    (tmp_path / "data").rename(tmp_path / ".data.old")
    shutil.copytree(tmp_path / ".data.old", tmp_path / ".data.part")
    restore(tmp_path / "data")
    assert (tmp_path / "data" / "images" / "a.jpg").read_text() == "old"
    _make(tmp_path / "data", "new", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_folder_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    _make(tmp_path / "data", "new")
    _make(tmp_path / "data", "newer", overwrite=True)
    assert (tmp_path / "data").is_symlink()
    assert (tmp_path / "disk" / "images" / "a.jpg").read_text() == "newer"


def test_two_at_once_are_one_too_many(tmp_path: Path) -> None:
    with new_folder(tmp_path / "data", "weakseg import") as part:
        (part / "a").write_text("first")
        with pytest.raises(RunError, match="in use by weakseg import"):
            _make(tmp_path / "data", "second")
    assert (tmp_path / "data" / "a").read_text() == "first"
