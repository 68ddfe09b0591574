import numpy as np
import pytest

from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import read_label_map, write_label_map
from weakseg.annotations.marks import Box, Marks, Point
from weakseg.annotations.rasterize import dilate, draw_disc, rasterize, tags_of
from weakseg.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))


def test_a_disc_of_radius_six_has_the_pixels_within_six_of_its_centre():
    labels = np.full((40, 50), 254, np.uint8)
    draw_disc(labels, Point(1, x=20, y=15), 6)
    y, x = np.mgrid[:40, :50]
    assert ((labels == 1) == ((y - 15) ** 2 + (x - 20) ** 2 <= 36)).all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (49, 39), (50, 40), (49.9, 0)])
def test_a_disc_at_the_border_is_cut_off_and_stays_inside(x, y):
    labels = np.full((40, 50), 254, np.uint8)
    draw_disc(labels, Point(2, x=x, y=y), 6)
    assert 30 < (labels == 2).sum() < 60


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (51, 5), (5, 41), (5, -0.1)])
def test_a_point_outside_its_image_is_refused_with_the_name_of_the_image(x, y):
    with pytest.raises(DataError, match=r"image 'cow7'.*outside the image, which is 50 wide"):
        draw_disc(np.full((40, 50), 254, np.uint8), Point(1, x, y), 6, image="cow7")


def test_mask_wins_over_scribble_wins_over_point(tmp_path):
    scribble = np.full((20, 20), 254, np.uint8)
    scribble[:, 10] = 2
    mask = np.full((20, 20), 254, np.uint8)
    mask[0] = 0
    write_label_map(tmp_path / "s.png", scribble)
    write_label_map(tmp_path / "m.png", mask)
    marks = Marks(points=(Point(1, 10, 10),), scribbles=tmp_path / "s.png", mask=tmp_path / "m.png")
    labels = rasterize(marks, (20, 20), CLASSES, point_radius=2, scribble_dilation=0)
    assert labels[10, 10] == 2
    assert labels[10, 8] == 1
    assert labels[0, 10] == 0
    assert labels[19, 0] == 254


def test_dilation_grows_into_unlabelled_pixels_only_and_the_nearer_label_wins():
    labels = np.full((1, 12), 254, np.uint8)
    labels[0, 2], labels[0, 7], labels[0, 3] = 1, 2, 255
    grown = dilate(labels, 3)[0].tolist()
    assert grown == [1, 1, 1, 255, 1, 2, 2, 2, 2, 2, 2, 254]


def test_dilating_nothing_gives_nothing():
    labels = np.full((5, 5), 254, np.uint8)
    assert (dilate(labels, 3) == 254).all()


def test_tags_come_from_every_mark_but_background_is_none():
    labels = np.array([[0, 1, 254]], np.uint8)
    assert tags_of(labels, Marks(boxes=(Box(2, 0, 0, 1, 1),)), CLASSES) == [False, True, True]
    no_background = ClassList(("sky", "road", "tree"))
    assert tags_of(labels, Marks(), no_background) == [True, True, False]


def test_a_label_map_survives_writing_and_reading(tmp_path):
    labels = np.array([[0, 1, 2], [254, 255, 0]], np.uint8)
    write_label_map(tmp_path / "a" / "x.png", labels)
    assert (read_label_map(tmp_path / "a" / "x.png", num_classes=3) == labels).all()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.png"]


def test_a_class_id_outside_the_list_is_named_with_its_place(tmp_path):
    write_label_map(tmp_path / "x.png", np.array([[0, 7]], np.uint8))
    with pytest.raises(DataError, match=r"x\.png: value 7 \(first at x=1, y=0\) is no class"):
        read_label_map(tmp_path / "x.png", num_classes=3)
