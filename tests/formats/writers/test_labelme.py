import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw

from weakseg.formats.source import SourceOptions
from weakseg.formats.writers.labelme import write_labelme
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import rasterize
from weakseg.readers.labelme import LABELME
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "Löwe"))

label_maps = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([0, 1, 2, UNLABELLED, VOID]),
)


def read_back(path, size):
    (item,) = LABELME.read(path, OpenClassList(CLASSES.names), SourceOptions())
    assert item.size == size
    return rasterize(item.marks, size, CLASSES)


@settings(deadline=None)
@given(labels=label_maps)
def test_a_label_map_is_the_same_after_writing_and_reading(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("labelme") / "a.json"
    write_labelme(path, labels, CLASSES, image="a.jpg", background=True)
    expected = np.where(labels == VOID, UNLABELLED, labels)
    assert (read_back(path, labels.shape) == expected).all()


def test_the_file_is_of_the_form_that_the_tool_demands(tmp_path):
    labels = np.full((9, 9), UNLABELLED, np.uint8)
    labels[2:7, 2:7] = 1
    labels[4, 4] = 2
    write_labelme(tmp_path / "a.json", labels, CLASSES, image="../images/a.jpg")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (content["imageHeight"], content["imageWidth"], content["imageData"]) == (9, 9, None)
    assert (content["imagePath"], content["flags"]) == ("../images/a.jpg", {})
    assert content["version"].count(".") == 2
    assert [shape["label"] for shape in content["shapes"]] == ["cat", "Löwe"]
    for shape in content["shapes"]:
        assert shape["shape_type"] == "polygon"
        assert len(shape["points"]) >= 3
        assert all(len(place) == 2 for place in shape["points"])
        assert (shape["flags"], shape["group_id"], shape["mask"]) == ({}, None, None)
    assert LABELME.recognises(tmp_path / "a.json")


def test_another_tools_filling_keeps_holes_open(tmp_path):
    labels = np.zeros((60, 60), np.uint8)
    labels[5:55, 5:55] = 1
    labels[20:40, 20:40] = UNLABELLED
    write_labelme(tmp_path / "a.json", labels, CLASSES, image="a.jpg")
    shapes = json.loads((tmp_path / "a.json").read_text())["shapes"]
    (ring,) = [shape["points"] for shape in shapes if shape["label"] == "cat"]
    canvas = Image.new("1", (60, 60))
    ImageDraw.Draw(canvas).polygon([tuple(place) for place in ring], fill=1)
    wrong = np.array(canvas) != (labels == 1)
    wrong[[5, 55, 20, 40]] = wrong[:, [5, 55, 20, 40]] = False  # Pillow fills the outline too
    assert wrong.sum() == 0


def test_a_tolerance_makes_fewer_corners(tmp_path):
    y, x = np.ogrid[:50, :50]
    labels = ((y - 25) ** 2 + (x - 25) ** 2 < 400).astype(np.uint8)
    for name, tolerance in (("exact", 0), ("simple", 1)):
        write_labelme(
            tmp_path / f"{name}.json",
            labels,
            CLASSES,
            image="a.jpg",
            tolerance=tolerance,
            background=True,
        )
    sizes = [(tmp_path / f"{name}.json").stat().st_size for name in ("simple", "exact")]
    assert sizes[0] < sizes[1] / 2
    assert (read_back(tmp_path / "simple.json", (50, 50)) == labels).mean() > 0.95


def test_an_id_of_no_class_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(DataError, match=r"image 'a.jpg': the label map holds id 9, but .* has 3"):
        write_labelme(tmp_path / "a.json", np.full((2, 2), 9, np.uint8), CLASSES, image="a.jpg")
    assert list(tmp_path.iterdir()) == []
