"""ADE20K: masks of objects and lists of what they are."""

import numpy as np
import pytest

from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError


@pytest.fixture
def ade20k(picture, write_json, tmp_path):
    """Write an image of ADE20K: two cars, sky, and a wheel, which is a part."""

    def write(year):
        folder = tmp_path / "images" / "training" / "street"
        code = np.zeros((20, 30, 3), np.uint8)  # class in R and G, number of the object in B
        code[3:8, 4:10], code[10:15], code[16:18] = (0, 5, 1), (10, 7, 2), (0, 5, 3)
        picture(folder / "a.jpg")
        picture(folder / "a_seg.png", code)
        picture(folder / "a_parts_1.png", code)
        objects = [("car", 5, 0), ("sky", 263, 0), ("car", 5, 0), ("wheel", 9, 1)]
        if year == 2017:
            numbers = (1, 2, 3, 1)
            lines = [
                f'{number:03} # {level} # 0 # x # {name} # "red, big"\n'
                for number, (name, _, level) in zip(numbers, objects, strict=True)
            ]
            (folder / "a_atr.txt").write_text("".join(lines))
        else:
            listed = [
                {"raw_name": name, "name_ndx": index, "parts": {"part_level": level}}
                for name, index, level in objects
            ]
            write_json(folder / "a.json", {"annotation": {"object": listed}})
        return tmp_path

    return write


@pytest.mark.parametrize("year", [2017, 2020])
def test_objects_of_ade20k_are_read_without_their_parts(read, ade20k, year, drawn):
    images, classes = read("ade20k", ade20k(year))
    assert classes == ["background", "car", "sky"]
    image = images["street/a"]
    expected = np.full((20, 30), VOID)
    expected[3:8, 4:10], expected[10:15], expected[16:18] = 1, 2, 1
    assert (drawn(image, classes) == expected).all()
    assert (image.split, image.picture.name) == ("training", "a.jpg")
    assert [finding.kind for finding in image.findings] == ["unread"]


def test_an_object_that_the_mask_does_not_hold_is_found(read, ade20k):
    root = ade20k(2017)
    with next(root.rglob("*_atr.txt")).open("a") as file:
        file.write('004 # 0 # 0 # x # cow # ""\n')
    (image,) = read("ade20k", root)[0].values()
    assert sorted(finding.kind for finding in image.findings) == ["empty", "unread"]


@pytest.mark.parametrize(
    ("year", "content", "says"),
    [
        (2017, "1 # 0 # car\n", "line 1: expected number # level"),
        (2017, "x # 0 # 0 # a # b # c\n", "got 'x # 0"),
        (2020, "{", "no JSON"),
        (2020, '{"annotation": {"object": [{}]}}', "name_ndx"),
        (2020, '{"annotation": ' + "[" * 100_000, "64 levels"),
    ],
)
def test_damaged_lists_of_objects_are_errors(read, ade20k, year, content, says):
    root = ade20k(year)
    listed = next(path for path in root.rglob("a*") if path.suffix in {".txt", ".json"})
    listed.write_text(content)
    with pytest.raises(DataError, match=listed.name) as caught:
        read("ade20k", root)
    assert says in str(caught.value)


@pytest.mark.parametrize("blue", [(1, 2), (12, 24), (2, 1)])
def test_objects_that_fill_their_picture_are_told_apart(read, ade20k, picture, drawn, blue):
    root = ade20k(2017)
    code = np.zeros((20, 30, 3), np.uint8)
    code[:8], code[8:] = (0, 5, blue[0]), (10, 7, blue[1])
    picture(next(root.rglob("a_seg.png")), code)
    lines = [f'{number} # 0 # 0 # x # {name} # ""\n' for number, name in ((1, "car"), (2, "sky"))]
    next(root.rglob("*_atr.txt")).write_text("".join(lines))
    images, classes = read("ade20k", root)
    upper, bottom = ("sky", "car") if blue == (2, 1) else ("car", "sky")
    labels = drawn(images["street/a"], classes)
    assert (labels[:8] == classes.index(upper)).all()
    assert (labels[8:] == classes.index(bottom)).all()
    assert sorted(mark.instance for mark in images["street/a"].marks.regions) == [1, 2]


def test_names_of_classes_may_be_in_latin_1(read, ade20k):
    root = ade20k(2020)
    listed = next(root.rglob("*.json"))
    listed.write_bytes(listed.read_bytes().replace(b"sky", b"caf\xe9"))
    assert read("ade20k", root)[1] == ["background", "car", "café"]
