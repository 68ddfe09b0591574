from __future__ import annotations

from pathlib import Path

import pytest

from weakseg.support.errors import DataError, RunError
from weakseg.support.inside import check_apart, inside


@pytest.mark.parametrize("name", ["a", "a/b", "..a", "a..", ".a", "B: a", "a (2), 50 %", "é"])
def test_plain_name_stays(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name, ".png") == tmp_path / f"{name}.png"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/../../b", "a/../b", "/a", "a//b", "a/", "..\\a", "C:\\a"]
)
def test_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out"):
        inside(tmp_path, name, ".png")


def test_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cats").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="leads out"):
        inside(tmp_path / "out", "cats/a")


def test_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "cats").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "out", "cats/a") == tmp_path / "out" / "cats" / "a"


@pytest.mark.parametrize("out", ["photos", "photos/masks", "photos/../photos"])
def test_folder_that_is_read_is_not_written(tmp_path: Path, out: str) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(RunError, match="nothing is written there"):
        check_apart(tmp_path / out, [tmp_path / "photos"])


def test_link_to_what_is_read_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "photos")
    with pytest.raises(RunError, match="nothing is written there"):
        check_apart(tmp_path / "out", [tmp_path / "photos"])


def test_only_what_replaces_may_not_surround_what_is_read(tmp_path: Path) -> None:
    check_apart(tmp_path, [tmp_path / "photos"])
    with pytest.raises(RunError, match="holds"):
        check_apart(tmp_path, [tmp_path / "photos"], replaces=True)
