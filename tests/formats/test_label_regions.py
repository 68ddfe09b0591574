import numpy as np
import pytest

from weakseg.formats.label_regions import label_map_marks
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import write_label_map
from weakseg.support.errors import DataError


def test_a_label_map_whose_ids_are_those_in_use_stays_as_it_is(tmp_path):
    path = tmp_path / "a.png"  # it is not even opened
    assert label_map_marks(path, [0, 1, 2], "mask") == Marks(mask=path)
    assert label_map_marks(path, [0, 1, 2], "scribble") == Marks(scribbles=path)


def test_a_label_map_of_other_ids_becomes_areas_without_what_is_unlabelled(tmp_path):
    path = tmp_path / "a.png"
    write_label_map(path, np.array([[0, 1, 254, 255]], np.uint8))
    marks = label_map_marks(path, [3, 0], "scribble")
    assert [(item.class_id, item.runs, item.kind) for item in marks.regions] == [
        (0, (1, 1, 2), "scribble"),
        (3, (0, 1, 3), "scribble"),
        (255, (3, 1), "scribble"),
    ]


def test_an_id_of_no_class_is_named(tmp_path):
    write_label_map(tmp_path / "a.png", np.array([[0, 2]], np.uint8))
    with pytest.raises(DataError, match=r"value 2 \(first at x=1, y=0\) .*expected 0 to 1, 254"):
        label_map_marks(tmp_path / "a.png", [1, 0], "mask")
