import json
import shutil

import numpy as np
import pytest
from PIL import Image

from weakseg.api.inspect import inspect_data
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import record_labels
from weakseg.recipes.options import resolve_recipe
from weakseg.support.errors import DataError, RunError

BOXES = "image,class,xmin,ymin,xmax,ymax\n" + "".join(
    f"img{number},{'bar' if number % 2 else 'square'},20,10,39,29\n" for number in range(6)
)


@pytest.fixture
def whole(folder):
    """Make the data folder one without splits and with boxes; training takes all of it."""
    shutil.rmtree(folder / "splits")
    (folder / "boxes.csv").write_text(BOXES)
    return folder


@pytest.mark.parametrize(
    ("settings", "flags", "pixels"),
    [
        ("marks: [points]", {}, 6 * (113 + 111)),  # the paper's radius, cut off at the border
        ("marks: [points]\npoint_radius: 1", {}, 6 * (5 + 5)),
        ("marks: [points]\npoint_radius: 1", {"point_radius": 6.0}, 6 * (113 + 111)),
        ("marks: [boxes]", {}, 0),
        ("marks: [boxes]\nboxes_complete: true", {}, 6 * (48 * 64 - 400)),
        ("marks: [scribbles]\nscribble_dilation: 0", {}, 6 * (12 + 45)),
        ("marks: [scribbles]\nscribble_dilation: 0", {"scribble_dilation": 1.0}, 6 * (38 + 137)),
    ],
)
def test_inspect_and_train_count_the_same_labelled_pixels(whole, settings, flags, pixels):
    (whole / "data.yaml").write_text(settings)
    found = inspect_data(whole, data=flags)
    recipe = resolve_recipe(whole, "small", {f"data.{key}": flags[key] for key in flags})
    data = DataFolder(recipe.data)
    drawn = [
        record_labels(record, (48, 64), data.classes, recipe.data) for record in data.split("train")
    ]
    trained = np.bincount(np.stack(drawn).ravel(), minlength=3)[:3].tolist()
    assert [counts.pixels for counts in found.classes] == trained
    assert found.labelled_pixels == pixels


def test_a_name_that_means_void_is_no_unknown_class(tmp_path):
    """labelme's `__ignore__` leaves pixels out, in an inspection as in an import."""
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg")
    box = {"shape_type": "rectangle", "points": [[4, 4], [20, 20]]}
    shapes = [{"label": "cat", **box}, {"label": "__ignore__", **box}]
    size = {"imageHeight": 48, "imageWidth": 64}
    tree = {"version": "5.0", "shapes": shapes, "imagePath": "a.jpg", "imageData": None, **size}
    (tmp_path / "a.json").write_text(json.dumps(tree))
    found = inspect_data(tmp_path, min_images=1)
    assert found.images == 1
    assert "class" not in found.finding_counts
    assert {counts.name: counts.marks["boxes"] for counts in found.classes}["cat"] == 1


def test_classes_spelled_with_decomposed_letters_are_one_and_found(tmp_path):
    for name, label in {"a": "caf\u00e9", "b": "cafe\u0301"}.items():
        Image.new("RGB", (60, 40)).save(tmp_path / f"{name}.png")
        shape = {"label": label, "points": [[3, 4], [20, 30]], "shape_type": "rectangle"}
        tree = {"shapes": [shape], "imagePath": f"{name}.png", "imageData": None}
        (tmp_path / f"{name}.json").write_text(json.dumps(tree))
    found = inspect_data(tmp_path)
    assert [counts.name for counts in found.classes] == ["background", "caf\u00e9"]
    said = [item.message for item in found.findings if "decomposed letters" in item.message]
    assert len(said) == 1


def test_images_and_labels_beside_a_list_of_classes_are_yolo(tmp_path):
    """Label Studio's layout looks like a data folder that nobody has marked yet."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "classes.txt").write_text("cat\n")  # a data folder needs two
    found = inspect_data(tmp_path, min_images=1)
    assert found.marks["boxes"] == 1
    assert found.classes[1].name == "cat"
    with pytest.raises(DataError, match=f"labels/ alone, as of YOLO: `weakseg import {tmp_path}"):
        DataFolder.open(tmp_path)


def test_masks_in_the_colours_of_a_labelmap_are_counted_as_an_import_reads_them(tmp_path):
    for name in ("JPEGImages", "SegmentationClass"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "JPEGImages" / "a.jpg")
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[:10, :10] = 255, 0, 9
    Image.fromarray(mask).save(tmp_path / "SegmentationClass" / "a.png")
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\nunicorn:255,0,9::\n")
    found = inspect_data(tmp_path, min_images=1)
    assert [(item.name, item.pixels) for item in found.classes] == [
        ("background", 48 * 64 - 100),
        ("unicorn", 100),
    ]
    assert found.is_clean


def test_images_of_no_split_are_a_finding(folder):
    (folder / "splits" / "train.txt").write_text("img0\nimg1\n")
    (folder / "splits" / "val.txt").write_text("img5\n")
    messages = [item.message for item in inspect_data(folder, min_images=1).findings]
    assert "3 images belong to no split; left out of all (the first: 'img2')" in messages


def test_no_page_is_written_among_what_is_inspected(folder):
    before = sorted(folder.rglob("*"))
    for out in (folder, folder / "images"):
        with pytest.raises(RunError, match="is read from, so nothing is written there"):
            inspect_data(folder, images=folder / "images", out=out)
    assert sorted(folder.rglob("*")) == before
