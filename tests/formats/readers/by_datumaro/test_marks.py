from pathlib import Path

import numpy as np
import pytest

from weakseg.formats.readers.by_datumaro.marks import Where, marks_of_item
from weakseg.marks.kinds import Box, Polygon, Region
from weakseg.marks.label_values import VOID
from weakseg.support.errors import DataError

datumaro = pytest.importorskip("datumaro")
HERE = Where(Path("a.json"), "image 1")


def marks_of(*annotations, **options):
    return marks_of_item(
        datumaro.DatasetItem("a", annotations=annotations), [4, 5], HERE, **options
    )


def test_labels_are_numbers_of_the_classes_that_are_given():
    marks, findings = marks_of(datumaro.Label(1), datumaro.Bbox(1, 2, 3, 4, label=0))
    assert marks.tags == {5}
    assert marks.boxes == (Box(4, 1, 2, 3, 5),)
    assert findings == []


@pytest.mark.parametrize(("angle", "box"), [(90, (8, 1, 11, 10)), (0, (5, 4, 14, 7))])
def test_a_turned_box_is_the_upright_box_around_it(angle, box):
    turned = datumaro.components.annotation.RotatedBbox(10, 6, 10, 4, angle, label=0)
    marks, findings = marks_of(turned)
    assert marks.boxes == (Box(4, *box),)
    assert [finding.kind for finding in findings] == (["unsure"] if angle else [])


def test_groups_number_the_objects_and_ids_do_where_there_is_none():
    marks, _ = marks_of(
        *(
            datumaro.Polygon([1, 1, 5, 1, 5, 5], label=0, **own)
            for own in ({"group": 7, "id": 3}, {"id": 3}, {})
        )
    )
    assert [polygon.instance for polygon in marks.polygons] == [7, 3, None]


def test_what_no_mask_covers_is_of_the_rest():
    mask = np.zeros((4, 5), bool)
    mask[:2] = True
    marks, _ = marks_of(datumaro.Mask(mask, label=0), frame=(4, 5))
    assert marks.regions == (Region(4, 2, 5, (0, 10)), Region(VOID, 2, 5, (0, 10), 0, 2))


def test_a_mask_of_another_size_than_its_frame_is_an_error():
    with (
        pytest.raises(DataError, match=r"a\.json, image 1: cannot be read as x"),
        HERE.reading("x"),
    ):
        marks_of(datumaro.Mask(np.ones((9, 9), bool), label=0), frame=(4, 5))


def test_polygons_keep_their_corners():
    corners = [0.1, 0.2, 1234.56, 0.2, 3, 9.99]
    marks, _ = marks_of(datumaro.Polygon(corners, label=1))
    assert marks.polygons == (Polygon(5, (((0.1, 0.2), (1234.56, 0.2), (3, 9.99)),)),)


def test_kinds_that_are_no_marks_are_found():
    marks, findings = marks_of(datumaro.Caption("a cat"), datumaro.Caption("a dog"))
    assert marks.is_empty
    assert [str(finding) for finding in findings] == [
        "a.json, image 1: annotations that are not read: 2 of kind caption"
    ]
