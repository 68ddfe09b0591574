import base64
import io
import json
import random

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import DROPPED, ClassList, OpenClassList
from weakseg.marks.drawing import filled
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Stroke
from weakseg.marks.label_values import VOID
from weakseg.marks.rasterize import draw_marks
from weakseg.readers.labelme import LABELME
from weakseg.support.errors import DataError

SQUARE = [[1, 1], [5, 1], [5, 5], [1, 5]]


def png_bytes(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shape(kind, points, label="cat", **more):
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, **more}


@pytest.fixture
def write(tmp_path):
    """Write a file of labelme for an image of 30 × 20 pixels."""

    def write(*shapes, name="a.json", **more):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = path.with_suffix(".png").name
        content = {
            "version": "5.0.1",
            "flags": {},
            "shapes": list(shapes),
            "imagePath": image,
            "imageData": None,
            "imageHeight": 20,
            "imageWidth": 30,
        }
        path.write_text(json.dumps(content | more))
        return path

    return write


def read(path, classes=None, **options):
    items = LABELME.read(path, classes or OpenClassList(), SourceOptions(**options))
    return list(items)


def read_one(path, classes=None):
    (item,) = read(path, classes)
    return item


def test_every_kind_of_shape_becomes_its_kind_of_mark(write):
    path = write(
        shape("point", [[2.5, 3.5]]),
        shape("points", [[1, 2], [3, 4]], group_id=7),
        shape("line", [[0, 0], [5, 5]]),
        shape("linestrip", [[0, 0], [5, 5], [9, 0]], "dog"),
        shape("rectangle", [[8, 9], [2, 3]], "dog", group_id=3),
        shape("polygon", SQUARE),
    )
    item = read_one(path)
    assert item.marks == Marks(
        points=(Point(1, 2.5, 3.5), Point(1, 1, 2, 7), Point(1, 3, 4, 7)),
        strokes=(Stroke(1, ((0, 0), (5, 5))), Stroke(2, ((0, 0), (5, 5), (9, 0)))),
        boxes=(Box(2, 2, 3, 7, 8, 3),),
        polygons=(Polygon(1, (tuple(map(tuple, SQUARE)),)),),
    )
    assert item.findings == ()
    assert (item.name, item.size, item.picture) == ("a", (20, 30), None)


def test_shapes_of_old_files_without_a_type_are_polygons(write):
    (polygon,) = read_one(write(shape(None, SQUARE))).marks.polygons
    assert polygon.rings == (tuple(map(tuple, SQUARE)),)


def test_a_circle_is_the_area_around_its_centre_up_to_the_second_place(write):
    (polygon,) = read_one(write(shape("circle", [[15, 10], [11, 7]], group_id=2))).marks.polygons
    area = filled((20, 30), polygon.rings).canvas((20, 30))
    y, x = np.mgrid[:20, :30] + 0.5
    assert (area == ((x - 15) ** 2 + (y - 10) ** 2 < 25)).all()
    assert polygon.instance == 2


@pytest.mark.parametrize(("x", "column"), [(4, 4), (4.4, 4), (4.6, 5), (-2, -2)])
def test_a_mask_lies_at_its_upper_left_corner(write, x, column):
    pixels = np.array([[0, 1, 0], [1, 1, 1]], bool)
    text = base64.b64encode(png_bytes(pixels)).decode()
    item = read_one(write(shape("mask", [[x, 6], [x + 2, 7]], mask=text, group_id=1)))
    (region,) = item.marks.regions
    assert (region.x, region.y, region.kind, region.instance) == (column, 6, "mask", 1)
    assert (region.mask() == pixels).all()
    assert item.findings == ()


def test_a_mask_that_does_not_fill_its_corners_is_read_and_said(write):
    text = base64.b64encode(png_bytes(np.ones((2, 3), bool))).decode()
    item = read_one(write(shape("mask", [[4, 6], [14, 7]], mask=text)))
    assert item.marks.regions[0].mask().shape == (2, 3)
    assert [finding.kind for finding in item.findings] == ["unsure"]


def test_flags_that_are_set_are_tags_in_their_order(write):
    classes = OpenClassList()
    item = read_one(write(flags={"sunny": True, "cloudy": False, "windy": True}), classes)
    assert item.marks.tags == {1, 2}
    assert classes.names == ["background", "sunny", "windy"]


def test_an_image_flagged_to_be_ignored_has_no_tags_and_says_so(write):
    item = read_one(write(shape("polygon", SQUARE), flags={"cat": True, "__ignore__": True}))
    assert item.marks.tags == frozenset()
    assert len(item.marks.polygons) == 1
    assert [finding.kind for finding in item.findings] == ["unread"]


def test_marks_of_void_and_of_classes_that_are_dropped_are_passed_on(write):
    path = write(shape("polygon", SQUARE, "__ignore__"), shape("point", [[1, 1]], "dog"))
    marks = read_one(path, OpenClassList(drop=["dog"])).marks
    assert marks.polygons[0].class_id == VOID
    assert marks.points[0].class_id == DROPPED


def test_marks_outside_the_image_are_passed_on(write):
    path = write(shape("polygon", [[-50, -50], [1e30, 3], [3, 90]]), shape("point", [[99, -9]]))
    assert len(read_one(path).marks.polygons) == len(read_one(path).marks.points) == 1


def test_marks_without_extent_are_left_out_and_said(write):
    path = write(
        shape("polygon", [[1, 1], [2, 2]]),
        shape("rectangle", [[1, 1], [1, 5]]),
        shape("linestrip", []),
        shape("circle", [[1, 1], [1, 1]]),
        shape("point", [[3, 3]]),
    )
    item = read_one(path)
    assert item.marks == Marks(points=(Point(1, 3, 3),))
    assert [(finding.kind, finding.entry) for finding in item.findings] == [
        ("empty", f"shape {number}") for number in (1, 2, 3, 4)
    ]


def test_what_is_not_used_is_said_once_for_an_image(write):
    path = write(
        shape("cuboid", SQUARE),
        shape("point", [[1, 1]], flags={"occluded": True}, description="left ear", difficult=True),
        shape("point", [[1, 1]], flags={"occluded": True}, group_id="x"),
        checked=True,
    )
    item = read_one(path)
    (finding,) = item.findings
    assert finding.kind == "unread"
    for said in ("cuboid", "flags of shapes", "descriptions", "'difficult'", "group_id", "checked"):
        assert said in finding.message
    assert len(item.marks.points) == 2


@pytest.mark.parametrize("kind", ["oriented_rectangle", "rotation"])
def test_a_turned_rectangle_becomes_the_box_around_it_and_is_said(write, kind):
    item = read_one(write(shape(kind, [[5, 1], [9, 5], [5, 9], [1, 5]])))
    assert item.marks.boxes == (Box(1, 1, 1, 8, 8),)
    assert [finding.kind for finding in item.findings] == ["unsure"]


def test_the_image_is_the_embedded_one(write, tmp_path):
    picture = png_bytes(np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "a.png").write_bytes(b"another")
    assert read_one(write(imageData=base64.b64encode(picture).decode())).picture == picture


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("b.png", "b"),
        ("..\\pictures\\b.png", "pictures/b"),
        ("../pictures/b.png", "pictures/b"),
        ("C:\\Users\\ann\\b.png", "b"),
        ("/home/ann/b.png", "b"),
        ("./b.png", "b"),
    ],
)
def test_an_image_beside_the_file_is_found_however_it_is_named(write, tmp_path, written, name):
    (tmp_path / "b.png").write_bytes(b"")
    item = read_one(write(imagePath=written))
    assert (item.name, item.picture) == (name, tmp_path / "b.png")


def test_a_file_that_names_no_image_is_of_the_image_of_its_own_name(write, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    item = read_one(write(imagePath=None))
    assert (item.name, item.picture) == ("a", tmp_path / "a.jpg")


def test_a_folder_is_read_in_order_with_folders_below_and_names_images_by_their_folder(
    write, tmp_path
):
    for name in ("b/a.json", "b.json", "a.json", ".git/a.json", "b/._a.json"):
        write(shape("point", [[1, 1]]), name=name)
    write(shape("point", [[1, 1]]), name="c/d.json", imagePath="../images/e.png")
    assert LABELME.recognises(tmp_path)
    assert [item.name for item in read(tmp_path)] == ["a", "b", "b/a", "images/e"]


@pytest.mark.parametrize("stranger", ["0.json", "aa.json", "z.json"])
def test_other_json_files_in_a_folder_are_left_out_and_said(write, tmp_path, stranger):
    write(name="a.json")
    write(name="b.json")
    (tmp_path / stranger).write_text('{"images": []}')
    items = read(tmp_path)
    assert [item.name for item in items] == ["a", "b"]
    (finding,) = [finding for item in items for finding in item.findings]
    assert (finding.kind, finding.path) == ("unread", tmp_path / stranger)


def test_a_folder_without_files_of_labelme_is_refused(tmp_path):
    assert not LABELME.recognises(tmp_path)
    with pytest.raises(DataError, match="found none"):
        read(tmp_path)


def test_a_folder_is_read_file_by_file(write, tmp_path):
    for name in ("a.json", "b.json", "c.json"):
        write(name=name)
    items = LABELME.read(tmp_path, OpenClassList(), SourceOptions())
    next(items)
    (tmp_path / "c.json").write_text('{"shapes": 1, "flags": {}}')
    next(items)
    with pytest.raises(DataError, match=r"c.json: expected a list as shapes"):
        next(items)


@pytest.mark.parametrize(
    ("content", "is_labelme"),
    [
        ('{"version": "5", "flags": {}, "shapes": [', True),
        ('{"shapes": [{"label": "a", "points": [[1', True),
        ('{"imagePath": "a.jpg", "imageData": "' + "A" * 100_000, True),
        ('{"shapes": []}', False),
        ('{"images": [], "annotations": [], "version": "1"}', False),
        ('[{"shapes": [], "version": "5"}]', False),
        ('{"info": {"version": "5", "shapes": []}}', False),
        ("", False),
    ],
)
def test_files_are_known_by_their_first_keys(tmp_path, content, is_labelme):
    (tmp_path / "a.json").write_text(content)
    assert LABELME.recognises(tmp_path / "a.json") == is_labelme
    assert LABELME.recognises(tmp_path) == is_labelme
    assert not LABELME.recognises(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (shape("polygon", [[1, 1], [2, float("nan")], [3, 3]]), "number as y of points"),
        (shape("polygon", [[1, 1], [2, "x"], [3, 3]]), "number as y of points"),
        (shape("polygon", [[1, 1], [2], [3, 3]]), "expected x and y in points"),
        (shape("polygon", {"x": 1}), "expected a list of places as points"),
        (shape("polygon", SQUARE, None), "has no label"),
        (shape("polygon", SQUARE, " "), "has no label"),
        (shape("polygon", SQUARE, 2.5), "expected the name of a class, but got 2.5"),
        (shape("circle", [[1, 1]]), "a circle's centre and a place on it, but got 1 places"),
        (shape("circle", [[0, 0], [1.7e308, 1e308]]), "too far away"),
        (shape("mask", [[1, 1], [2, 2]]), "expected base64 as the mask"),
        (shape("mask", [[1, 1]], mask=""), "expected two corners of a mask"),
        ("polygon", "expected an object as a shape"),
    ],
)
def test_a_broken_shape_is_left_out_and_named_and_the_others_read(
    write, says_left_out, broken, message
):
    path = write(shape("polygon", SQUARE), broken)
    item = read_one(path)
    says_left_out(item, message, f"{path}, shape 2")
    assert len(item.marks.polygons) == 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("shapes", None, "expected a list as shapes"),
        ("flags", ["cat"], "expected an object as flags"),
        ("flags", {"cat": 1}, "expected true or false as flag 'cat'"),
        ("imageHeight", 0, "1 to 4000000000 pixels"),
        ("imageHeight", 1e9, "1 to 4000000000 pixels"),
        ("imageWidth", None, "expected a number as the image's width"),
        ("imagePath", 5, "expected a path as imagePath"),
        ("imageData", "@", "expected base64 as imageData"),
    ],
)
def test_a_broken_file_is_refused(write, key, value, message):
    with pytest.raises(DataError, match=message):
        read(write(**{key: value}))


def test_images_without_a_file_are_counted_beside_those_that_have_one(write, picture, tmp_path):
    picture(tmp_path / "photos" / "a.png")
    write(shape("polygon", SQUARE), name="json/a.json", imagePath="../photos/a.png")
    assert read(tmp_path)[0].findings == ()
    picture(tmp_path / "photos" / "b.png")
    picture(tmp_path / "SegmentationClass" / "a.png")  # as labelme's own converter writes
    (item,) = read(tmp_path)
    (finding,) = item.findings
    assert finding.kind == "unmarked"
    assert str(finding).endswith("b.png: 1 image has no JSON; left out, this one for example")
    picture(tmp_path / "json" / "c.png")
    write(name="json/d.json")
    assert [finding.kind for finding in read(tmp_path)[-1].findings] == ["unmarked"]
    assert "2 images have no JSON" in read(tmp_path)[-1].findings[0].message


def test_an_image_inside_its_file_is_no_image_without_one(write, picture, tmp_path):
    data = base64.b64encode(picture(tmp_path / "a.png").read_bytes()).decode()
    write(shape("polygon", SQUARE), imageData=data)
    assert read(tmp_path)[0].findings == ()


def test_a_class_outside_a_closed_list_is_refused_with_the_shape(write):
    with pytest.raises(DataError, match=r"shape 1: class 'cat' is not among"):
        read(write(shape("polygon", SQUARE)), ClassList(("background", "dog")))


def test_the_samples_are_read_as_they_were_marked(shared):
    items = {item.name: item for item in read(shared / "formats" / "labelme")}
    assert len(items) == 5
    assert items["0001"].marks == Marks(tags=frozenset({1}))
    polygons = {name: len(item.marks.polygons) for name, item in items.items()}
    assert polygons == {
        "0001": 0,
        "2011_000003": 5,
        "2011_000006": 10,
        "2011_000025": 3,
        "primitives": 2,
    }
    for item in items.values():
        assert item.picture == shared / "formats" / "labelme" / f"{item.name}.jpg"
        assert item.size == Image.open(item.picture).size[::-1]
        assert item.findings == ()
    primitives = items["primitives"].marks
    (region,) = primitives.regions
    assert (region.x, region.y, region.width, region.height) == (417, 305, 100, 100)
    assert 0.5 < region.mask().mean() < 0.9  # an octagon fills 83 % of its box
    assert [len(primitives.boxes), len(primitives.points), len(primitives.strokes)] == [2, 1, 2]


def test_a_damaged_mask_gives_an_area_or_an_error_that_names_the_file(write):
    whole = png_bytes(np.random.default_rng(0).random((9, 8)) < 0.5)
    rng = random.Random(0)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for place in rng.choices(range(len(damaged)), k=rng.choice([0, 1, 5]) if damaged else 0):
            damaged[place] = rng.randrange(256)
        text = base64.b64encode(damaged).decode()
        path = write(shape("mask", [[1, 1], [8, 9]], mask=text))
        item = read_one(path)
        draw_marks(item.marks, (20, 30), ClassList(("background", "cat")))
        outcomes |= {finding.kind for finding in item.findings}
        assert all("shape 1" in str(finding) for finding in item.findings)
        outcomes.add("read" if item.marks.regions else "nothing")
    assert outcomes == {"read", "nothing", "damaged"}


def test_a_copied_file_is_of_the_image_it_is_named_like(write, tmp_path):
    for name in "ab":
        Image.new("RGB", (30, 20)).save(tmp_path / f"{name}.png")
    write(shape("point", [[1, 2]]), name="a.json", imagePath="b.png")
    write(shape("point", [[3, 4]], "dog"), name="b.json")
    a, b = read(tmp_path)
    assert (a.name, a.picture, b.name) == ("a", tmp_path / "a.png", "b")
    assert "names the image 'b.png', which b.json is of" in a.findings[0].message
    assert not b.findings
