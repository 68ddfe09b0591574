import json

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.exports import check_format, export_masks, export_paths
from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.rasterize import rasterize
from weakseg.readers.detection import opened_source
from weakseg.support.errors import RecipeError

CLASSES = ClassList(("background", "cat", "dog"))


@pytest.fixture
def masks(tmp_path):
    labels = np.zeros((20, 30), np.uint8)
    labels[4:12, 5:20] = 1
    labels[6:9, 8:12] = 0  # a hole
    labels[15:, 25:] = 2
    return [
        ("a/one", tmp_path / "photos/a/one.jpg", labels),
        ("two", tmp_path / "photos/two.png", labels.T.copy()),
    ]


@pytest.mark.parametrize("kind", ["png", "labelme", "coco", "coco-rle", "label-studio"])
def test_exactly_the_announced_files_are_written(kind, masks, tmp_path):
    out = tmp_path / "out"
    export_masks(masks, out, CLASSES, kind)
    announced = export_paths([name for name, _, _ in masks], out, kind)
    assert sorted(announced) == sorted(path for path in out.rglob("*") if path.is_file())


def test_labelme_files_lead_back_to_their_images_and_to_the_same_objects(masks, tmp_path):
    for _, image, _ in masks:
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(b"")
    export_masks(masks, tmp_path / "out", CLASSES, "labelme")
    with opened_source(tmp_path / "out") as source:
        read = list(source.read(OpenClassList(), SourceOptions()))
    found = {item.picture.resolve(): item for item in read}
    for _, image, labels in masks:
        item = found.pop(image.resolve())
        drawn = rasterize(item.marks, labels.shape, CLASSES)
        assert ((drawn != 254) == (labels != 0)).mean() > 0.97
    assert not found


def test_a_prefix_stands_before_the_names_of_images(masks, tmp_path):
    export_masks(masks, tmp_path, CLASSES, "label-studio", prefix="/data/local-files/?d=p/")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["image"] for task in tasks] == [
        "/data/local-files/?d=p/a/one.jpg",
        "/data/local-files/?d=p/two.png",
    ]
    export_masks(masks, tmp_path, CLASSES, "coco")
    images = json.loads((tmp_path / "instances.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["a/one.jpg", "two.png"]


@pytest.mark.parametrize(("png", "mode"), [("palette", "P"), ("grey", "L")])
def test_pngs_hold_class_ids_with_the_palette_or_in_grey(tmp_path, png, mode):
    labels = np.array([[0, 1], [254, 255]], np.uint8)
    classes = ClassList(("background", "cat"))
    export_masks([("a", tmp_path / "a.jpg", labels)], tmp_path, classes, "png", png=png)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode == mode
        assert np.asarray(picture).tolist() == labels.tolist()


def test_other_colours_of_pngs_are_refused():
    with pytest.raises(RecipeError, match="png: expected palette or grey, but got 'rgb'"):
        check_format("png", "rgb")
