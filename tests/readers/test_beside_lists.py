"""Lists of a split beside files of marks, in whatever format."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.api.import_ import import_marks
from weakseg.api.inspect import inspect_data
from weakseg.datasets.data_folder import DataFolder

BOX = [[3, 3], [20, 20]]


def photos(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for value, name in enumerate("abc"):
        Image.fromarray(np.full((40, 60, 3), 50 * value, np.uint8)).save(folder / f"{name}.jpg")


def lists(folder: Path, prefix="", ending="", **splits: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split, names in splits.items():
        lines = [f"{prefix}{name}{ending}\n" for name in names]
        (folder / f"{split}.txt").write_text("".join(lines))


def labelme(folder: Path) -> None:
    photos(folder)
    for name in "abc":
        shape = {"label": "cat", "shape_type": "rectangle", "points": BOX}
        tree = {"version": "5", "flags": {}, "imagePath": f"{name}.jpg", "shapes": [shape]}
        (folder / f"{name}.json").write_text(json.dumps(tree))


def labelme_in_voc(root: Path) -> None:
    labelme(root / "JPEGImages")


def voc_xml(root: Path) -> None:
    photos(root)
    box = "<xmin>3</xmin><ymin>3</ymin><xmax>20</xmax><ymax>20</ymax>"
    for name in "abc":
        (root / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename><object><name>cat</name>"
            f"<bndbox>{box}</bndbox></object></annotation>"
        )


def coco(root: Path) -> None:
    photos(root / "images")
    ids = dict(enumerate("abc"))
    images = [{"id": i, "file_name": f"{n}.jpg", "height": 40, "width": 60} for i, n in ids.items()]
    marks = [{"id": i, "image_id": i, "category_id": 1, "bbox": [3, 3, 20, 20]} for i in ids]
    tree = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "cat"}]}
    (root / "instances.json").write_text(json.dumps(tree))


def yolo(root: Path) -> None:
    photos(root / "images")
    (root / "labels").mkdir()
    for name in "abc":
        (root / f"labels/{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "names.yaml").write_text("names: {0: cat}\n")


def masks(root: Path) -> None:
    photos(root / "images")
    (root / "masks").mkdir()
    (root / "classes.txt").write_text("background\ncat\n")
    for name in "abc":
        Image.fromarray(np.eye(40, 60, dtype=np.uint8)).save(root / f"masks/{name}.png")


@pytest.mark.parametrize("make", [labelme, labelme_in_voc, voc_xml, coco, yolo, masks])
@pytest.mark.parametrize(
    ("place", "written"),
    [
        (".", {}),
        (".", {"prefix": "./images/", "ending": ".jpg"}),
        ("splits", {}),
        ("ImageSets/Segmentation", {}),
        ("ImageSets/Main", {"ending": ".jpg"}),
    ],
)
def test_lists_beside_marks_are_splits_in_every_format(tmp_path, make, place, written):
    make(tmp_path / "set")
    lists(tmp_path / "set" / place, **written, train="a", valid="b", test="c")
    done = import_marks(tmp_path / "set", tmp_path / "data")
    assert done.splits == {"train": 1, "val": 1, "test": 1}
    data = DataFolder.open(tmp_path / "data")
    assert [data.split(split)[0].name[-1] for split in ("train", "val", "test")] == list("abc")
    assert inspect_data(tmp_path / "set").splits == {"train": 1, "val": 1, "test": 1}


def test_lists_in_the_root_of_a_data_folder_count_for_a_training_from_it(tmp_path):
    masks(tmp_path)
    lists(tmp_path, train="ab", val="c")
    data = DataFolder.open(tmp_path)
    assert data.splits == ("train", "val")
    assert [record.name for record in data.split("train")] == ["a", "b"]
    data.layout.check_apart(tmp_path / "run")


def test_an_image_in_no_list_belongs_to_no_split_and_a_line_of_no_image_is_found(tmp_path):
    labelme(tmp_path / "set")
    lists(tmp_path / "set", train="ax", val="b")
    done = import_marks(tmp_path / "set", tmp_path / "data")
    assert done.splits == {"train": 1, "val": 1}
    messages = [finding.message for finding in done.findings]
    assert any("1 line is of no image, 'x' for example" in message for message in messages)
    assert any("1 image belongs to no split" in message for message in messages)


def test_the_labels_of_an_image_called_train_are_no_list(tmp_path):
    yolo(tmp_path / "set")
    for file in (tmp_path / "set").glob("*/a.*"):
        file.rename(tmp_path / "set" / f"train{file.suffix}")
    for file in (tmp_path / "set").glob("*/[bc].*"):
        file.rename(tmp_path / "set" / file.name)
    done = import_marks(tmp_path / "set", tmp_path / "data", overwrite=True)
    assert done.splits == {"train": 3}
    assert "missing" not in done.counts


def test_a_list_wins_over_a_folder_and_that_is_said(tmp_path):
    labelme(tmp_path / "set/train")
    lists(tmp_path / "set", train="ab", val="c")
    done = import_marks(tmp_path / "set", tmp_path / "data")
    assert done.splits == {"train": 2, "val": 1}
    assert [str(finding) for finding in done.findings if "put in" in finding.message] == [
        f"{tmp_path}/set/train/c.json: image 'train/c' is in val by the list val.txt, in train by "
        "its folder; put in val alone"
    ]
