import numpy as np
import pytest
from scipy import ndimage

from weakseg.marks.simulation.objects import background_parts, find_objects


def whole(area, shape):
    canvas = np.zeros(shape, bool)
    canvas[area.rows, area.columns] = area.covered
    return canvas


def test_objects_are_the_8_connected_regions_of_each_class():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 254, 255], (30, 40)).astype(np.uint8)
    found = {(area.class_id, whole(area, labels.shape).tobytes()) for area in find_objects(labels)}
    expected = set()
    for class_id in (1, 2):
        regions, count = ndimage.label(labels == class_id, np.ones((3, 3)))
        expected |= {(class_id, (regions == n).tobytes()) for n in range(1, count + 1)}
    assert found == expected


def test_background_void_and_unlabelled_pixels_are_no_objects():
    labels = np.array([[0, 254, 255]], np.uint8)
    assert find_objects(labels) == []


def test_without_background_class_0_has_objects():
    (found,) = find_objects(np.zeros((4, 5), np.uint8), has_background=False)
    assert found.class_id == 0
    assert found.covered.all()


def test_regions_under_the_min_area_are_no_objects():
    labels = np.array([[1, 1, 1, 0, 1, 1]], np.uint8)
    (found,) = find_objects(labels, min_area=3)
    assert found.covered.sum() == 3


def test_an_instance_map_tells_touching_objects_apart_and_joins_their_parts():
    labels = np.array([[1, 1, 1, 0, 1]], np.uint8)
    instances = np.array([[7, 7, 9, 0, 7]])
    first, second = find_objects(labels, instances)
    assert (first.instance, second.instance) == (7, 9)
    assert whole(first, labels.shape).astype(int).tolist() == [[1, 1, 0, 0, 1]]
    assert whole(second, labels.shape).astype(int).tolist() == [[0, 0, 1, 0, 0]]


def test_an_instance_keeps_the_pixels_of_its_most_frequent_class():
    labels = np.array([[2, 1, 1, 255, 0]], np.uint8)
    (found,) = find_objects(labels, np.full((1, 5), 3), min_area=2)
    assert found.class_id == 1
    assert whole(found, labels.shape).astype(int).tolist() == [[0, 1, 1, 0, 0]]


def test_a_class_without_instances_is_cut_into_regions_numbered_after_them():
    labels = np.array([[1, 1, 0, 2, 0, 2]], np.uint8)
    instances = np.array([[4, 5, 0, 0, 0, 0]])
    found = [(area.class_id, area.instance) for area in find_objects(labels, instances)]
    assert found == [(1, 4), (1, 5), (2, 6), (2, 7)]


def test_pixels_beside_the_instances_of_their_class_are_no_objects():
    labels = np.array([[1, 1, 0, 1]], np.uint8)
    (found,) = find_objects(labels, np.array([[2, 2, 0, 0]]))
    assert found.covered.shape == (1, 2)


def test_instance_map_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"Expected `instances` to be as large as `labels`"):
        find_objects(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


def test_background_parts_are_all_but_scraps_and_have_no_number():
    labels = np.ones((10, 30), np.uint8)
    labels[:, :10] = labels[:, 12:20] = 0
    labels[5, 25] = 0
    parts = background_parts(labels)
    assert [int(part.covered.sum()) for part in parts] == [100, 80]
    assert {(part.class_id, part.instance) for part in parts} == {(0, None)}
    assert background_parts(np.ones((3, 3), np.uint8)) == []


def test_depth_counts_from_the_image_border_as_from_any_edge():
    (found,) = find_objects(np.ones((3, 5), np.uint8))
    assert found.depth.tolist() == [[1, 1, 1, 1, 1], [1, 2, 2, 2, 1], [1, 1, 1, 1, 1]]
