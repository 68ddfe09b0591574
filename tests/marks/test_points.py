import json

import pytest

from weakseg.marks.classes import ClassList, read_classes
from weakseg.marks.kinds import Point
from weakseg.marks.points import read_points
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))


def test_points_are_read_from_csv_by_class_name_or_id(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("image,class,x,y\na,cat,1.5,2\na,2,3,4\nb,background,0,0\n")
    assert read_points(path, CLASSES) == {
        "a": [Point(1, 1.5, 2), Point(2, 3, 4)],
        "b": [Point(0, 0, 0)],
    }


def test_points_are_read_from_json_of_clicks(tmp_path):
    path = tmp_path / "points.json"
    path.write_text(json.dumps({"a": [{"x": 1, "y": 2, "rank": 1, "cls": 2}]}))
    assert read_points(path, CLASSES) == {"a": [Point(2, 1, 2)]}


def test_an_image_without_clicks_is_there_without_points(tmp_path):
    path = tmp_path / "points.json"
    path.write_text('{"a.jpg": []}')
    assert read_points(path, CLASSES) == {"a": []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,class,x\n", r"line 1: expected the header image,class,x,y, but got image,class,x"),
        ("", r"line 1: .*an empty file"),
        ("image,class,x,y\na,cow,1,2\n", r"line 2: class 'cow' is not among the 3"),
        ("image,class,x,y\na,ca,1,2\n", r"did you mean 'cat'"),
        ("image,class,x,y\na,cat,one,2\n", r"line 2: expected a number as x, but got 'one'"),
        ("image,class,x,y\na,cat,nan,2\n", r"expected a number as x"),
        ("image,class,x,y\na,cat,1\n", r"line 2: y is empty"),
        ("image,class,x,y\na,5,1,1\n", r"class '5' is not among"),
    ],
)
def test_a_wrong_csv_is_refused_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as raised:
        read_points(path, CLASSES)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [], "a": []}', "twice"),
        ('{"a": [{"cls": 1, "x": 1%s, "y": 1}]}' % ("0" * 400), "expected a number as x"),
        ("{", "is damaged or no JSON"),
        ("[]", "expected an object"),
        ('{"a": 3}', "'a': expected a list of points, but got 3"),
        ('{"a": [{"x": 1}]}', "image 'a', point 1: expected cls, x and y"),
        ('{"a": [{"cls": 9, "x": 1, "y": 1}]}', "image 'a', point 1: class 9 is not among"),
        ('{"a": [{"cls": true, "x": 1, "y": 1}]}', "class True is not among"),
        ('{"a": [{"cls": 1, "x": NaN, "y": 1}]}', "expected a number as x"),
    ],
)
def test_a_wrong_json_is_refused_with_file_and_entry(tmp_path, text, message):
    path = tmp_path / "points.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as raised:
        read_points(path, CLASSES)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"), [("", "got 0"), ("a\n", "got 1"), ("a\nb\na\n", "'a' is listed twice")]
)
def test_a_wrong_class_list_is_refused(tmp_path, text, message):
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_classes(path)
