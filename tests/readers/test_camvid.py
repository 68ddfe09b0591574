"""CamVid: masks of colours or numbers."""

import numpy as np
import pytest

from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError


@pytest.fixture
def camvid(picture, tmp_path):
    def write(mask, line="/SegNet/CamVid/train/x.png /SegNet/CamVid/trainannot/x.png"):
        picture(tmp_path / "train" / "x.png")
        picture(tmp_path / "trainannot" / "x.png", mask)
        (tmp_path / "train.txt").write_text(f"{line}\n")
        return tmp_path

    return write


def test_colours_of_camvid_are_classes(read, camvid, drawn):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:5], colours[5:15] = (128, 128, 128), (64, 0, 128)
    images, classes = read("camvid", camvid(colours))
    labels = drawn(images["x"], classes)
    assert (labels[:5] == classes.index("Sky")).all()
    assert (labels[5:15] == classes.index("Car")).all()
    assert (labels[15:] == VOID).all()
    assert images["x"].split == "train"
    assert images["x"].findings == ()


def test_the_folders_own_list_of_colours_wins(read, camvid, drawn):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:5] = (1, 2, 3)
    root = camvid(colours)
    (root / "label_colors.txt").write_text("# mine\n0 0 0 background\n1 2 3 cat\n")
    images, classes = read("camvid", root)
    assert classes == ["background", "cat"]
    assert (drawn(images["x"], classes)[:, 0] == [1] * 5 + [0] * 15).all()


def test_camvid_masks_of_numbers_without_a_list_are_those_of_segnet(read, camvid, drawn):
    numbers = np.full((20, 30), 11, np.uint8)
    numbers[3:9] = 3
    images, classes = read("camvid", camvid(numbers))
    labels = drawn(images["x"], classes)
    assert (labels[3:9] == classes.index("Road")).all()
    assert (labels[9:] == VOID).all()
    assert [finding.kind for finding in images["x"].findings] == ["unsure"]


def test_a_colour_that_is_no_class_is_an_error_that_names_it(read, camvid):
    colours = np.full((20, 30, 3), 77, np.uint8)
    with pytest.raises(DataError, match=r"trainannot.x\.png: .*77, 77, 77"):
        read("camvid", camvid(colours))


def test_a_camvid_mask_that_is_not_there_is_an_error(read, camvid):
    root = camvid(np.ones((20, 30), np.uint8), "/train/x.png trainannot/y.png")
    with pytest.raises(DataError, match=r"train\.txt, line 1: there is no mask 'trainannot/y\.png"):
        read("camvid", root)


def test_a_number_that_is_no_class_of_segnets_is_an_error(read, camvid):
    with pytest.raises(DataError, match=r"x\.png: value 12 .* no label_colors\.txt"):
        read("camvid", camvid(np.full((20, 30), 12, np.uint8)))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train/x.png trainannot/x.png more", "expected an image and its mask"),
        ('"train/x.png trainannot/x.png', "expected an image and its mask"),
        ("/ trainannot/x.png", "expected the name of an image"),
    ],
)
def test_damaged_lines_are_errors(read, camvid, line, says):
    root = camvid(np.zeros((20, 30, 3), np.uint8))
    with (root / "train.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=rf"train\.txt, line 2: {says}"):
        read("camvid", root)
