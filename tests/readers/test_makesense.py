import pytest

from weakseg.marks.kinds import Box, Point
from weakseg.support.errors import DataError


@pytest.fixture
def write(tmp_path):
    """Write a file of makesense.ai."""

    def write(*rows):
        path = tmp_path / "labels_my-project-name_2024-01-01.csv"
        path.write_text("\n".join(rows))
        return path

    return write


def test_boxes_points_and_tags_become_marks(read, write, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    boxes = write("cat,1,2,3,4,a.jpg,30,20", "dog,0,0,30,20,a.jpg,30,20")
    images, classes = read("makesense", boxes)
    assert classes == ["background", "cat", "dog"]
    assert images["a"].marks.boxes == (Box(1, 1, 2, 3, 5), Box(2, 0, 0, 29, 19))
    assert (images["a"].size, images["a"].picture) == ((20, 30), tmp_path / "a.jpg")
    assert not images["a"].findings
    images, _ = read("makesense", write("cat,4,5,a.jpg,30,20"))
    assert images["a"].marks.points == (Point(1, 4, 5),)
    images, classes = read("makesense", write('a.jpg,"[cat,dog]"', 'b.png,"[dog]"'))
    assert [{classes[tag] for tag in item.marks.tags} for item in images.values()] == [
        {"cat", "dog"},
        {"dog"},
    ]


def test_rows_that_cannot_be_boxes_are_lines_and_so_are_all(read, write):
    images, _ = read("makesense", write("cat,1,2,3,4,a.jpg,30,20", "cat,25,18,28,3,a.jpg,30,20"))
    assert [stroke.path for stroke in images["a"].marks.strokes] == [
        ((1, 2), (3, 4)),
        ((25, 18), (28, 3)),
    ]
    assert "read as lines" in images["a"].findings[0].message


def test_a_damaged_row_among_boxes_makes_no_lines_of_them(read, write):
    boxes = ["cat,10,2,3,4,a.jpg,30,20", "dog,1,2,3,4,a.jpg,30,20"]
    # Reaches out of the image as a box and as a line; and, one row of eleven, as a box alone.
    for wrong, good in (
        ("cat,-5,-5,200,10,a.jpg,30,20", boxes),
        ("cat,25,2,28,3,a.jpg,30,20", boxes * 5),
    ):
        images, _ = read("makesense", write(*good, wrong))
        assert len(images["a"].marks.boxes) == len(good) + 1
        (finding,) = images["a"].findings
        assert f"1 row of {len(good) + 1} cannot be boxes" in finding.message
        assert finding.entry == f"line {len(good) + 1}"


def test_damaged_rows_are_left_out_and_named(read, write, says_left_out):
    good = ["cat,1,2,3,4,a.jpg,30,20"] * 5
    for wrong, says in {
        "cat,1,2,3,a.jpg,30,20": "line 6: expected a label, 2 or 4 numbers.*got 7 columns",
        "cat,1,2,3,x,a.jpg,30,20": "line 6: expected a number as a coordinate, but got 'x'",
        ",1,2,3,4,a.jpg,30,20": "line 6: has no label",
    }.items():
        images, _ = read("makesense", write(*good, wrong))
        says_left_out(images["a"], says)
        assert len(images["a"].marks.boxes) == 5


def test_commas_that_are_not_quoted_belong_to_labels_and_names(read, write):
    boxes = write("cup, hot,1,2,3,4,a.jpg,30,20", "cat,1,2,3,4,coffee, cup.png,30,20")
    images, classes = read("makesense", boxes)
    assert classes == ["background", "cup, hot", "cat"]
    assert images["a"].marks.boxes == (Box(1, 1, 2, 3, 5),)
    assert images["coffee, cup"].marks.boxes == (Box(2, 1, 2, 3, 5),)
    assert not any(image.findings for image in images.values())
    images, classes = read("makesense", write("a, b, c,4,5,x, 2.jpg,30,20", "7,4,5,b.jpg,30,20"))
    assert classes == ["background", "a, b, c", "7"]
    assert images["x, 2"].marks.points == (Point(1, 4, 5),)
    images, classes = read("makesense", write('a, b.jpg,"[cat,dog]"'))
    assert {classes[tag] for tag in images["a, b"].marks.tags} == {"cat", "dog"}


def test_a_row_that_can_be_split_in_two_ways_is_left_out_and_named(read, write, says_left_out):
    rows = ["cat,1,2,3,4,a.jpg,30,20"] * 5
    images, _ = read("makesense", write(*rows, "cup,1,2,3,4,img,5,6,7,8,a.jpg,30,20"))
    says_left_out(images["a"], "line 6: .*in several .put label and name into quotes")


def test_tags_split_at_a_comma_before_a_space_are_a_finding(read, write):
    images, classes = read("makesense", write('a.jpg,"[cat,cup, hot]"'))
    assert classes == ["background", "cat", "cup", "hot"]
    assert "--classes FILE" in images["a"].findings[0].message


def test_tags_are_read_from_json_whatever_their_names_hold(read, write_json, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    tags = [{"image": "a.jpg", "annotations": ["cup, hot", "cat"]}]
    images, classes = read("makesense", write_json(tmp_path / "labels.json", tags))
    assert classes == ["background", "cup, hot", "cat"]
    assert (images["a"].marks.tags, images["a"].picture) == ({1, 2}, tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"image": 3, "annotations": []}, "item 1: expected a text as 'image'"),
        ({"image": "a.jpg", "annotations": "cat"}, "expected a list as 'annotations'"),
    ],
)
def test_json_of_tags_that_is_damaged_is_refused(read, write_json, tmp_path, item, says):
    with pytest.raises(DataError, match=says):
        read("makesense", write_json(tmp_path / "labels.json", [item]))
