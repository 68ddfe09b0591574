import numpy as np
import pytest

from weakseg.formats.readers.by_datumaro.cvat import look, recognises
from weakseg.formats.source import SourceOptions
from weakseg.marks.kinds import Box, Point, Polygon, Region, Stroke
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


def test_labels_that_are_not_declared_are_taken_up(read_one):
    image, classes = read_one('<box label="cow" xtl="1" ytl="1" xbr="2" ybr="2"/>', meta="")
    assert classes[image.marks.boxes[0].class_id] == "cow"


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ('<polyline label="" points="1,2;3,4"/>', "unknown"),
        ('<polyline points="1,2;3,4"/>', "unknown"),
        ('<ellipse label="cat" cx="4" cy="4" rx="2" ry="1"/>', "unread"),
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
        ('<box label="cat" xtl="1e99" ytl="1" xbr="2" ybr="2"/>', "inf"),
        ('<box label="cat" xtl="x" ytl="1" xbr="2" ybr="2"/>', "'x'"),
        ('<box label="cat"/>', "xtl"),
        ('<points label="cat" points="1;2"/>', "x,y;x,y but got '1'"),
        ('<points label="cat" points=""/>', "x,y;x,y but got ''"),
        ('<mask label="cat" rle="7" left="0" top="0" width="3" height="2"/>', "got 7 pixels"),
        ('<mask label="cat" rle="-1,7" left="0" top="0" width="3" height="2"/>', "got -1"),
        ('<mask label="cat" rle="6" left="-1" top="0" width="3" height="2"/>', "inside"),
        ('<mask label="cat" rle="6" left="0" top="0" width="3"/>', "height"),
        ('<mask label="cat" rle="1" left="0" top="0" width="999999" height="999999"/>', "pixels"),
        ('<mask label="cat" rle="6" left="99999" top="99999" width="3" height="2"/>', "pixels"),
    ],
)
def test_damaged_shapes_are_errors_that_name_the_image(read_one, shape, says):
    with pytest.raises(DataError, match=r"annotations\.xml, image 1 'a\.jpg'") as caught:
        read_one(shape)
    assert says in str(caught.value)


def test_a_mask_takes_memory_by_its_own_size(read_one):
    mask = '<mask label="cat" rle="0,6" left="0" top="0" width="3" height="2"/>'
    image, _ = read_one(mask, image='name="a.jpg" width="1000000" height="1000000"')
    assert image.marks.regions == (Region(1, 2, 3, (0, 6)),)


def test_entities_that_blow_up_are_refused(tmp_path):
    (tmp_path / "bomb.xml").write_text(
        '<?xml version="1.0"?><!-- --><!DOCTYPE annotations [<!ENTITY a "aaaaaaaaaa">'
        '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        "<annotations><meta/><image id='1' name='&b;'/></annotations>"
    )
    with pytest.raises(DataError, match="is not readable as XML"):
        list(look(tmp_path / "bomb.xml", SourceOptions()))


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
        assert not recognises(tmp_path / "x.xml")
    (tmp_path / "x.xml").write_text('<?xml version="1.0"?>\n<!-- a -->\n<annotations><meta/>')
    assert recognises(tmp_path / "x.xml")
