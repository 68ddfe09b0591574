import numpy as np
import pytest

from weakseg.readers.detection import find_format
from weakseg.support.errors import DataError


@pytest.fixture
def export(tmp_path, picture):
    """Two splits of an export, an image each."""
    mask = np.zeros((20, 30), np.uint8)
    mask[2:5] = 1
    mask[7:9] = 3
    for split in ("train", "valid"):
        picture(tmp_path / split / f"{split}1_jpg.rf.a1.jpg")
        picture(tmp_path / split / f"{split}1_jpg.rf.a1_mask.png", mask)
        rows = "Pixel Value, Class\n0, background\n1, cat\n2, cow\n3, dog\n"
        (tmp_path / split / "_classes.csv").write_text(rows)
    return tmp_path


def test_masks_are_read_by_the_list_of_their_split(read, export, drawn):
    assert find_format(export).name == "roboflow-masks"
    images, classes = read("roboflow-masks", export)
    assert classes == ["background", "cat", "cow", "dog"]
    assert list(images) == ["train1_jpg.rf.a1", "valid1_jpg.rf.a1"]
    for image in images.values():
        labels = drawn(image, classes)
        assert np.bincount(labels.ravel()).tolist() == [15 * 30, 3 * 30, 0, 2 * 30]
        assert image.picture.name == f"{image.name}.jpg"
    assert {image.split for image in images.values()} in ({"train", "valid"}, {"train", "val"})


def test_a_value_that_is_not_in_the_list_is_an_error(read, export):
    (export / "train" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n")
    says = r"_mask\.png: value 3 .* the values of _classes\.csv: 0, 1"
    with pytest.raises(DataError, match=says):
        read("roboflow-masks", export)
