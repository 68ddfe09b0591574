import json

import pytest

from weakseg.marks.kinds import Box, Point
from weakseg.support.errors import DataError

BOX = {"name": "cat", "bounding_box": {"top": 2, "left": 1, "height": 4, "width": 3}}
PLACES = [{"x": 1, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}]


def row(*objects, classifications=(), **data):
    annotations = {"objects": list(objects), "classifications": list(classifications)}
    return {
        "data_row": {"id": "c1", "external_id": "a.jpg", "row_data": "https://x.com/a.jpg"} | data,
        "media_attributes": {"height": 20, "width": 30},
        "projects": {"p": {"name": "mine", "labels": [{"annotations": annotations}]}},
    }


@pytest.fixture
def write(tmp_path):
    """Write an export, a data row a line."""

    def write(*rows):
        path = tmp_path / "export.ndjson"
        path.write_text("".join(f"{json.dumps(one)}\n" for one in rows))
        return path

    return write


def test_every_object_becomes_its_mark(read, write, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    choice = {"name": "weather", "radio_answer": {"name": "rain"}}
    several = {"name": "where", "checklist_answers": [{"name": "street"}, {"name": "park"}]}
    images, classes = read(
        "labelbox",
        write(
            row(
                BOX,
                {"name": "dog", "polygon": PLACES},
                {"name": "dog", "line": PLACES},
                {"name": "dog", "point": PLACES[0]},
                classifications=[choice, several],
            ),
            row(external_id="7", row_data="https://x.com/b%20c.jpg?key=1"),
        ),
    )
    image = images["a"]
    assert classes == ["background", "cat", "dog", "rain", "street", "park"]
    assert image.marks.boxes == (Box(1, 1, 2, 3, 5, 1),)
    assert image.marks.points == (Point(2, 1, 1, 4),)
    assert (len(image.marks.polygons), len(image.marks.strokes)) == (1, 1)
    assert {classes[tag] for tag in image.marks.tags} == {"rain", "street", "park"}
    assert (image.size, image.picture) == ((20, 30), tmp_path / "a.jpg")
    assert not image.findings
    assert list(images) == ["a", "b c"]


def test_a_list_of_rows_is_read_too(read, write_json, tmp_path):
    images, _ = read("labelbox", write_json(tmp_path / "export.json", [row(BOX)]))
    assert len(images["a"].marks.boxes) == 1


def test_labels_of_several_projects_are_joined_and_that_is_said(read, write):
    two = row(BOX)
    other = {**BOX, "name": "dog"}
    two["projects"]["q"] = {**row(BOX, other)["projects"]["p"], "name": "Q"}
    images, _ = read("labelbox", write(two))
    messages = " ".join(finding.message for finding in images["a"].findings)
    assert "the labels of the projects mine, Q are joined" in messages
    assert len({box.class_id for box in images["a"].marks.boxes}) == 2
    assert len(images["a"].marks.boxes) == 2


def test_masks_and_several_labels_are_said(read, write):
    two = row(BOX, {"name": "cat", "mask": {"url": "https://x.com/m.png"}})
    two["projects"]["p"]["labels"] *= 2
    images, _ = read("labelbox", write(two))
    messages = " ".join(finding.message for finding in images["a"].findings)
    assert "only linked in the export" in messages
    assert "2 labels of one image in project 'mine'; the last is taken" in messages
    assert len(images["a"].marks.boxes) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "cat", "bounding_box": {"top": 2, "left": 1, "height": 4}}, "number as width"),
        ({"name": "", "polygon": PLACES}, "has no label"),
        ({"name": "cat", "polygon": [{"x": 1}]}, "a number as y"),
        ("x", "has no label"),
    ],
)
def test_damaged_objects_are_left_out_and_named(read, write, says_left_out, wrong, says):
    images, _ = read("labelbox", write(row(wrong, BOX)))
    says_left_out(images["a"], says, "object 1")
    assert len(images["a"].marks.boxes) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"projects": 0}, "expected an object as 'projects', but got 0"),
        ({"projects": {"p": {"labels": ""}}}, "expected a list as 'labels', but got ''"),
    ],
)
def test_what_is_no_list_of_labels_is_an_error_and_not_an_image_without_marks(
    read, write, change, says
):
    with pytest.raises(DataError, match=says):
        read("labelbox", write(row() | change))


def test_a_row_without_projects_is_said(read, write):
    bare = row()
    del bare["projects"]
    images, _ = read("labelbox", write(bare))
    (image,) = images.values()
    assert [finding.message for finding in image.findings] == [
        "has no 'projects', in which labels are"
    ]
