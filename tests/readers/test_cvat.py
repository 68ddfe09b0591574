import re

import numpy as np
import pytest

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import OpenClassList
from weakseg.marks.drawing import pasted
from weakseg.marks.kinds import Box, Point, Polygon, Region, Stroke
from weakseg.readers.cvat import CVAT
from weakseg.support.errors import DataError

LABELS = "<labels><label><name>cat</name></label><label><name>dog</name></label></labels>"


@pytest.fixture
def read_one(read, tmp_path):
    """Write a file of one image with some shapes and read that image."""

    def read_it(shapes, *, meta=LABELS, image='name="a.jpg" width="30" height="20"'):
        path = tmp_path / "annotations.xml"
        path.write_text(
            f"<annotations><meta><job>{meta}</job></meta><image id='4' {image}>{shapes}</image>"
            "</annotations>"
        )
        images, classes = read("cvat", path)
        return images["a"], classes

    return read_it


def test_every_shape_becomes_its_mark(read_one):
    image, classes = read_one("""
        <box label="dog" xtl="1.5" ytl="2" xbr="5" ybr="6" group_id="3"/>
        <polygon label="cat" points="1,2;3,4.5;6,5"/>
        <polyline label="cat" points="1,2;3,4"/>
        <points label="dog" points="1,2;3,4.25"/>
        <tag label="dog"/>
        <mask label="cat" rle="1, 2, 1, 2" left="3" top="4" width="3" height="2"/>
    """)
    assert classes == ["background", "cat", "dog"]
    assert image.marks.boxes == (Box(2, 1, 2, 4, 5, 3),)
    assert image.marks.polygons == (Polygon(1, (((1.0, 2.0), (3.0, 4.5), (6.0, 5.0)),)),)
    assert image.marks.strokes == (Stroke(1, ((1.0, 2.0), (3.0, 4.0))),)
    assert image.marks.points == (Point(2, 1, 2), Point(2, 3, 4.25))
    assert image.marks.tags == {2}
    (region,) = image.marks.regions
    painted = np.zeros((20, 30), bool)
    painted[region.y : region.y + region.height, region.x : region.x + region.width] = region.mask()
    assert np.argwhere(painted).tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]
    assert image.size == (20, 30)
    assert image.findings == ()


def test_marks_agree_with_what_datumaro_reads_of_the_sample(shared, read):
    datumaro = pytest.importorskip("datumaro")
    folder = shared / "formats" / "cvat"
    dataset = datumaro.Dataset.import_from(str(folder), "cvat")
    images, classes = read("cvat", folder / "train.xml")
    names = [label.name for label in dataset.categories()[datumaro.AnnotationType.label]]
    assert classes == ["background", *names]
    for item in dataset:
        image = images[item.id]
        assert image.size == item.media.size
        assert image.picture is not None
        with_label = [one for one in item.annotations if one.label is not None]
        boxes = [one.points for one in with_label if one.type.name == "bbox"]
        ours = [[box.xmin, box.ymin, box.xmax + 1, box.ymax + 1] for box in image.marks.boxes]
        assert ours == boxes
        places = [one.points for one in with_label if one.type.name == "points"]
        flat = [number for point in image.marks.points for number in (point.x, point.y)]
        assert flat == [number for one in places for number in one]
        left_out = len(item.annotations) - len(with_label)
        assert [finding.kind for finding in image.findings] == ["unknown"] * left_out


def test_marks_agree_with_datumaro_on_shapes_of_every_kind(read_one, picture, tmp_path):
    base = pytest.importorskip("datumaro.plugins.data_formats.cvat.base")
    rng = np.random.default_rng(0)
    shapes = []
    for number in range(24):
        own = (
            f'label="{"cat" if number % 2 else "dog"}" z_order="{24 - number}" group_id="{number}"'
        )
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in rng.uniform(0, 20, (4, 2)))
        left, top, right, bottom = np.round(np.sort(rng.uniform(0, 18, 4)), 2)
        runs = rng.multinomial(12, [0.2] * 5)
        shapes += [
            f'<polygon {own} points="{points}"/>',
            f'<polyline {own} points="{points}"/>',
            f'<points {own} points="{points}"/>',
            f'<box {own} xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"/>',
            f'<mask {own} rle="{",".join(map(str, runs))}" left="3" top="{number // 2}" '
            'width="4" height="3"/>',
            f"<tag {own}/>",
        ]
    image, _ = read_one("".join(shapes))
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "images" / "a.jpg")
    (item,) = base.CvatBase(str(tmp_path / "annotations.xml"))
    theirs = {}
    for annotation in sorted(item.annotations, key=lambda one: getattr(one, "z_order", 0)):
        theirs.setdefault(annotation.type.name, []).append(annotation)
    marks = image.marks
    for kind, ours in (
        ("polygon", [one.rings[0] for one in marks.polygons]),
        ("polyline", [one.path for one in marks.strokes]),
    ):
        for places, annotation in zip(ours, theirs[kind], strict=True):
            assert np.ravel(places) == pytest.approx(annotation.points, abs=1e-5)
    points = [(point.x, point.y) for point in marks.points]
    assert np.allclose(np.ravel(points), [v for one in theirs["points"] for v in one.points])
    for box, annotation in zip(marks.boxes, theirs["bbox"], strict=True):
        left, top, right, bottom = np.round(np.array(annotation.points), 2)
        assert (box.xmin, box.ymin) == (np.floor(left), np.floor(top))
        assert (box.xmax + 1, box.ymax + 1) == (np.ceil(right), np.ceil(bottom))
        assert (box.class_id - 1, box.instance) == (annotation.label, annotation.group or None)
    painted = [one for one in theirs["mask"] if one.image.any()]
    for region, annotation in zip(marks.regions, painted, strict=True):
        assert (pasted((20, 30), region).canvas((20, 30)) == annotation.image).all()
    assert marks.tags == {one.label + 1 for one in theirs["label"]}


def test_a_turned_box_becomes_the_upright_box_around_it(read_one):
    image, _ = read_one('<box label="cat" xtl="5" ytl="5" xbr="15" ybr="7" rotation="90"/>')
    assert image.marks.boxes == (Box(1, 9, 1, 10, 10),)
    assert [finding.kind for finding in image.findings] == ["unsure"]


def test_what_lies_on_top_comes_last(read_one):
    image, _ = read_one("""
        <polygon label="cat" points="1,2;3,4;6,5" z_order="2"/>
        <polygon label="dog" points="1,2;3,4;6,5" z_order="1"/>
    """)
    assert [polygon.class_id for polygon in image.marks.polygons] == [2, 1]


def test_labels_are_taken_up_where_the_file_declares_none(read_one):
    image, classes = read_one('<box label="cow" xtl="1" ytl="1" xbr="2" ybr="2"/>', meta="")
    assert classes[image.marks.boxes[0].class_id] == "cow"


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ('<polyline label="" points="1,2;3,4"/>', "unknown"),
        ('<polyline points="1,2;3,4"/>', "unknown"),
        ('<tag label="cow"/>', "unknown"),
        ('<ellipse label="cat" cx="4" cy="4" rx="0" ry="1"/>', "empty"),
        ('<mask label="cat" rle="6,0" left="0" top="0" width="3" height="2"/>', "empty"),
        ('<cuboid label="cat"/>', "unread"),
        ('<polygon label="cat" points="1,2;3,4"/>', "empty"),
        ('<box label="cat" xtl="3" ytl="3" xbr="3" ybr="9"/>', "empty"),
        ('<mask label="cat" rle="6" left="0" top="0" width="3" height="2"/>', "empty"),
    ],
)
def test_what_gives_no_mark_is_found(read_one, shape, kind):
    image, _ = read_one(shape)
    assert [finding.kind for finding in image.findings] == [kind]
    assert image.marks.is_empty


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ('<box label="cat" xtl="nan" ytl="1" xbr="2" ybr="2"/>', "nan"),
        ('<box label="cat" xtl="1e400" ytl="1" xbr="2" ybr="2"/>', "xtl, but got '1e400'"),
        ('<box label="cat" xtl="x" ytl="1" xbr="2" ybr="2"/>', "'x'"),
        ('<box label="cat"/>', "xtl"),
        ('<points label="cat" points="1;2"/>', "x,y;x,y but got '1'"),
        ('<points label="cat" points=""/>', "x,y;x,y but got ''"),
        ('<mask label="cat" rle="7" left="0" top="0" width="3" height="2"/>', "got 7 pixels"),
        ('<mask label="cat" rle="-1,7" left="0" top="0" width="3" height="2"/>', "got -1"),
        ('<mask label="cat" rle="6" left="-1" top="0" width="3" height="2"/>', "inside"),
        ('<mask label="cat" rle="6" left="0" top="0" width="3"/>', "height"),
        ('<mask label="cat" rle="1" left="0" top="0" width="999999" height="999999"/>', "pixels"),
        ('<ellipse label="cat" cx="4" cy="4" rx="2"/>', "ry"),
    ],
)
def test_damaged_shapes_are_left_out_and_named_and_the_others_read(
    read_one, says_left_out, shape, says
):
    image, _ = read_one(f'{shape}<points label="cat" points="1,2;3,4"/>')
    says_left_out(image, re.escape(says), "annotations.xml, image 1 'a.jpg'")
    assert [(point.x, point.y) for point in image.marks.points] == [(1, 2), (3, 4)]


def test_a_mask_takes_memory_by_its_own_size(read_one):
    mask = '<mask label="cat" rle="0,6" left="0" top="0" width="3" height="2"/>'
    image, _ = read_one(mask, image='name="a.jpg" width="13000" height="13000"')
    assert image.marks.regions == (Region(1, 2, 3, (0, 6)),)


def test_a_mask_may_lie_far_away(read_one):
    image, _ = read_one(
        '<mask label="cat" rle="0,6" left="99999" top="99999" width="3" height="2"/>'
    )
    assert image.marks.regions == (Region(1, 2, 3, (0, 6), 99999, 99999),)


def test_an_ellipse_becomes_its_outline_rotated_clockwise(read_one):
    image, _ = read_one('<ellipse label="dog" cx="10" cy="8" rx="6" ry="2" rotation="90"/>')
    (polygon,) = image.marks.polygons
    xs, ys = zip(*polygon.rings[0], strict=True)
    assert (min(xs), max(xs), min(ys), max(ys)) == pytest.approx((8, 12, 2, 14), abs=0.06)
    assert polygon.class_id == 2
    assert image.findings == ()
    image, _ = read_one('<ellipse label="dog" cx="0" cy="0" rx="9" ry="0.1" rotation="45"/>')
    x, y = max(image.marks.polygons[0].rings[0])
    assert (x, y) == pytest.approx((6.36, 6.36), abs=0.1)  # right and down


def test_the_points_of_a_skeleton_are_points_of_its_class(read_one):
    image, classes = read_one(
        '<skeleton label="cat" z_order="0">'
        '<points label="leg" outside="0" points="1.00,2.00"/>'
        '<points label="tail" outside="1" points="3.00,4.00"/></skeleton>'
    )
    (point,) = image.marks.points
    assert (classes[point.class_id], point.x, point.y) == ("cat", 1, 2)
    (finding,) = image.findings
    assert finding.message.endswith("use points of skeletons that are outside of the image")


def test_coordinates_keep_all_their_digits(read_one):
    image, _ = read_one('<points label="cat" points="1.2345,0.001;3.14159,2"/>')
    assert image.marks.points == (Point(1, 1.2345, 0.001), Point(1, 3.14159, 2))


def test_entities_that_blow_up_are_refused(tmp_path):
    (tmp_path / "bomb.xml").write_text(
        '<?xml version="1.0"?><!-- --><!DOCTYPE annotations [<!ENTITY a "aaaaaaaaaa">'
        '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<annotations><meta/><image id='1' name='&b;'/></annotations>"
    )
    with pytest.raises(DataError, match="is not readable as XML"):
        list(CVAT.read(tmp_path / "bomb.xml", OpenClassList(), SourceOptions()))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<annotations><meta/></annotations>", "holds no image"),
        ("<annotations><meta/><track id='1'><box/></track></annotations>", "video"),
        ("<annotations><meta/><image id='1'/></annotations>", "name"),
        ("<annotations><meta/><image id='1' name='a' width='-3' height='2'/></annotations>", "-3"),
        ("<annotations><meta/><image id='1' name='a.jpg'>", "XML"),
    ],
)
def test_damaged_files_are_errors(read, tmp_path, content, says):
    path = tmp_path / "x.xml"
    path.write_text(content)
    with pytest.raises(DataError, match=r"x\.xml") as caught:
        read("cvat", path)
    assert says in str(caught.value)


def test_splits_come_from_subsets_or_the_name_of_the_file(read, tmp_path):
    (tmp_path / "val.xml").write_text(
        "<annotations><meta/><image id='1' name='a.jpg' subset='Train'/>"
        "<image id='1' name='b.jpg'/><image id='2' name='c.jpg' subset='default'/></annotations>"
    )
    images, _ = read("cvat", tmp_path)
    assert {name: image.split for name, image in images.items()} == {
        "a": "Train",
        "b": "val",
        "c": None,
    }


def test_other_xml_is_not_recognised(tmp_path):
    for content in (
        "<annotation><object/></annotation>",
        "<annotations2><image/></annotations2>",
        "<kml><annotations/></kml>",
        "",
        "\x00\x01",
    ):
        (tmp_path / "x.xml").write_text(content)
        assert not CVAT.recognises(tmp_path / "x.xml")
    (tmp_path / "x.xml").write_text('<?xml version="1.0"?>\n<!-- a -->\n<annotations><meta/>')
    assert CVAT.recognises(tmp_path / "x.xml")
