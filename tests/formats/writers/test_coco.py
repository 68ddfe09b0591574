import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from weakseg.formats.source import SourceOptions
from weakseg.formats.writers.coco import write_coco
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import rasterize
from weakseg.readers.detection import FORMATS
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))
VALUES = st.sampled_from([0, 1, 1, 2, UNLABELLED, VOID])
LABEL_MAPS = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=VALUES)


def written(path: Path, *label_maps, classes=CLASSES, **options):
    items = [(f"folder/{number}.jpg", labels) for number, labels in enumerate(label_maps)]
    write_coco(path, iter(items), classes, **options)
    return json.loads(path.read_text())


def kept(labels, first):
    """Give the label map without what is not written."""
    return np.where((labels >= first) & (labels < len(CLASSES)), labels, UNLABELLED)


def test_each_region_is_an_annotation(tmp_path):
    labels = np.zeros((4, 6), np.uint8)
    labels[1:3, 1:3], labels[0, 5], labels[3, 0] = 1, 1, 2
    tree = written(tmp_path / "x.json", labels)
    assert tree["categories"] == [
        {"id": 1, "name": "cat", "supercategory": ""},
        {"id": 2, "name": "dog", "supercategory": ""},
    ]
    assert tree["images"] == [{"id": 1, "file_name": "folder/0.jpg", "height": 4, "width": 6}]
    facts = [(one["category_id"], one["area"], one["bbox"]) for one in tree["annotations"]]
    assert facts == [(1, 1, [5, 0, 1, 1]), (1, 4, [1, 1, 2, 2]), (2, 1, [0, 3, 1, 1])]
    assert {one["iscrowd"] for one in tree["annotations"]} == {0}
    assert tree["annotations"][1]["segmentation"] == [[1, 1, 3, 1, 3, 3, 1, 3]]


def test_each_class_may_be_an_annotation_instead(tmp_path):
    labels = np.zeros((4, 6), np.uint8)
    labels[1:3, 1:3], labels[0, 5], labels[3, 0] = 1, 1, 2
    tree = written(tmp_path / "x.json", labels, per_region=False)
    facts = [(one["area"], one["bbox"], len(one["segmentation"])) for one in tree["annotations"]]
    assert facts == [(5, [1, 0, 5, 3], 2), (1, [0, 3, 1, 1], 1)]


def test_without_a_background_class_every_class_is_a_category(tmp_path):
    tree = written(tmp_path / "x.json", np.zeros((2, 2), np.uint8), classes=ClassList(("a", "b")))
    assert [category["id"] for category in tree["categories"]] == [1, 2]
    assert tree["annotations"][0]["category_id"] == 1


@pytest.mark.parametrize("per_region", [True, False])
@pytest.mark.parametrize("run_lengths", [True, False])
@given(label_maps=st.lists(LABEL_MAPS, min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_pycocotools_makes_the_same_pixels_and_areas(
    label_maps, per_region, run_lengths, tmp_path_factory
):
    coco = pytest.importorskip("pycocotools.coco")
    path = tmp_path_factory.mktemp("coco") / "x.json"
    written(path, *label_maps, per_region=per_region, run_lengths=run_lengths)
    read = coco.COCO(str(path))
    for number, labels in enumerate(label_maps, 1):
        again = np.full(labels.shape, UNLABELLED, np.uint8)
        for annotation in read.loadAnns(read.getAnnIds(imgIds=number)):
            mask = read.annToMask(annotation).astype(bool)
            assert mask.sum() == annotation["area"]
            again[mask] = annotation["category_id"]
        assert (again == kept(labels, 1)).all()


@pytest.mark.parametrize(("background", "run_lengths"), [(True, False), (False, False), (0, True)])
@given(label_maps=st.lists(LABEL_MAPS, min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_reading_it_gives_the_same_label_map(label_maps, background, run_lengths, tmp_path_factory):
    path = tmp_path_factory.mktemp("coco") / "x.json"
    written(path, *label_maps, background=background, run_lengths=run_lengths)
    coco = next(item for item in FORMATS if item.name == "coco")
    classes = OpenClassList()
    images = list(coco.read(path, classes, SourceOptions()))
    assert classes.names == list(CLASSES.names)
    for number, (image, labels) in enumerate(zip(images, label_maps, strict=True)):
        assert (image.name, image.size) == (f"folder/{number}", labels.shape)
        again = rasterize(image.marks, labels.shape, CLASSES)
        assert (again == kept(labels, 0 if background else 1)).all()


def test_label_studio_converts_it(tmp_path):
    convert = pytest.importorskip("label_studio_sdk.converter.imports.coco").convert_coco_to_ls
    labels = np.ones((5, 5), np.uint8)
    labels[2, 2] = UNLABELLED  # a hole
    written(tmp_path / "x.json", labels)
    convert(str(tmp_path / "x.json"), str(tmp_path / "tasks.json"))
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    kinds = [result["type"] for result in task["annotations"][0]["result"]]
    assert sorted(kinds) == ["polygonlabels", "rectanglelabels"]


def test_items_are_taken_one_at_a_time(tmp_path):
    def items():
        for number in range(3):
            yield f"{number}.jpg", np.full((2, 2), number % 3, np.uint8)
            part = next(tmp_path.glob(".x.*"))
            assert not (tmp_path / "x.json").exists()
            assert part.exists()

    write_coco(tmp_path / "x.json", items(), CLASSES)
    assert len(json.loads((tmp_path / "x.json").read_text())["images"]) == 3


def test_an_id_of_no_class_is_an_error_and_leaves_no_file(tmp_path):
    with pytest.raises(DataError, match=r"folder/0\.jpg.*holds id 9"):
        written(tmp_path / "x.json", np.full((2, 2), 9, np.uint8))
    assert not list(tmp_path.iterdir())


def test_nothing_at_all_is_a_file_too(tmp_path):
    tree = written(tmp_path / "x.json")
    assert (tree["images"], tree["annotations"]) == ([], [])
