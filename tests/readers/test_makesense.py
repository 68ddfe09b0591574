import pytest

from weakseg.marks.kinds import Box, Point


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
