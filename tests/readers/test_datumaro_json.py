import re

import numpy as np
import pytest

from weakseg.marks.drawing import pasted
from weakseg.marks.kinds import Box, Point, Polygon, Region, Stroke
from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError


def tree(annotations, **item):
    labels = [{"name": name, "parent": "", "attributes": []} for name in ("cat", "dog")]
    return {
        "dm_format_version": "1.0",
        "media_type": 2,
        "infos": {},
        "categories": {"label": {"labels": labels, "attributes": []}},
        "items": [{"id": "b/a", "annotations": annotations, **item}],
    }


def one(kind, label=1, **more):
    return {"id": 5, "type": kind, "group": 0, "label_id": label, "z_order": 0, **more}


@pytest.fixture
def read_one(read, write_json, tmp_path):
    def read_it(content):
        images, classes = read("datumaro", write_json(tmp_path / "x.json", content))
        return images["b/a"], classes

    return read_it


def test_every_kind_becomes_its_mark(read_one):
    rle = {"size": [2, 3], "counts": "132"}  # 1 out, 3 in, 2 out; column by column
    image, classes = read_one(
        tree(
            [
                one("label"),
                one("bbox", 0, bbox=[1, 2, 3, 4]),
                one("polygon", points=[1, 2, 3, 4, 5, 0]),
                one("polyline", points=[1, 2, 3, 4]),
                one("points", points=[1, 2, 3, 4], visibility=[2, 0]),
                one("mask", rle=rle),
                one("ellipse", points=[2, 2, 10, 10]),
            ],
            image={"path": "a.jpg", "size": [20, 30]},
        )
    )
    assert classes == ["background", "cat", "dog"]
    assert image.marks.tags == {2}
    assert image.marks.boxes == (Box(1, 1, 2, 3, 5, 5),)
    assert image.marks.strokes == (Stroke(2, ((1, 2), (3, 4)), instance=5),)
    assert image.marks.points == (Point(2, 1, 2, 5),)
    assert image.marks.polygons[0] == Polygon(2, (((1, 2), (3, 4), (5, 0)),), 5)
    assert image.marks.regions == (Region(2, 2, 2, (1, 3), instance=5),)
    xs, ys = zip(*image.marks.polygons[1].rings[0], strict=True)
    assert (min(xs), max(xs), min(ys), max(ys)) == pytest.approx((2, 10, 2, 10), abs=0.01)
    assert image.size == (20, 30)


def test_marks_agree_with_what_datumaro_wrote(read, tmp_path):
    datumaro = pytest.importorskip("datumaro")
    boxes = [datumaro.Bbox(1, 2, 3, 4, label=0, id=1), datumaro.Bbox(5, 6, 2, 2, label=1, id=2)]
    items = [
        datumaro.DatasetItem("a", subset="train", annotations=boxes),
        datumaro.DatasetItem("b", subset="val", annotations=boxes[:1]),
    ]
    dataset = datumaro.Dataset.from_iterable(items, categories=["cat", "dog"])
    dataset.export(str(tmp_path / "data"), "datumaro")
    images, _ = read("datumaro", tmp_path / "data")
    assert images["a"].marks.boxes == (Box(1, 1, 2, 3, 5, 1), Box(2, 5, 6, 6, 7, 2))
    assert {name: image.split for name, image in images.items()} == {"a": "train", "b": "val"}


def test_shapes_agree_with_what_datumaro_wrote(read, tmp_path):
    datumaro = pytest.importorskip("datumaro")
    rng = np.random.default_rng(0)
    masks = rng.random((9, 12, 20)) < 0.3
    corners = np.round(rng.uniform(0, 12, (9, 8)), 2).tolist()
    annotations = [
        kind
        for number, (mask, points) in enumerate(zip(masks, corners, strict=True), 1)
        for kind in (
            datumaro.Mask(mask, label=number % 2, group=number),
            datumaro.Polygon(points, label=number % 2, group=number),
            datumaro.PolyLine(points, label=number % 2, group=number, z_order=-number),
            datumaro.Points(points, [0, 1, 2, 2], label=number % 2, group=number),
        )
    ]
    item = datumaro.DatasetItem("a", annotations=annotations)
    dataset = datumaro.Dataset.from_iterable([item], categories=["cat", "dog"])
    dataset.export(str(tmp_path / "data"), "datumaro")
    images, _ = read("datumaro", tmp_path / "data")
    marks = images["a"].marks
    for number, (region, polygon) in enumerate(zip(marks.regions, marks.polygons, strict=True), 1):
        assert (pasted((12, 20), region).canvas((12, 20)) == masks[number - 1]).all()
        assert np.ravel(polygon.rings) == pytest.approx(corners[number - 1], abs=0.006)
        assert region.class_id == polygon.class_id == 1 + number % 2
        assert region.instance == polygon.instance == number
    assert [stroke.instance for stroke in marks.strokes] == [*range(9, 0, -1)]
    assert len(marks.points) == 9 * 3


def test_pictures_are_found_by_path_or_name(read, write_json, picture, tmp_path):
    write_json(tmp_path / "annotations" / "train.json", tree([], image={"path": "b_a.jpg"}))
    place = picture(tmp_path / "images" / "train" / "b_a.jpg")
    images, _ = read("datumaro", tmp_path)
    assert images["b/a"].picture == place


def test_other_kinds_are_found_and_left_out(read_one):
    image, _ = read_one(
        tree([one("caption", caption="a cat"), one("cuboid_3d"), one("bbox", bbox=[1, 1, 2, 2])])
    )
    (finding,) = image.findings
    assert finding.kind == "unread"
    assert "annotations of kind caption, annotations of kind cuboid_3d" in finding.message
    assert len(image.marks.boxes) == 1


def test_a_mark_without_a_class_is_found(read_one):
    image, _ = read_one(tree([one("bbox", None, bbox=[1, 1, 2, 2])]))
    assert [finding.kind for finding in image.findings] == ["unknown"]
    assert image.marks.is_empty


def test_crowds_are_void_and_said(read_one):
    crowd = one("bbox", bbox=[1, 1, 2, 2], attributes={"is_crowd": True})
    image, _ = read_one(tree([crowd]))
    assert image.marks.polygons == (Polygon(VOID, (((1, 1), (3, 1), (3, 3), (1, 3)),), 5),)
    assert "--crowd object" in image.findings[0].message


def test_crowds_are_objects_where_the_user_says_so(read, write_json, tmp_path):
    crowd = one("bbox", bbox=[1, 1, 2, 2], attributes={"is_crowd": True})
    images, _ = read("datumaro", write_json(tmp_path / "x.json", tree([crowd])), crowd="object")
    (image,) = images.values()
    assert [box.class_id for box in image.marks.boxes] == [2]
    assert not image.findings


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (one("bbox", 9, bbox=[1, 1, 2, 2]), "class number 9 is not among the 2"),
        (one("bbox", -1, bbox=[1, 1, 2, 2]), "class number -1"),
        (one("bbox", bbox=[1, 1, 2]), "item 1"),
        (one("bbox", bbox=[1, 1, 2, float("nan")]), "annotation 1: expected finite numbers"),
        (one("polygon", points=[1, 1, 2]), "item 1"),
        (one("polyline", points=[1, 1, 2]), "3 numbers"),
        (one("mask", rle={"size": [2, 3], "counts": "9"}), "got 9 pixels"),
        (one("mask"), "annotation 1: expected an object as 'rle'"),
        (one(None), "'type'"),
        ([], "annotation 1"),
    ],
)
def test_damaged_annotations_are_left_out_and_named_and_the_others_read(
    read_one, says_left_out, annotation, says
):
    image, _ = read_one(tree([annotation, one("bbox", bbox=[1, 1, 2, 2])]))
    says_left_out(image, re.escape(says), "x.json, item 1")
    assert len(image.marks.boxes) == 1


@pytest.mark.parametrize(
    "change", [{"items": []}, {"items": {}}, {"categories": []}, {"categories": {"label": 3}}]
)
def test_damaged_files_are_errors(read_one, change):
    with pytest.raises(DataError, match=r"x\.json"):
        read_one(tree([]) | change)


def test_a_box_that_is_rotated_becomes_the_box_around_it(read_one):
    turned = one("bbox", bbox=[10, 10, 20, 10], attributes={"occluded": False, "rotation": 90.0})
    image, _ = read_one(tree([turned], image={"path": "a.jpg", "size": [60, 60]}))
    assert image.marks.boxes == (Box(2, 15, 5, 24, 24, 5),)
    assert any("rotated" in finding.message for finding in image.findings)
