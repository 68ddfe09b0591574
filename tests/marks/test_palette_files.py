import json

import pytest

from weakseg.marks.classes import OpenClassList
from weakseg.marks.palette_files import palette_ids, read_palette
from weakseg.support.errors import DataError

EXPECTED = {(0, 0, 0): "background", (250, 50, 83): "cat: big", (1, 2, 3): "dog"}
FILES = {
    "p.csv": 'r,name,g,b\n0,background,0,0\n250,"cat: big",50,83\n1,dog,2,3\n',
    "a.json": '{"background": "#000000", "cat: big": "#FA3253", "dog": [1, 2, 3]}',
    "b.json": json.dumps(
        [
            {"name": "background", "color": [0, 0, 0], "id": 3},
            {"name": "cat: big", "color": "#fa3253"},
            {"name": "dog", "colour": [1, 2, 3]},
        ]
    ),
    "no_ending": '\n {"background": "#000000", "cat: big": "#FA3253", "dog": [1, 2, 3]}',
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\n"
    "cat: big:250,50,83:head,tail:runs\ndog:1,2,3::\n",
    "p.gpl": "GIMP Palette\nName: mine\nColumns: 3\n#\n  0   0   0\tbackground\n"
    "250  50  83  cat: big\n1 2 3 dog\n",
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_gives_names_by_colour_in_its_order(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    assert list(read_palette(path).items()) == list(EXPECTED.items())


def test_several_colours_may_be_one_class_and_one_may_be_unlabelled():
    palette = {
        (0, 0, 1): "cat",
        (0, 0, 2): "dog",
        (0, 0, 3): "cat",
        (9, 9, 9): "Unlabeled",
        (8, 8, 8): "void",
    }
    classes = OpenClassList()
    ids = palette_ids(palette, classes, "palette.csv")
    assert list(ids.values()) == [1, 2, 1, 254, 255]
    assert classes.names == ["background", "cat", "dog"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "name,r,g\na,1,2\n", "line 1: expected the header name,r,g,b"),
        ("p.csv", "name,r,g,b\na,1,2,256\n", "line 2: expected red, green and blue from 0 to 255"),
        ("p.csv", "name,r,g,b\na,1,2,3\nb,1,2,3\n", r"line 3: colour \(1, 2, 3\) has two names"),
        ("p.csv", "name,r,g,b\n", "expected names and colours of classes, but found none"),
        ("p.csv", "", "an empty file"),
        ("p.json", '{"a": "red"}', "'a': expected red, green and blue .* but got 'red'"),
        ("p.json", '{"a": [1, 2]}', "'a': expected red, green and blue"),
        ("p.json", '{"a": [1, 2, NaN]}', "'a': expected red, green and blue"),
        ("p.json", '{"a": null}', "'a': expected red, green and blue"),
        ("p.json", '{" ": [1, 2, 3]}', "expected a name beside the colour, but got ' '"),
        ("p.json", '[{"color": [1, 2, 3]}]', "item 1: expected a name .* but got None"),
        ("p.json", "[3]", "item 1: expected an object with name and color, but got 3"),
        ("p.json", "3", "expected an object of colours by name"),
        ("p.json", "{", "is damaged or no JSON"),
        ("p.json", '{"a": [1, 2, 3], "a": [4, 5, 6]}', "twice"),
        ("labelmap.txt", "a:1,2,3::\nb:::\n", "line 2: class 'b' has no colour"),
        ("labelmap.txt", "a:1,2::\n", "line 1: expected red, green and blue"),
        ("labelmap.txt", "a:1,2,3::\nb\n", "line 2: expected name:r,g,b:parts:actions"),
        ("p.gpl", "GIMP Palette\n1 2 3\n", "line 2: expected a name beside the colour"),
        ("p.gpl", "GIMP Palette\nred\n", "line 2: expected red, green, blue and a name"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message) as raised:
        read_palette(path)
    assert raised.value.path == path


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_palette(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is not readable as text"):
        read_palette(tmp_path / "p.csv")


def test_a_labelmap_without_colours_has_those_of_pascal_voc(tmp_path):
    path = tmp_path / "labelmap.txt"
    path.write_text("# label:color_rgb:parts:actions\nbackground:::\ncat:::\nsea dog:::\n")
    assert read_palette(path) == {
        (0, 0, 0): "background",
        (128, 0, 0): "cat",
        (0, 128, 0): "sea dog",
    }
    path.write_text("background:0,0,0::\ncat:::\n")
    with pytest.raises(DataError, match=r"line 2: class 'cat' has no colour while others have"):
        read_palette(path)
