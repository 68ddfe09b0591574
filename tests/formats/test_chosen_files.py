"""Files of a format in a folder, and those that are passed over."""

import pytest

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.source import SourceOptions
from weakseg.support.errors import DataError


def is_good(path):
    return path.read_text() == "good"


def choose(path, **more):
    options = SourceOptions()
    return chosen_files(path, ("*.json",), is_good, options, **more), options.search.take_notes()


def test_files_that_are_passed_over_are_counted_and_the_first_is_named(tmp_path):
    for name in ("a", "b", "c", "meta"):
        (tmp_path / f"{name}.json").write_text("good" if name == "b" else "{")
    (tmp_path / "d.txt").write_text("{")
    files, (finding,) = choose(tmp_path, beside={"meta.json"})
    assert files == [tmp_path / "b.json"]
    assert finding.kind == "unread"
    assert str(finding) == (
        f"{tmp_path / 'a.json'}: 2 files are not of the format of the others; left out, this one "
        "for example: an import that names them, too, joins their marks"
    )


def test_a_folder_of_good_files_and_a_file_that_is_named_need_no_finding(tmp_path):
    (tmp_path / "a.json").write_text("good")
    assert choose(tmp_path) == ([tmp_path / "a.json"], ())
    (tmp_path / "b.json").write_text("{")
    assert choose(tmp_path / "b.json") == ([tmp_path / "b.json"], ())


def test_a_folder_without_any_is_an_error(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="holds no file of this format"):
        choose(tmp_path)
