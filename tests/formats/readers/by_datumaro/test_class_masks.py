"""Cityscapes, CamVid, ADE20K and Mapillary: masks in which every pixel is of a class."""

import numpy as np
import pytest

from weakseg.marks.classes import ClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import rasterize
from weakseg.support.errors import DataError

ROAD, CAR, DYNAMIC = 7, 26, 5  # of Cityscapes
STEM = "aachen/aachen_000000_000019"


def drawn(image, classes):
    """Draw the marks of a reader as a label map."""
    return rasterize(image.marks, image.size, ClassList(tuple(classes)))


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


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds", "instanceIds"])
def test_each_kind_of_cityscapes_mask_gives_the_same_classes(
    read, cityscapes, label_ids, tmp_path, kind
):
    train_ids = np.full((20, 30), 255, np.uint8)
    train_ids[label_ids == ROAD], train_ids[label_ids == CAR] = 0, 13
    instances = np.where(label_ids == CAR, CAR * 1000 + 3, label_ids.astype(np.uint16))
    place = cityscapes(
        kind, {"labelIds": label_ids, "labelTrainIds": train_ids}.get(kind, instances)
    )
    images, classes = read("cityscapes", tmp_path)
    image = images[f"{STEM}_leftImg8bit"]
    assert (image.picture, image.split) == (place, "train")
    assert len(classes) == 20
    expected = np.full((20, 30), VOID)
    expected[label_ids == ROAD] = classes.index("road")
    expected[label_ids == CAR] = classes.index("car")
    assert (drawn(image, classes) == expected).all()


def test_cityscapes_masks_agree_with_what_datumaro_reads(read, picture, tmp_path):
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


def test_what_coarse_masks_leave_out_is_unlabelled(read, cityscapes, label_ids, tmp_path):
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
    with pytest.raises(DataError, match=r"labelIds\.png: expected a mask of one channel"):
        read("cityscapes", tmp_path)


def test_a_damaged_mask_is_an_error_that_names_it(read, cityscapes, label_ids, tmp_path):
    cityscapes("labelIds", label_ids)
    mask = next(tmp_path.rglob("*labelIds.png"))
    mask.write_bytes(mask.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"labelIds\.png: is damaged"):
        read("cityscapes", tmp_path)


@pytest.fixture
def camvid(picture, tmp_path):
    def write(mask, line="/SegNet/CamVid/train/x.png /SegNet/CamVid/trainannot/x.png"):
        picture(tmp_path / "train" / "x.png")
        picture(tmp_path / "trainannot" / "x.png", mask)
        (tmp_path / "train.txt").write_text(f"{line}\n")
        return tmp_path

    return write


def test_colours_of_camvid_are_classes(read, camvid):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:5], colours[5:15] = (128, 128, 128), (64, 0, 128)
    images, classes = read("camvid", camvid(colours))
    labels = drawn(images["x"], classes)
    assert (labels[:5] == classes.index("Sky")).all()
    assert (labels[5:15] == classes.index("Car")).all()
    assert (labels[15:] == VOID).all()
    assert images["x"].split == "train"
    assert images["x"].findings == ()


def test_the_folders_own_list_of_colours_wins(read, camvid):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:5] = (1, 2, 3)
    root = camvid(colours)
    (root / "label_colors.txt").write_text("# mine\n0 0 0 background\n1 2 3 cat\n")
    images, classes = read("camvid", root)
    assert classes == ["background", "cat"]
    assert (drawn(images["x"], classes)[:, 0] == [1] * 5 + [0] * 15).all()


def test_camvid_masks_of_numbers_without_a_list_are_unsure(read, camvid):
    images, _ = read("camvid", camvid(np.ones((20, 30), np.uint8)))
    assert [finding.kind for finding in images["x"].findings] == ["unsure"]


def test_a_colour_that_is_no_class_is_an_error_that_names_it(read, camvid):
    colours = np.full((20, 30, 3), 77, np.uint8)
    with pytest.raises(DataError, match=r"train\.txt, line 1: .*77, 77, 77"):
        read("camvid", camvid(colours))


def test_a_camvid_mask_that_is_not_there_is_an_error(read, camvid):
    root = camvid(np.ones((20, 30), np.uint8), "/train/x.png trainannot/y.png")
    with pytest.raises(DataError, match=r"train\.txt, line 1: there is no mask 'trainannot/y\.png"):
        read("camvid", root)


@pytest.fixture
def ade20k(picture, write_json, tmp_path):
    """Write an image of ADE20K: two cars, sky, and a wheel, which is a part."""

    def write(year):
        folder = tmp_path / "images" / "training" / "street"
        code = np.zeros((20, 30, 3), np.uint8)  # class in R and G, number of the object in B
        code[3:8, 4:10], code[10:15], code[16:18] = (0, 5, 1), (10, 7, 2), (0, 5, 3)
        picture(folder / "a.jpg")
        picture(folder / "a_seg.png", code)
        picture(folder / "a_parts_1.png", code)
        objects = [("car", 5, 0), ("sky", 263, 0), ("car", 5, 0), ("wheel", 9, 1)]
        if year == 2017:
            numbers = (1, 2, 3, 1)
            lines = [
                f'{number:03} # {level} # 0 # x # {name} # "red, big"\n'
                for number, (name, _, level) in zip(numbers, objects, strict=True)
            ]
            (folder / "a_atr.txt").write_text("".join(lines))
        else:
            listed = [
                {"raw_name": name, "name_ndx": index, "parts": {"part_level": level}}
                for name, index, level in objects
            ]
            write_json(folder / "a.json", {"annotation": {"object": listed}})
        return tmp_path

    return write


@pytest.mark.parametrize("year", [2017, 2020])
def test_objects_of_ade20k_are_read_without_their_parts(read, ade20k, year):
    images, classes = read("ade20k", ade20k(year))
    assert classes == ["background", "car", "sky"]
    image = images["street/a"]
    expected = np.full((20, 30), VOID)
    expected[3:8, 4:10], expected[10:15], expected[16:18] = 1, 2, 1
    assert (drawn(image, classes) == expected).all()
    assert (image.split, image.picture.name) == ("training", "a.jpg")
    assert [finding.kind for finding in image.findings] == ["unread"]


def test_an_object_that_the_mask_does_not_hold_is_found(read, ade20k):
    root = ade20k(2017)
    with next(root.rglob("*_atr.txt")).open("a") as file:
        file.write('004 # 0 # 0 # x # cow # ""\n')
    (image,) = read("ade20k", root)[0].values()
    assert sorted(finding.kind for finding in image.findings) == ["empty", "unread"]


@pytest.mark.parametrize(
    ("year", "content", "says"),
    [
        (2017, "1 # 0 # car\n", "expected 6 columns"),
        (2017, "x # 0 # 0 # a # b # c\n", "'x '"),
        (2020, "{", "JSONDecodeError"),
        (2020, '{"annotation": {"object": [{}]}}', "name_ndx"),
        (2020, '{"annotation": ' + "[" * 100_000, "recursion"),
    ],
)
def test_damaged_lists_of_objects_are_errors(read, ade20k, year, content, says):
    root = ade20k(year)
    listed = next(path for path in root.rglob("a*") if path.suffix in {".txt", ".json"})
    listed.write_text(content)
    with pytest.raises(DataError, match=listed.name) as caught:
        read("ade20k", root)
    assert says in str(caught.value)


@pytest.fixture
def mapillary(picture, write_json, tmp_path):
    def write(mask, version="v2.0", labels=("void--unlabeled", "object--car", "road")):
        picture(tmp_path / "training" / "images" / "a.jpg")
        picture(tmp_path / "training" / version / "instances" / "a.png", mask)
        listed = [{"name": name, "color": [0, 0, 0]} for name in labels]
        write_json(tmp_path / f"config_{version}.json", {"labels": listed})
        return tmp_path

    return write


def instances():
    values = np.full((20, 30), 2 << 8, np.uint16)
    values[3:8, 4:10], values[10:15, 4:10], values[:, :2] = (1 << 8) + 1, (1 << 8) + 2, 0
    return values


@pytest.mark.parametrize("version", ["v2.0", "v1.2"])
def test_instances_of_mapillary_are_read(read, mapillary, version):
    images, classes = read("mapillary", mapillary(instances(), version))
    assert classes == ["background", "object--car", "road"]
    expected = np.full((20, 30), 2)
    expected[3:8, 4:10], expected[10:15, 4:10], expected[:, :2] = 1, 1, VOID
    assert (drawn(images["a"], classes) == expected).all()
    assert [mark.instance for mark in images["a"].marks.regions if mark.class_id == 1] == [1, 2]
    assert images["a"].split == "training"


def test_mapillary_without_a_list_of_labels_has_the_published_ones(read, mapillary):
    root = mapillary(instances())
    (root / "config_v2.0.json").unlink()
    _, classes = read("mapillary", root)
    assert len(classes) == 119
    assert classes[1] == "animal--bird"


def test_a_label_that_mapillarys_list_does_not_hold_is_an_error(read, mapillary):
    with pytest.raises(DataError, match=r"a\.png: class number 2 is not among the 2"):
        read("mapillary", mapillary(instances(), labels=("void--unlabeled", "road")))
