import re

import pytest

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.kinds import Box, Polygon
from weakseg.readers.yolo import YOLO
from weakseg.support.errors import DataError

BOX = "1 0.5 0.5 0.2 0.4"  # of an image of 30 × 20: columns 12 to 18, rows 6 to 14


@pytest.fixture
def ultralytics(picture, tmp_path):
    """Write a folder with a data.yaml and one image."""

    def write(lines, config="names: [cat, dog]\nnc: 2\n", image=True):
        (tmp_path / "data.yaml").write_text(config)
        labels = tmp_path / "labels" / "train" / "x.txt"
        labels.parent.mkdir(parents=True)
        labels.write_text(lines)
        if image:
            picture(tmp_path / "images" / "train" / "x.jpg")
        return tmp_path

    return write


def test_boxes_and_outlines_are_read_in_pixels(read, ultralytics):
    outline = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5"
    images, classes = read("yolo", ultralytics(f"{BOX}\n\n{outline}\n"))
    assert classes == ["background", "cat", "dog"]
    assert images["x"].marks.boxes == (Box(2, 12, 6, 17, 13, 1),)
    ring = ((3.0, 2.0), (15.0, 2.0), (15.0, 10.0), (3.0, 10.0))
    assert images["x"].marks.polygons == (Polygon(1, (ring,), 3),)
    assert images["x"].split == "train"


@pytest.mark.parametrize(
    ("notes", "count"),
    [
        ({"categories": [], "info": {"version": "1.0", "contributor": "Label Studio"}}, 1),
        ({"info": {"contributor": "someone"}}, 0),
        ({"info": None}, 0),
        ([], 0),
    ],
)
def test_exports_of_label_studio_are_known_by_their_notes(
    read, ultralytics, write_json, notes, count
):
    root = ultralytics(BOX)
    write_json(root / "notes.json", notes)
    findings = read("yolo", root)[0]["x"].findings
    assert ["ignores the rotation" in finding.message for finding in findings] == [True] * count
    (root / "labels/train/x.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5")
    assert read("yolo", root)[0]["x"].findings == ()


@pytest.mark.parametrize("layout", ["yolo", "yolo_ultralytics"])
def test_boxes_agree_with_what_datumaro_wrote(read, picture, tmp_path, layout):
    datumaro = pytest.importorskip("datumaro")
    image = datumaro.components.media.Image.from_file(str(picture(tmp_path / "a.jpg")))
    boxes = [datumaro.Bbox(1, 2, 5, 6, label=1), datumaro.Bbox(7, 3, 12, 9, label=0)]
    item = datumaro.DatasetItem("b/a", subset="train", media=image, annotations=boxes)
    other = datumaro.DatasetItem("c", subset="val", media=image)
    dataset = datumaro.Dataset.from_iterable([item, other], categories=["cat", "dog"])
    dataset.export(str(tmp_path / "data"), layout, save_media=True)
    images, classes = read("yolo", tmp_path / "data")
    assert classes == ["background", "cat", "dog"]
    assert images["b/a"].marks.boxes == (Box(2, 1, 2, 5, 7, 1), Box(1, 7, 3, 18, 11, 2))
    assert images["b/a"].picture is not None
    assert images["b/a"].split == "train"


def test_splits_may_lie_above_images_and_labels(read, picture, tmp_path):
    (tmp_path / "data.yaml").write_text("nc: 1\nnames: {0: cat}\ntrain: ../train/images\n")
    for split in ("train", "valid"):
        picture(tmp_path / split / "images" / f"{split}1.jpg")
        (tmp_path / split / "labels").mkdir()
    (tmp_path / "train" / "labels" / "train1.txt").write_text("0 0.5 0.5 1 1\n")
    images, _ = read("yolo", tmp_path)
    assert images["train1"].marks.boxes == (Box(1, 0, 0, 29, 19, 1),)
    assert images["valid1"].marks.is_empty
    assert images["valid1"].split == "valid"


def test_paths_that_cannot_be_are_images_that_are_not_there(read, tmp_path):
    (tmp_path / "obj.data").write_text("names = data/obj.names\ntrain = data/train.txt\n")
    (tmp_path / "obj.names").write_text("cat\n")
    strange = ["x" * 5000, "a\0b.jpg", "data/obj_train_data/a.jpg"]
    (tmp_path / "train.txt").write_text("\n".join(strange))
    images, _ = read("yolo", tmp_path)
    assert len(images) == len(strange)
    assert "a" in images
    assert all(image.picture is None and image.marks.is_empty for image in images.values())
    (tmp_path / "train.txt").write_text("/")
    with pytest.raises(DataError, match="expected the name of an image"):
        read("yolo", tmp_path)


def test_numbered_names_are_put_in_order(read, ultralytics):
    config = "names:\n  1: dog\n  0: cat\npath: .\n"
    assert read("yolo", ultralytics(BOX, config))[1] == ["background", "cat", "dog"]


def test_key_points_after_boxes_are_found_and_left_out(read, ultralytics):
    config = "names: [cat, dog]\nnc: 2\nkpt_shape: [1, 3]\n"
    images, _ = read("yolo", ultralytics(f"{BOX} 0.5 0.5 2\n", config))
    assert len(images["x"].marks.boxes) == 1
    assert [finding.kind for finding in images["x"].findings] == ["unread"]


def test_without_the_image_there_is_no_size_to_reckon_with(read, ultralytics):
    images, _ = read("yolo", ultralytics(BOX, image=False))
    assert [finding.kind for finding in images["x"].findings] == ["missing"]
    assert images["x"].marks.is_empty


def test_a_damaged_image_is_found(read, ultralytics):
    root = ultralytics(BOX)
    (root / "images" / "train" / "x.jpg").write_bytes(b"no picture")
    images, _ = read("yolo", root)
    assert [finding.kind for finding in images["x"].findings] == ["damaged"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 0.5 0.5 0.2", "line 1: expected a class with x, y"),
        ("1 0.5 0.5 0.2 0.4 0.9", "but got 6 values"),
        ("7 0.5 0.5 0.2 0.4", "7"),
        ("7 0.1 0.1 0.2 0.2 0.3 0.1", "class number 7 is not among the 2"),
        ("1 nan 0.5 0.2 0.4", "nan"),
        ("1 0.1 x 0.2 0.2 0.3 0.1", "line 1: expected a number as coordinate, but got 'x'"),
        ("a 0.5 0.5 0.2 0.4", "'a'"),
    ],
)
def test_damaged_lines_are_left_out_and_named(read, ultralytics, says_left_out, line, says):
    images, _ = read("yolo", ultralytics(f"{line}\n1 0.5 0.5 0.2 0.4"))
    says_left_out(images["x"], re.escape(says), "x.txt, line 1")
    assert len(images["x"].marks.boxes) == 1


@pytest.mark.parametrize(
    "config",
    [
        "names: 3\ntrain: x\n",
        "names: {1: a}\ntrain: x\n",
        "names: [[a]]\ntrain: x\n",
        "names: [a\ntrain: x\n",
        "names: *x\ntrain: x\n",
    ],
)
def test_damaged_configurations_are_errors(read, ultralytics, config):
    with pytest.raises(DataError, match=r"data\.yaml"):
        read("yolo", ultralytics(BOX, config))


def test_weaksegs_own_data_yaml_is_not_taken_for_yolo(tmp_path):
    (tmp_path / "data.yaml").write_text("images: images\nclasses: classes.txt\nmarks: [points]\n")
    (tmp_path / "classes.txt").write_text("background\ncat\n")
    assert not YOLO.recognises(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "x.txt").write_text(BOX)
    assert YOLO.recognises(tmp_path)  # as Label Studio exports it


@pytest.fixture
def flat(picture, tmp_path):
    """Write a data.yaml beside images/ and labels/ without folders of splits."""

    def write(config, names="abc", **lists):
        (tmp_path / "data.yaml").write_text(f"names: [cat, dog]\n{config}")
        (tmp_path / "labels").mkdir()
        for name in names:
            picture(tmp_path / "images" / f"{name}.jpg")
        (tmp_path / "labels" / "a.txt").write_text(BOX)
        for split, lines in lists.items():
            (tmp_path / f"{split}.txt").write_text("\n".join(lines))
        return tmp_path

    return write


@pytest.mark.parametrize("path", ["", ".", "./", "/home/me/pets", r"C:\Users\me\pets", "../else"])
@pytest.mark.parametrize("place", ["./images/", "", "/data/me/pets/images/", "images\\"])
def test_splits_are_those_of_the_lists_that_data_yaml_names(read, flat, path, place):
    config = f"train: train.txt\nval: [./val.txt]\npath: '{path}'\n"
    root = flat(config, train=[f"{place}b.jpg", f"{place}a.jpg"], val=[f"{place}c.JPG"])
    for source in (root, root / "data.yaml"):
        images, _ = read("yolo", source)
        splits = {name: image.split for name, image in images.items()}
        assert splits == {"a": "train", "b": "train", "c": "val"}
        assert images["a"].findings == ()


def test_lists_of_another_machine_are_those_beside_data_yaml(read, flat):
    root = flat(r"train: C:\me\pets\train.txt" "\nvalid: /me/val.txt\n", train="ab", val="c")
    images, _ = read("yolo", root)
    assert [images[name].split for name in "abc"] == ["train", "train", "val"]


def test_entries_of_no_image_and_images_in_two_lists_are_found(read, flat):
    config = "train: train.txt\nval: val.txt\ntest: test.txt\n"
    root = flat(config, train=["images/a.jpg", "images/b.jpg"], val=["z.jpg", "", "b", "c", "y"])
    images, _ = read("yolo", root)
    assert [images[name].split for name in "abc"] == ["train", "train", "val"]
    lost, missing, shared = images["a"].findings
    assert "val.txt, line 1: there is no image 'z.jpg'; left out, and 1 more such line" in str(lost)
    assert "'test': the list 'test.txt' is not there" in str(missing)
    assert "image 'images/b': is in the splits train and val; put in train alone" in str(shared)


def test_folders_of_other_names_are_the_splits_that_data_yaml_states(read, picture, tmp_path):
    (tmp_path / "data.yaml").write_text(
        "names: [cat]\ntrain: [images/x, images/y]\nval: images/z\n"
    )
    (tmp_path / "labels").mkdir()
    for folder in "wxyz":
        picture(tmp_path / "images" / folder / f"{folder}.jpg")
    images, _ = read("yolo", tmp_path)
    splits = {name: image.split for name, image in images.items()}
    assert splits == {"w/w": None, "x/x": "train", "y/y": "train", "z/z": "val"}


def test_a_folder_that_holds_the_splits_is_none_itself(read, picture, tmp_path):
    (tmp_path / "data.yaml").write_text("names: [cat]\ntrain: images\nval: images/val\n")
    (tmp_path / "labels").mkdir()
    for split in ("train", "val"):
        picture(tmp_path / "images" / split / f"{split}.jpg")
    images, _ = read("yolo", tmp_path)
    assert {name: image.split for name, image in images.items()} == {"train": "train", "val": "val"}
    assert images["train"].findings == ()


def test_no_image_gets_the_split_of_another_folder(read, picture, flat):
    root = flat("train: ../train/images\nval: val.txt\n", val=["images/val/a.jpg"], names="b")
    picture(root / "images" / "train" / "a.jpg")
    (root / "labels" / "a.txt").unlink()
    images, _ = read("yolo", root)
    assert {name: image.split for name, image in images.items()} == {"a": "train", "b": None}


def test_folders_that_data_yaml_states_and_are_not_there_are_found(read, flat):
    images, _ = read("yolo", flat("train: images\nvalidation: ../valid/images\n"))
    (missing,) = images["a"].findings
    assert "data.yaml, 'validation': the folder '../valid/images' is not there" in str(missing)


def test_a_data_yaml_of_images_to_train_on_alone_is_said_to_be_one(read, flat):
    root = flat("train: images\nval:\n")
    images, _ = read("yolo", root)
    (finding,) = images["a"].findings
    assert str(finding).startswith(f"{root / 'data.yaml'}, 'train': is the only split here")
    (root / "images/val").mkdir()
    (root / "images/c.jpg").rename(root / "images/val/c.jpg")
    images, _ = read("yolo", root)
    assert (images["c"].split, images["a"].findings) == ("val", ())


def test_exports_of_cvat_are_known_by_their_folders(read, picture, tmp_path):
    (tmp_path / "obj.data").write_text("names = data/obj.names\ntrain = data/train.txt\n")
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    said = {}
    for folder in ("obj", "obj_train_data"):
        picture(tmp_path / folder / "a.jpg")
        (tmp_path / folder / "a.txt").write_text(BOX)
        (tmp_path / "train.txt").write_text(f"data/{folder}/a.jpg")
        images, _ = read("yolo", tmp_path)
        (image,) = images.values()
        said[folder] = [finding.message for finding in image.findings]
    (message,) = said["obj_train_data"]
    assert 'import "CVAT for images 1.1" instead, for this export leaves them out' in message
    assert not said["obj"]


def test_folders_of_images_that_are_elsewhere_are_splits_by_their_labels(read, picture, tmp_path):
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\ntrain: images/x\nval: images/y\n")
    for folder in "xy":
        (tmp_path / "labels" / folder).mkdir(parents=True)
        (tmp_path / "labels" / folder / f"{folder}.txt").write_text(BOX)
        picture(tmp_path / "photos" / f"{folder}.jpg")
    images, _ = read("yolo", tmp_path, images=(tmp_path / "photos",))
    splits = {name: image.split for name, image in images.items()}
    assert splits == {"x/x": "train", "y/y": "val"}
    assert not any(image.findings for image in images.values())


@pytest.mark.parametrize(
    ("place", "lists"),
    [
        ("", ["classes.txt"]),
        ("", ["obj.names"]),
        ("train/", ["train/classes.txt"]),
        ("data/", ["classes.txt"]),
        ("train/", ["train/_darknet.labels", "valid/_darknet.labels"]),
    ],
)
def test_labels_may_lie_beside_the_images(read, picture, tmp_path, place, lists):
    (tmp_path / place).mkdir(exist_ok=True)
    for name in "ab":
        picture(tmp_path / f"{place}{name}.jpg")
    (tmp_path / f"{place}a.txt").write_text(BOX)
    for name in lists:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("cat\ndog\n")
    images, classes = read("yolo", tmp_path)
    assert classes == ["background", "cat", "dog"]
    a, b = images.values()
    assert a.marks.boxes == (Box(2, 12, 6, 17, 13, 1),)
    assert (a.name, a.split) == (
        ("data/a", None) if place == "data/" else ("a", place[:-1] or None)
    )
    assert b.marks.is_empty
    assert b.picture == tmp_path / f"{place}b.jpg"


def test_labels_beside_images_may_have_a_data_yaml_or_their_list_in_the_folder_of_labels(
    read, picture, tmp_path
):
    for root in (tmp_path / "one", tmp_path / "two"):
        picture(root / "images" / "a.jpg")
    (tmp_path / "one/data.yaml").write_text("names: [cat, dog]\ntrain: images\n")
    (tmp_path / "one/images/a.txt").write_text(BOX)
    (tmp_path / "two/labels").mkdir()
    (tmp_path / "two/labels/classes.txt").write_text("cat\ndog\n")
    (tmp_path / "two/labels/a.txt").write_text(BOX)
    for name in ("one", "two"):
        images, _ = read("yolo", tmp_path / name)
        (image,) = images.values()
        assert image.marks.boxes == (Box(2, 12, 6, 17, 13, 1),)


def test_lists_of_classes_that_differ_are_an_error(read, picture, tmp_path):
    for split, names in (("train", "cat\ndog\n"), ("valid", "dog\ncat\n")):
        picture(tmp_path / split / "a.jpg")
        (tmp_path / split / "a.txt").write_text(BOX)
        (tmp_path / split / "classes.txt").write_text(names)
    with pytest.raises(DataError, match=r"train/classes.txt: lists other classes than .*valid"):
        read("yolo", tmp_path)


@pytest.mark.parametrize("config", ["", "nc: 2\n", "names:\nnc: 2\ntrain: images\n"])
def test_names_that_are_missing_are_those_of_the_users_list(picture, tmp_path, config):
    picture(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text(BOX)
    if config:
        (tmp_path / "data.yaml").write_text(config)
    assert YOLO.recognises(tmp_path)
    with pytest.raises(DataError, match=r"names of the classes are missing: .* --classes FILE"):
        list(YOLO.read(tmp_path, OpenClassList(), SourceOptions()))
    names = ("background", "cat", "dog")
    for classes in (ClassList(names), OpenClassList(names, closed=True)):
        (image,) = YOLO.read(tmp_path, classes, SourceOptions())
        assert image.marks.boxes == (Box(2, 12, 6, 17, 13, 1),)


def test_texts_that_are_no_labels_and_broken_yaml_are_told_apart(picture, tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("a cat on a mat\n")
    assert not YOLO.recognises(tmp_path)
    with pytest.raises(DataError, match=r"holds no file of this format: expected a data\.yaml"):
        list(YOLO.read(tmp_path, OpenClassList(), SourceOptions()))
    (tmp_path / "a.txt").write_text(BOX)
    (tmp_path / "data.yaml").write_text("names: [cat\n")
    assert YOLO.recognises(tmp_path)
    with pytest.raises(DataError, match=r"data.yaml: is not readable as YAML"):
        list(YOLO.read(tmp_path, OpenClassList(), SourceOptions()))


def test_names_that_yaml_takes_for_other_than_text_are_to_be_quoted(read, ultralytics):
    with pytest.raises(DataError, match=r"the name of class 1 is True to YAML, .* in quotes"):
        read("yolo", ultralytics(BOX, "names: [cat, yes]\nnc: 2\n"))


def test_a_split_that_is_no_path_is_found(read, flat):
    images, _ = read("yolo", flat("train: 5\nval: {a: 1}\n"))
    assert [str(finding).partition("data.yaml, ")[2] for finding in images["a"].findings] == [
        "'train': expected a path, or a list of them, but got 5; left out",
        "'val': expected a path, or a list of them, but got {'a': 1}; left out",
    ]


POSE = "1 0.5 0.5 0.2 0.4 0.45 0.4 0.55 0.6"


def test_key_points_that_no_kpt_shape_states_are_known_by_lying_in_their_boxes(read, ultralytics):
    images, _ = read("yolo", ultralytics("\n".join([POSE] * 10)))
    assert len(images["x"].marks.boxes) == 10
    assert [finding.kind for finding in images["x"].findings] == ["unsure", "unread"]


@pytest.mark.parametrize(
    ("line", "boxes", "kinds"),
    [
        (POSE, 0, ["unsure"]),
        ("1 0.5 0.5 0.2 0.4 0.45 0.4 2 0.55 0.6 1", 1, ["unsure", "unread"]),
        ("1 0.5 0.5 0.2 0.4 0.45 0.4 2 0 0 0", 1, ["unsure", "unread"]),
        ("1 0.1 0.1 0.3 0.1 0.3 0.4", 0, []),
    ],
)
def test_few_lines_that_may_have_key_points_are_a_finding(read, ultralytics, line, boxes, kinds):
    images, _ = read("yolo", ultralytics(line))
    assert len(images["x"].marks.boxes) == boxes
    assert [finding.kind for finding in images["x"].findings] == kinds


TURNED = "0 0.6 0.6 0.8 0.7 0.7 0.9 0.5 0.8"
QUADRANGLE = "0 0.6 0.6 0.8 0.7 0.7 0.9 0.1 0.8"


def test_corners_of_rotated_boxes_become_the_boxes_around_them(read, ultralytics):
    images, _ = read("yolo", ultralytics(f"{TURNED}\n1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"))
    marks = images["x"].marks
    assert marks.boxes == (Box(1, 15, 12, 23, 17, 1), Box(2, 3, 2, 14, 9, 2))
    assert not marks.polygons
    assert [finding.message.partition(";")[0] for finding in images["x"].findings] == [
        "its labels are parallelograms, so they are read as rotated boxes (YOLO OBB)",
        "rotated rectangles are read as the boxes around them",
    ]


@pytest.mark.parametrize(
    ("lines", "more", "is_box", "said"),
    [
        (QUADRANGLE, "", False, "task: obb in data.yaml"),
        (QUADRANGLE, "task: obb\n", True, "rotated rectangles"),
        (TURNED, "task: segment\n", False, None),
        (f"{TURNED}\n0 0.1 0.1 0.5 0.1 0.5 0.5", "", False, None),
    ],
)
def test_four_corners_are_outlines_where_they_are_no_boxes_or_the_task_says_so(
    read, ultralytics, lines, more, is_box, said
):
    (item,) = read("yolo", ultralytics(lines, f"names: [cat, dog]\n{more}"))[0].values()
    assert bool(item.marks.boxes) == is_box
    assert len(item.findings) == (said is not None)
    assert not said or said in item.findings[0].message


def test_lists_find_images_whose_names_end_like_files(read, picture, tmp_path):
    picture(tmp_path / "images/a.jpg.png")
    picture(tmp_path / "images/b.png")
    for name in ("a.jpg", "b"):
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / f"labels/{name}.txt").write_text(BOX)
    (tmp_path / "data.yaml").write_text("names: [cat, dog]\ntrain: train.txt\nval: val.txt\n")
    (tmp_path / "train.txt").write_text("images/a.jpg.png\n")
    (tmp_path / "val.txt").write_text("images/b.png\n")
    images, _ = read("yolo", tmp_path)
    assert sorted(image.split for image in images.values()) == ["train", "val"]
    assert not any(image.findings for image in images.values())


def test_labels_whose_ending_is_in_capitals_are_read(read, ultralytics):
    root = ultralytics("0 0.5 0.5 0.2 0.4\n")
    (labels,) = root.rglob("labels/**/*.txt")
    labels.rename(labels.with_suffix(".TXT"))
    (image,) = read("yolo", root)[0].values()
    assert len(image.marks.boxes) == 1
