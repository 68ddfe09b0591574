import json

import pytest
from PIL import Image

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.readers.detection import opened_source
from weakseg.readers.tables import BOXES, CLICKS, TAGS
from weakseg.support.errors import DataError

HEADERS = {
    "points": "image,class,x,y",
    "boxes": "image,class,xmin,ymin,xmax,ymax",
    "tags": "image,class",
}


def write(path, text):
    path.write_text(text)
    return path


def read(kind, path, classes=None):
    return list(kind.read(path, classes or OpenClassList(), SourceOptions()))


def test_points_of_a_table_are_given_by_image(tmp_path):
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg")
    path = write(tmp_path / "p.csv", "image,class,x,y\na.jpg,cat,1,2\nb,dog,3,4\na,dog,5.5,6\n")
    a, b = read(CLICKS, path)
    assert a.marks == Marks(points=(Point(1, 1, 2), Point(2, 5.5, 6)))
    assert (a.name, a.picture, a.path) == ("a", tmp_path / "a.jpg", path)
    assert (b.name, b.picture, b.size) == ("b", None, None)


def test_clicks_in_json_name_classes_or_give_their_numbers(tmp_path):
    clicks = {"a": [{"cls": 1, "x": 1, "y": 2, "rank": 1}, {"cls": "dog", "x": 3, "y": 4}]}
    path = write(tmp_path / "clicks.json", json.dumps(clicks))
    (found,) = read(CLICKS, path, ClassList(("background", "cat", "dog")))
    assert found.marks.points == (Point(1, 1, 2), Point(2, 3, 4))
    assert found.entry == "image 'a'"


def test_a_box_that_ends_before_it_begins_is_reported_and_its_image_kept(tmp_path):
    path = write(tmp_path / "b.csv", f"{HEADERS['boxes']}\na,cat,1,2,1,2\nb,cat,5,2,4,9\n")
    a, b = read(BOXES, path)
    assert a.marks.boxes == (Box(1, 1, 2, 1, 2),)
    assert b.marks.is_empty
    assert [(item.kind, item.entry) for item in b.findings] == [("empty", "line 3")]


def test_tags_may_stand_in_several_rows_or_in_one(tmp_path):
    path = write(tmp_path / "t.csv", "image,class,\na,cat,dog\nb,cat\nb,owl\n")
    a, b = read(TAGS, path)
    assert a.marks == Marks(frozenset({1, 2}))
    assert b.marks == Marks(frozenset({1, 3}))


@pytest.mark.parametrize("kind", HEADERS)
def test_a_table_is_recognised_by_its_header_and_by_one_format_only(tmp_path, kind):
    path = write(tmp_path / "any.txt", f"\ufeff{HEADERS[kind]}\na,cat\n")
    assert [item.name for item in (CLICKS, BOXES, TAGS) if item.recognises(path)] == [kind]


def test_clicks_are_recognised_by_their_first_item(tmp_path):
    clicks = {'a "b"': [], "c": [{"x": 1, "y": 2, "cls": 3}]}
    assert CLICKS.recognises(write(tmp_path / "a.json", json.dumps(clicks, indent=1)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"images": [{"id": 1, "x": 3}]}',
        '{"shapes": [{"cls": 1',
        "a" * 9,
        '{"version": "5.0", "shapes": []}',
        "name,r,g,b\n",
        "\x00\x01",
        '"image,class',
    ],
)
def test_other_files_are_not_taken_for_a_table(tmp_path, text):
    path = write(tmp_path / "any", text)
    assert not any(item.recognises(path) for item in (CLICKS, BOXES, TAGS))
    assert not any(item.recognises(tmp_path) for item in (CLICKS, BOXES, TAGS))
    assert not any(item.recognises(tmp_path / "none") for item in (CLICKS, BOXES, TAGS))


def test_what_is_wrong_in_a_table_is_named(tmp_path):
    path = write(tmp_path / "b.csv", f"{HEADERS['boxes']}\na,cat,1,2,nan,2\n")
    # Where no row is left, the first says why.
    with pytest.raises(DataError, match=r"b\.csv, line 2: expected a number as xmax"):
        read(BOXES, path)


@pytest.mark.parametrize(
    ("kind", "rows", "says"),
    [
        (CLICKS, "a,cat,1,2\nb,cat,x,3\nb,cat,4,5\n", "expected a number as x, but got 'x'"),
        (BOXES, "a,cat,1,2,3,4\nb,cat,1,,3,4\nb,cat,1,2,3,4\n", "ymin is empty"),
        (TAGS, "a,cat\nb,\nb,cat\n", "class is empty"),
    ],
)
def test_a_bad_row_among_others_is_left_out_and_reported(tmp_path, kind, rows, says):
    path = write(tmp_path / "t.csv", f"{HEADERS[kind.name]}\n{rows}")
    a, b = read(kind, path)
    (finding,) = a.findings + b.findings
    assert finding.kind == "damaged"
    assert str(finding) == f"{path}, line 3: {says}; left out"
    assert not a.marks.is_empty
    assert not b.marks.is_empty


def test_a_bad_click_among_others_is_left_out_and_reported(tmp_path):
    clicks = {"a": [{"cls": 1, "x": 1}, {"cls": 1, "x": 3, "y": 4}]}
    path = write(tmp_path / "clicks.json", json.dumps(clicks))
    (item,) = read(CLICKS, path, ClassList(("background", "cat")))
    assert item.marks.points == (Point(1, 3, 4),)
    assert "point 1: expected cls, x and y" in str(item.findings[0])


@pytest.mark.parametrize("kind", [CLICKS, BOXES, TAGS])
def test_a_table_of_nothing_but_its_header_is_refused(tmp_path, kind):
    path = write(tmp_path / "t.csv", f"{HEADERS[kind.name]}\n")
    with pytest.raises(DataError, match=r"t\.csv: expected marks of images"):
        read(kind, path)


def test_peoples_clicks_on_photographs_are_read(shared):
    path = shared / "voc" / "points.json"
    if not path.is_file():
        pytest.skip("the clicks are absent")
    assert CLICKS.recognises(path)
    found = read(CLICKS, path, OpenClassList([f"class{n}" for n in range(21)], closed=True))
    written = json.loads(path.read_text())
    assert [item.name for item in found] == list(written)
    assert sum(len(item.marks.points) for item in found) == sum(map(len, written.values()))


def test_sizes_and_splits_that_tables_state_are_read_and_are_no_classes(tmp_path):
    path = write(tmp_path / "t.csv", "image,class,width,height,split\na,cat,6,4,val\nb,dog,,,\n")
    a, b = read(TAGS, path)
    assert (a.marks.tags, a.size, a.split) == ({1}, (4, 6), "val")
    assert (b.marks.tags, b.size, b.split) == ({2}, None, None)
    path = write(tmp_path / "p.csv", "image,class,x,y,width,height\na.jpg,cat,1,2,6,4\n")
    assert read(CLICKS, path)[0].size == (4, 6)


def test_a_box_of_fractions_is_left_out_of_pixels(tmp_path):
    path = write(tmp_path / "b.csv", f"{HEADERS['boxes']}\na,cat,0.1,0.2,0.3,0.4\na,cat,1,2,3,4\n")
    (a,) = read(BOXES, path)
    assert a.marks.boxes == (Box(1, 1, 2, 3, 4),)
    assert "expected a box in pixels" in a.findings[0].message


def test_tables_in_a_folder_are_read_with_the_splits_that_their_names_state(tmp_path):
    write(tmp_path / "val.csv", "image,class\na,cat\n")
    write(tmp_path / "notes.csv", "who,when\nme,now\n")
    assert TAGS.recognises(tmp_path)
    options = SourceOptions()
    (a,) = TAGS.read(tmp_path, OpenClassList(), options)
    assert (a.marks.tags, a.split) == ({1}, None)
    (finding,) = options.search.take_notes()
    assert (finding.kind, finding.path.name) == ("unread", "notes.csv")
    write(tmp_path / "train.csv", "image,class\nb,cat\n")
    assert [(item.name, item.split) for item in read(TAGS, tmp_path)] == [
        ("b", "train"),
        ("a", "val"),
    ]
    write(tmp_path / "marks.json", "{}")
    assert not TAGS.recognises(tmp_path)


def test_an_image_keeps_a_name_that_ends_like_a_file(tmp_path):
    """`a.jpg.png` is the image `a.jpg`, beside one named `a`."""
    for name in ("a.jpg.png", "a.png"):
        Image.new("RGB", (30, 20)).save(tmp_path / name)
    table = tmp_path / "tags.csv"
    table.write_text("image,class\na.jpg.png,cat\na.png,dog\n")
    with opened_source(table) as source:
        items = list(source.read(OpenClassList(), SourceOptions()))
    assert {item.name: item.picture for item in items} == {
        "a.jpg": tmp_path / "a.jpg.png",
        "a": tmp_path / "a.png",
    }
