import pytest

from weakseg.formats.data_folders import Listed, read_split_list, read_splits, split_lists
from weakseg.images.names import NameIndex
from weakseg.support.errors import DataError


def test_an_image_is_in_the_first_split_that_names_it(tmp_path):
    own = tmp_path / "splits"
    own.mkdir()
    lists = {"aug": "a\nb\nc\nd\n", "trainval": "a\nb\nc\n", "val": "b.jpg\n", "train": "a -1\n\n"}
    for name, text in lists.items():
        (own / f"{name}.txt").write_text(text)
    found = {"a": "train", "b": "val", "c": "trainval", "d": "aug"}
    splits = read_splits(own, NameIndex("abcd"))
    assert splits == read_splits(own)
    assert {name: listed.split for name, listed in splits.items()} == found
    assert splits["d"] == Listed("aug", own / "aug.txt", "line 4")
    assert read_splits(tmp_path / "missing") == {}


def test_a_list_that_is_no_text_is_named(tmp_path):
    (tmp_path / "val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"val\.txt, line 1: is not readable as text"):
        read_splits(tmp_path)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["cat (2)", "cat", "cat 3.jpg"], ["cat (2)", "cat", "cat 3"]),
        (["cat (2) 1", "cat -1"], ["cat (2)", "cat"]),
        (["/images/cat 3.jpg /masks/cat 3.png"], ["cat 3"]),
        (["JPEGImages/cat.jpg SegmentationClass/cat.png", "cat (2) x.png"], ["cat", "cat (2)"]),
        (["CAT (2).JPG", "Cafe\u0301", "  cat\t"], ["cat (2)", "Caf\xe9", "cat"]),
        (["a\u2028b", "a\x0cb"], ["a\u2028b", "a\x0cb"]),
        # an image that is gone is no other with a second column
        (["cat 7", "cat"], ["cat 7", "cat"]),
        (["cat (9)", "cat 1"], ["cat (9)", "cat 1"]),
    ],
)
def test_a_line_of_a_split_is_a_name_before_it_is_two_columns(tmp_path, lines, found):
    images = NameIndex(["cat", "cat (2)", "cat 3", "Caf\xe9", "a\u2028b", "a\x0cb"])
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [name for _, name in read_split_list(tmp_path / "train.txt", images)] == found


def test_a_list_of_a_class_is_told_by_the_last_column_of_names_with_spaces(tmp_path):
    own = tmp_path / "splits"
    own.mkdir()
    (own / "cat_train.txt").write_text("x 1  1\ny -1\n")
    (own / "night_train.txt").write_text("x 1\ny\n")
    assert list(split_lists(own)) == ["night_train"]
