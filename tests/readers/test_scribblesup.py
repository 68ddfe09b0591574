import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import VOC_CLASSES, OpenClassList
from weakseg.marks.kinds import Stroke
from weakseg.marks.rasterize import AS_MARKED, rasterize
from weakseg.readers.scribblesup import SCRIBBLESUP, read_scribblesup_xml
from weakseg.support.errors import DataError

SCRIBBLE = "<polygon><tag>{}</tag>{}</polygon>"


def xml(*scribbles):
    drawn = (
        SCRIBBLE.format(tag, "".join(f"<point><X>{x}</X><Y>{y}</Y></point>" for x, y in places))
        for tag, places in scribbles
    )
    return (
        "<annotation><filename>2007_000032.jpg</filename><size><width>60</width>"
        f"<height>40</height></size><segmented>1</segmented>{''.join(drawn)}</annotation>"
    )


def read(path, classes=None, options=None):
    return list(SCRIBBLESUP.read(path, classes or OpenClassList(), options or SourceOptions()))


def save(path, labels):
    Image.fromarray(labels).save(path)
    return path


@pytest.fixture
def png(tmp_path):
    labels = np.full((40, 60), 255, np.uint8)
    labels[4:7, 5:50], labels[30, 3:20] = 15, 0
    Image.new("RGB", (60, 40)).save(tmp_path / "2007_000032.jpg")
    return save(tmp_path / "2007_000032.png", labels)


def test_each_scribble_is_a_stroke_of_three_pixels(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(xml(("cat", [(3, 4), (13, 24)]), ("background", [(0, 39)])))
    found = read_scribblesup_xml(path, OpenClassList())
    assert found.marks.strokes == (Stroke(1, ((3, 4), (13, 24)), 3), Stroke(0, ((0, 39),), 3))
    assert (found.name, found.size) == ("2007_000032", (40, 60))


def test_short_names_are_those_of_voc(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(xml(*((tag, [(3, 4)]) for tag in ("plane", "bike", "monitor", "dog"))))
    classes = OpenClassList()
    read(path, classes)
    assert classes.names[1:] == ["aeroplane", "bicycle", "tvmonitor", "dog"]


def test_a_scribble_without_places_is_reported(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(xml(("cat", []), ("dog", [(1, 2)])))
    (found,) = read(path)
    assert len(found.marks.strokes) == 1
    assert [(item.kind, item.entry) for item in found.findings] == [("empty", "scribble 1")]


def test_a_png_gives_scribbles_of_vocs_classes_and_255_is_unlabelled(png):
    classes = OpenClassList()
    (found,) = read(png.parent, classes)
    assert classes.names == list(VOC_CLASSES)
    assert (found.name, found.picture) == ("2007_000032", png.with_suffix(".jpg"))
    assert {region.kind for region in found.marks.regions} == {"scribble"}
    drawn = rasterize(found.marks, found.size, classes, AS_MARKED)
    expected = np.array(Image.open(png))
    expected[expected == 255] = 254
    assert (drawn == expected).all()


def test_a_value_of_no_class_is_named_with_all_that_are_there(png):
    labels = np.array(Image.open(png))
    labels[2, 3] = 21
    with pytest.raises(DataError, match=r"value 21 \(first at x=3, y=2\).*15: 135, 21: 1, 255"):
        read(save(png, labels))


def test_it_is_recognised_by_its_content(png, tmp_path):
    assert SCRIBBLESUP.recognises(png)
    assert SCRIBBLESUP.recognises(tmp_path)
    path = tmp_path / "xml" / "2007_000032.xml"
    path.parent.mkdir()
    path.write_text(xml(("cat", [(3, 4)])))
    assert SCRIBBLESUP.recognises(path.parent)


def test_masks_and_scribbles_on_other_images_are_not_taken_for_its_own(png, tmp_path):
    labels = np.array(Image.open(png))
    own = tmp_path / "own"
    own.mkdir()
    assert not SCRIBBLESUP.recognises(save(own / "photo.png", labels))
    full = np.where(labels == 255, 0, labels).astype(np.uint8)
    assert not SCRIBBLESUP.recognises(save(own / "2007_000033.png", full))
    assert not SCRIBBLESUP.recognises(own)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SCRIBBLE, "expected <annotation>, but got <polygon>"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, text, message):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("scribble", "message"),
    [
        (("", [(1, 2)]), "scribble 1: has no label"),
        (("cat", [(1, "two")]), "scribble 1: expected a number as Y, but got 'two'"),
        (("cat", [("nan", 2)]), "expected a number as X, but got 'nan'"),
    ],
)
def test_damaged_scribbles_are_left_out_and_named(tmp_path, says_left_out, scribble, message):
    (tmp_path / "a.xml").write_text(xml(scribble, ("cat", [(1, 2), (3, 4)])))
    (item,) = read(tmp_path)
    says_left_out(item, message, "a.xml")
    assert len(item.marks.strokes) == 1


def test_the_published_pngs_are_read(shared):
    folder = shared / "formats" / "scribblesup"
    if not folder.is_dir():
        pytest.skip("the scribbles are absent")
    first, second = read(folder)
    pixels = {item.class_id: int(item.mask().sum()) for item in first.marks.regions}
    assert pixels == {0: 3499, 1: 1058, 15: 255}
    assert first.picture == folder / "2007_000032.jpg"
    assert (second.name, second.size) == ("2007_000033", (366, 500))
