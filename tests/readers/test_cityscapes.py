"""Cityscapes: masks of numbers, train numbers, instances and colours."""

import numpy as np
import pytest

from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError

ROAD, CAR, DYNAMIC = 7, 26, 5
STEM = "aachen/aachen_000000_000019"


@pytest.fixture
def label_ids():
    ids = np.zeros((20, 30), np.uint8)
    ids[3:8], ids[10:12, 4:9], ids[14:16] = ROAD, CAR, DYNAMIC
    return ids


@pytest.fixture
def cityscapes(picture, tmp_path):
    """Write one mask of Cityscapes, and its image."""

    def write(kind, values, folder="gtFine"):
        picture(tmp_path / folder / "train" / f"{STEM}_{folder}_{kind}.png", values)
        return picture(tmp_path / "leftImg8bit" / "train" / f"{STEM}_leftImg8bit.png")

    return write


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds", "instanceIds", "color"])
def test_each_kind_of_cityscapes_mask_alone_holds_the_same_classes(
    read, cityscapes, label_ids, tmp_path, kind, drawn
):
    """Other libraries read no class from labelIds alone, and no road from labelTrainIds."""
    train_ids = np.full((20, 30), 255, np.uint8)
    train_ids[label_ids == ROAD], train_ids[label_ids == CAR] = 0, 13
    instances = np.where(label_ids == CAR, CAR * 1000 + 3, label_ids.astype(np.uint16))
    colours = np.zeros((20, 30, 4), np.uint8)
    colours[..., 3] = 255
    for number, colour in ((ROAD, (128, 64, 128)), (CAR, (0, 0, 142)), (DYNAMIC, (111, 74, 0))):
        colours[label_ids == number, :3] = colour
    values = {"labelIds": label_ids, "labelTrainIds": train_ids, "color": colours}
    place = cityscapes(kind, values.get(kind, instances))
    images, classes = read("cityscapes", tmp_path)
    image = images[f"{STEM}_leftImg8bit"]
    assert (image.picture, image.split) == (place, "train")
    assert len(classes) == 20
    expected = np.full((20, 30), VOID)
    expected[label_ids == ROAD] = classes.index("road")
    expected[label_ids == CAR] = classes.index("car")
    assert (drawn(image, classes) == expected).all()


def test_cityscapes_masks_agree_with_what_datumaro_reads(read, picture, tmp_path, drawn):
    datumaro = pytest.importorskip("datumaro")
    mask = np.zeros((20, 30), bool)
    mask[3:8, 4:10] = True
    annotations = [datumaro.Mask(mask, label=1)]
    pixels = datumaro.components.media.Image.from_numpy(data=np.zeros((20, 30, 3), np.uint8))
    item = datumaro.DatasetItem("x/a", subset="train", media=pixels, annotations=annotations)
    dataset = datumaro.Dataset.from_iterable([item], categories=["background", "cat"])
    dataset.export(str(tmp_path / "data"), "cityscapes", save_media=True)
    images, classes = read("cityscapes", tmp_path / "data")
    assert classes == ["background", "cat"]
    assert (drawn(images["x/a_leftImg8bit"], classes) == mask).all()
    (again,) = datumaro.Dataset.import_from(str(tmp_path / "data"), "cityscapes")
    assert (again.annotations[0].image == mask).all()


def test_what_coarse_masks_leave_out_is_unlabelled(read, cityscapes, label_ids, tmp_path, drawn):
    cityscapes("labelIds", label_ids, "gtCoarse")
    images, classes = read("cityscapes", tmp_path)
    labels = drawn(images[f"{STEM}_leftImg8bit"], classes)
    assert (labels[label_ids == 0] == UNLABELLED).all()
    assert (labels[label_ids == DYNAMIC] == VOID).all()


def test_values_of_no_class_are_found(read, cityscapes, label_ids, tmp_path):
    label_ids[0, 0] = 99
    cityscapes("labelIds", label_ids)
    (image,) = read("cityscapes", tmp_path)[0].values()
    assert [(finding.kind, "99" in finding.message) for finding in image.findings] == [
        ("unknown", True)
    ]


def test_images_without_a_mask_are_given_too(read, cityscapes, label_ids, picture, tmp_path):
    cityscapes("labelIds", label_ids)
    picture(tmp_path / "leftImg8bit" / "val" / "ulm" / "ulm_1_leftImg8bit.png")
    images, _ = read("cityscapes", tmp_path)
    assert images["ulm/ulm_1_leftImg8bit"].marks.is_empty
    assert images["ulm/ulm_1_leftImg8bit"].split == "val"


def test_a_colour_picture_is_no_mask_of_numbers(read, cityscapes, tmp_path):
    cityscapes("labelIds", np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(DataError, match=r"labelIds\.png: expected an indexed or grey picture"):
        read("cityscapes", tmp_path)


def test_a_damaged_mask_is_an_error_that_names_it(read, cityscapes, label_ids, tmp_path):
    cityscapes("labelIds", label_ids)
    mask = next(tmp_path.rglob("*labelIds.png"))
    mask.write_bytes(mask.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"labelIds\.png: is damaged"):
        read("cityscapes", tmp_path)


def test_colours_of_no_class_are_found(read, cityscapes, tmp_path):
    cityscapes("color", np.full((20, 30, 3), (1, 2, 3), np.uint8))
    (image,) = read("cityscapes", tmp_path)[0].values()
    assert "#010203" in str(image.findings[0])


def test_the_plainest_of_several_masks_is_read(read, cityscapes, label_ids, tmp_path):
    cityscapes("color", np.full((20, 30, 3), (1, 2, 3), np.uint8))
    cityscapes("labelIds", label_ids)
    (image,) = read("cityscapes", tmp_path)[0].values()
    assert image.path.name.endswith("labelIds.png")
