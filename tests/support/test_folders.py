from pathlib import Path

import pytest

from weakseg.support.errors import DataError
from weakseg.support.folders import (
    existing,
    files_below,
    files_by_name,
    files_of,
    first_files,
    head,
    holds_file,
    holds_texts,
    nearest_files,
    safely,
    split_of,
)


def is_wanted(path: Path) -> bool:
    return path.read_text() == "wanted"


@pytest.fixture
def folder(tmp_path):
    for name, text in {"b.txt": "wanted", "a.txt": "other", "c/d.txt": "wanted"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "e.txt").write_bytes(b"\xff\xfe\xff")
    return tmp_path


def test_files_of_a_format_are_those_that_belong_in_order(folder):
    found = files_of(folder, ["*.txt", "*/*.txt"], is_wanted)
    assert found == [folder / "b.txt", folder / "c" / "d.txt"]
    assert files_of(folder / "a.txt", ["*.txt"], is_wanted) == [folder / "a.txt"]  # as it is
    with pytest.raises(DataError, match="holds no file of this format"):
        files_of(folder, ["*.xml"], is_wanted)
    with pytest.raises(DataError, match="there is no such file or folder"):
        files_of(folder / "missing", ["*.xml"], is_wanted)


def test_a_file_is_of_a_format_by_its_ending_and_its_content(folder):
    assert holds_file(folder / "b.txt", ["*.txt"], is_wanted)
    assert not holds_file(folder / "b.txt", ["*.xml"], is_wanted)
    assert not holds_file(folder / "a.txt", ["*.txt"], is_wanted)
    assert holds_file(folder, ["*/*.txt"], is_wanted)


def test_a_safe_test_of_a_format_is_false_where_it_would_fail(folder):
    assert not safely(is_wanted)(folder / "e.txt")
    assert not safely(is_wanted)(folder / "missing")


def test_texts_are_found_anywhere_in_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 10**6 + b"far" + b"x" * 10**6)
    assert holds_texts(tmp_path / "a", ["far", "x"])
    assert not holds_texts(tmp_path / "a", ["far", "near"])


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 100])
def test_a_text_that_lies_in_two_pieces_of_a_file_is_found(tmp_path, monkeypatch, piece):
    monkeypatch.setattr("weakseg.support.folders._PIECE", piece)
    (tmp_path / "a").write_text("..far.fa.r.near")
    assert holds_texts(tmp_path / "a", ["far", "near"])
    assert not holds_texts(tmp_path / "a", ["farn"])
    assert not holds_texts(tmp_path / "a", ["far", "nears"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_beginning_of_a_file_is_read_in_its_encoding(tmp_path, encoding):
    (tmp_path / "a").write_text("<é>", encoding=encoding)
    assert head(tmp_path / "a") == "<é>"


def test_the_nearest_files_come_first(folder):
    names = [path.name for path in nearest_files(folder)]
    assert names == ["a.txt", "b.txt", "e.txt", "d.txt"]
    assert len(list(nearest_files(folder, limit=2))) == 2


def test_paths_that_cannot_be_are_not_there(tmp_path):
    assert existing(tmp_path / ("x" * 5000)) is None
    assert existing(Path("a\0b")) is None


def test_splits_are_known_in_capitals_too():
    assert split_of(["data", "Train", "val"]) == "Train"
    assert split_of(["data"]) is None


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_files_are_found_by_their_path_without_the_ending_but_litter_is_not(tmp_path):
    for name in ("b/a.b.XML", "c.xml", "._c.xml", ".git/d.xml", "e.txt", "f.xml/g.txt"):
        touch(tmp_path / name)
    assert files_by_name(tmp_path, ".xml") == {
        "b/a.b": tmp_path / "b/a.b.XML",
        "c": tmp_path / "c.xml",
    }
    assert files_by_name(tmp_path / "missing", ".xml") == {}


def test_a_few_files_are_looked_at_where_the_first_pattern_finds_any(tmp_path):
    for name in ("b/1.xml", "b/2.xml", "c/3.XML", "c/4.xml"):
        touch(tmp_path / name)
    assert first_files(tmp_path, ".xml") == []
    found = first_files(tmp_path, ".xml", ("*", "*/*"))
    assert [path.name for path in found] == ["1.xml", "2.xml", "3.XML"]
    assert first_files(found[0], ".xml") == found[:1]
    assert first_files(found[0], ".png") == []


def test_what_file_managers_leave_is_passed_over(tmp_path):
    names = ["a.json", "._a.json", "sub/b.json", "sub/._b.json", "__MACOSX/c.json", "Thumbs.db"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = [tmp_path / "a.json", tmp_path / "sub" / "b.json"]
    assert files_of(tmp_path, ["**/*.json"], lambda path: True) == found
    assert [path for path in files_below(tmp_path) if path.is_file()] == found
    assert list(nearest_files(tmp_path)) == found
    assert list(files_by_name(tmp_path, ".json")) == ["a", "sub/b"]
    assert first_files(tmp_path, ".json", ("**/*",)) == found
    (tmp_path / "a.json").unlink()
    assert not holds_file(tmp_path, ["*.json"], lambda path: True)
