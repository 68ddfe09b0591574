"""Mapillary Vistas: masks of instances."""

import numpy as np
import pytest

from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError


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
def test_instances_of_mapillary_are_read(read, mapillary, version, drawn):
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
