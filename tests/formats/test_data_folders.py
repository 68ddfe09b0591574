import pytest

from weakseg.formats.data_folders import read_splits
from weakseg.support.errors import DataError


def test_an_image_is_in_the_first_split_that_names_it(tmp_path):
    lists = {"aug": "a\nb\nc\nd\n", "trainval": "a\nb\nc\n", "val": "b.jpg\n", "train": "a -1\n\n"}
    for name, text in lists.items():
        (tmp_path / f"{name}.txt").write_text(text)
    assert read_splits(tmp_path) == {"a": "train", "b": "val", "c": "trainval", "d": "aug"}
    assert read_splits(tmp_path / "missing") == {}


def test_a_list_that_is_no_text_is_named(tmp_path):
    (tmp_path / "val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"val\.txt: is not readable as text"):
        read_splits(tmp_path)
