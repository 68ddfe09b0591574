import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import Annotated
from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke
from weakseg.marks.palette import class_palette
from weakseg.report.kit.chips import ink_on
from weakseg.report.kit.overlays import overlay_marks
from weakseg.report.kit.pictures import MAX_WIDTH

CAT, DOG = 1, 2


def overlay(item, classes):
    (image,) = inspect_marks([item], classes).sample
    picture = overlay_marks(image.item.picture, image.size, image.marks, classes)
    return np.asarray(picture).astype(int)


def plain(tmp_path, marks, size=(160, 320), colour=(90, 120, 150), name="plain"):
    path = tmp_path / f"{name}.png"
    Image.new("RGB", size[::-1], colour).save(path)
    return Annotated(name, marks, path, None, tmp_path / "marks.json")


def painted(picture, class_id):
    return (picture == class_palette()[class_id]).all(-1)


def test_a_point_is_a_disc_in_its_class_colour_with_a_white_rim(tmp_path, classes):
    picture = overlay(plain(tmp_path, Marks(points=(Point(CAT, 100, 50),))), classes)
    y, x = np.argwhere(painted(picture, CAT)).mean(0)
    assert (x, y) == pytest.approx((100, 50), abs=0.5)
    assert (picture[50, 106] == 255).all()
    assert (picture[50, 130] == (90, 120, 150)).all()


def test_a_box_is_outlined_and_named_and_shows_what_is_in_it(tmp_path, classes):
    picture = overlay(plain(tmp_path, Marks(boxes=(Box(DOG, 50, 40, 199, 139),))), classes)
    drawn = painted(picture, DOG)
    assert drawn[41, 60:190].all()
    assert drawn[138, 60:190].all()
    assert drawn[60:130, 50].all()
    assert drawn[60:130, 199].all()
    assert (picture[60:130, 60:190] == (90, 120, 150)).all()
    assert drawn[20:40, 50:90].sum() > 200  # the plate of its name


def test_a_mask_is_translucent_with_a_full_outline(tmp_path, classes):
    corners = ((50, 40), (150, 40), (150, 140), (50, 140))
    picture = overlay(plain(tmp_path, Marks(polygons=(Polygon(CAT, (corners,)),))), classes)
    expected = (class_palette()[CAT] + np.array((90, 120, 150))) / 2
    assert np.abs(picture[90, 100] - expected).max() <= 1
    assert painted(picture, CAT)[40, 50:150].all()
    assert (picture[90, 160] == (90, 120, 150)).all()


def test_a_thin_scribble_is_seen_on_a_large_image(tmp_path, classes):
    marks = Marks(strokes=(Stroke(CAT, ((10, 1000), (3000, 1000)), 1),))
    picture = overlay(plain(tmp_path, marks, (1600, 3200)), classes)
    assert painted(picture, CAT)[100, 10:290].all()
    assert (picture[96:106, 150] == 255).all(-1).sum() >= 2


def test_all_kinds_are_seen_together(tmp_path, classes, label_map):
    scribble = label_map("s", (3, (20, 22), (10, 50)), size=(160, 320))
    marks = Marks(
        boxes=(Box(DOG, 100, 20, 250, 140),),
        points=(Point(3, 180, 80),),
        scribbles=scribble,
        regions=(Region.from_mask(CAT, np.ones((90, 90), bool), 130, 40),),
    )
    picture = overlay(plain(tmp_path, marks), classes)
    assert painted(picture, DOG).sum() > 500
    assert painted(picture, CAT).sum() > 100
    assert painted(picture, 3)[21, 12:48].all()
    assert painted(picture, 3)[78:83, 178:183].all()


def test_small_and_large_images_are_shown_at_one_size(tmp_path, classes):
    for number, size in enumerate([(10, 20), (1000, 2000)]):
        item = plain(tmp_path, Marks(points=(Point(1, 5, 5),)), size, name=f"{number}")
        assert overlay(item, classes).shape == (160, MAX_WIDTH, 3)


def test_a_photograph_stored_turned_is_shown_as_it_was_marked(tmp_path, classes):
    half = np.zeros((160, 320, 3), np.uint8)
    half[:, :160] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned to the right: its left end is up
    path = tmp_path / "turned.png"
    Image.fromarray(half).save(path, exif=exif)
    marks = Marks(tags=frozenset({CAT}))
    picture = overlay(Annotated("a", marks, path, (320, 160), tmp_path / "a.json"), classes)
    assert picture.shape == (480, 240, 3)
    assert picture[20, 80, 0] > 190
    assert picture[300, 80, 0] < 10


@pytest.mark.parametrize("damage", ["missing", "junk", "cut", "nowhere"])
def test_marks_of_an_image_that_cannot_be_read_are_drawn_on_grey(annotated, classes, damage):
    item = annotated("a", Marks(points=(Point(CAT, 5, 5),)))
    if damage == "missing":
        item.picture.unlink()
    elif damage == "nowhere":
        item = Annotated(item.name, item.marks, None, None, item.path)
    else:
        content = item.picture.read_bytes()
        item.picture.write_bytes(b"junk" if damage == "junk" else content[:-500])
    stated = Annotated(item.name, item.marks, item.picture, (40, 60), item.path)
    for case, seen in ((item, damage == "cut"), (stated, True)):
        picture = overlay(case, classes)
        assert painted(picture, CAT).any() == seen
        assert (picture == (208, 211, 214)).all(-1).mean() > 0.8


def test_letters_are_read_on_every_class_colour():
    for colour in class_palette().tolist():
        assert abs(np.mean(ink_on(tuple(colour))) - np.dot(colour, (0.299, 0.587, 0.114))) > 100
