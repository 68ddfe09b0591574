from pathlib import Path

import pytest

from weakseg.support.entries import NOWHERE, Entry
from weakseg.support.errors import DataError

SHAPE = Entry(Path("a.json"), "image 1").part("shape 3")


def test_an_error_names_the_file_and_the_place_in_it():
    error = SHAPE.error("is wrong")
    assert str(error) == "a.json, image 1, shape 3: is wrong"
    assert (error.path, error.entry) == (Path("a.json"), "image 1, shape 3")
    assert str(NOWHERE.error("is wrong")) == "is wrong"
    assert str(Entry(Path("a.json")).part("line 2").error("is wrong")) == "a.json, line 2: is wrong"


def test_a_long_value_is_cut_in_the_message():
    assert len(str(SHAPE.expected("a list", "x" * 10_000))) < 120


@pytest.mark.parametrize(
    ("check", "value", "read"),
    [
        ("number", " 4.5", 4.5),
        ("integer", "4", 4),
        ("integer", 4.0, 4),
        ("object", {"a": 1}, {"a": 1}),
        ("list", [1], [1]),
        ("text", "", ""),
        ("key", 7, 7),
        ("key", "7", "7"),
        ("numbers", [1, 2.5], [1, 2.5]),
        ("numbers", [1.7e308, 1.7e308], [1.7e308, 1.7e308]),
        ("numbers", [], []),
        ("corners", [1, 2, 3, 4], ((1, 2), (3, 4))),
        ("places", [["1", 2], (3, 4.5)], ((1, 2), (3, 4.5))),
    ],
)
def test_values_are_read(check, value, read):
    assert getattr(SHAPE, check)(value, "size") == read


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        *(("number", value, "a number as size") for value in (None, "", "nan", True, [1], 2**2000)),
        *(("integer", value, "a whole number as size") for value in (None, 1.5, "x", True, "inf")),
        ("object", [], "an object as size"),
        ("list", "ab", "a list as size"),
        ("text", 3, "a text as size"),
        ("key", True, "a whole number or a text as size"),
        ("key", 1.5, "a whole number or a text as size"),
        ("numbers", "12", "a list of numbers in size"),
        ("numbers", [1, "2"], "numbers in size"),
        ("numbers", [1, False], "numbers in size"),
        ("numbers", [float("nan")], "finite numbers in size"),
        ("numbers", [1.0, float("inf"), -float("inf")], "finite numbers in size"),
        ("numbers", [10**400, -(10**400)], "finite numbers in size"),
        ("corners", [1, 2, 3], "x and y of each place in size"),
        ("places", "ab", "a list of places as size"),
        ("places", ["ab"], "x and y in size"),
        ("places", [[1, 2, 3]], "x and y in size"),
        ("places", [[1, None]], "a number as y of size"),
    ],
)
def test_what_is_something_else_is_refused_with_its_place(check, value, expected):
    with pytest.raises(DataError, match=f"^a.json, image 1, shape 3: expected {expected}, but got"):
        getattr(SHAPE, check)(value, "size")
