"""What marks say of regions."""

import numpy as np
import pytest

from weakseg.marks.kinds import Box
from weakseg.seeds.tagged_regions import allowed_classes, expected_share, region_areas

REGIONS = np.repeat(np.arange(4, dtype=np.int32), 5)[None].repeat(10, axis=0)  # four columns of 5
NOTHING = np.full(REGIONS.shape, 254, np.uint8)
TAGS = np.array([False, True, True])


def allowed(tags=TAGS, labels=NOTHING, boxes=(), background=True):
    return allowed_classes(REGIONS, tags, labels, boxes, background=background).astype(int).tolist()


def test_without_other_marks_a_region_can_be_any_tag_or_background():
    assert allowed() == [[1, 1, 1]] * 4
    assert allowed(background=False) == [[0, 1, 1]] * 4


def test_a_class_with_a_box_is_in_regions_inside_it():
    box = Box(1, 0, 0, 11.0, 9.0)  # twelve of twenty columns: regions 0, 1, and 2/5 of region 2
    assert [row[1] for row in allowed(boxes=[box])] == [1, 1, 0, 0]
    assert [row[2] for row in allowed(boxes=[box])] == [1, 1, 1, 1]


def test_a_box_smaller_than_all_regions_has_the_one_it_fills_best():
    box = Box(1, 6, 2, 7.0, 4.0)
    assert [row[1] for row in allowed(boxes=[box])] == [0, 1, 0, 0]


def test_outside_all_boxes_a_region_of_a_set_without_background_can_be_any_tag():
    boxes = [Box(1, 0, 0, 4.0, 9.0), Box(2, 5, 0, 9.0, 9.0)]
    found = allowed(boxes=boxes, background=False)
    assert found == [[0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 1, 1]]


def test_the_most_frequent_drawn_label_decides_a_region():
    labels = NOTHING.copy()
    labels[0, :3], labels[1, :2] = 2, 0
    assert allowed(labels=labels)[0] == [0, 0, 1]


def test_an_image_without_tags_is_background():
    none = np.zeros(3, bool)
    found = allowed_classes(REGIONS, none, NOTHING, (), background=True)
    assert found.astype(int).tolist() == [[1, 0, 0]] * 4
    areas = region_areas(REGIONS)
    assert expected_share(found, areas, none, (), background=True).tolist() == [1, 0, 0]


@pytest.mark.parametrize("background", [True, False])
def test_shares_sum_to_one_and_a_boxed_class_covers_most_of_its_regions(background):
    box = Box(1, 0, 0, 4.0, 9.0)
    found = allowed_classes(REGIONS, TAGS, NOTHING, [box], background=background)
    share = expected_share(found, region_areas(REGIONS), TAGS, [box], background=background)
    assert share.sum() == pytest.approx(1)
    assert 0.15 < share[1] < share[2] + 0.01
