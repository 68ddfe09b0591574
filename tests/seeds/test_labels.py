import numpy as np
import pytest

from weakseg.marks.kinds import Box
from weakseg.marks.label_values import UNLABELLED
from weakseg.seeds.activations import Activations
from weakseg.seeds.labels import SeedRules, box_seeds, seed_labels, tag_seeds

SIZE = (8, 8)


def maps_of(**maps: np.ndarray) -> Activations:
    ids = np.array([int(key[1:]) for key in maps], np.uint8)
    return Activations(ids, np.stack([m.astype(np.float32) for m in maps.values()]))


def ramp() -> np.ndarray:
    return np.tile(np.linspace(0, 1, 8), (8, 1))


def test_the_higher_score_wins_and_the_background_takes_what_no_class_sees():
    activations = maps_of(c1=ramp(), c2=ramp()[:, ::-1] * 0.5)
    labels = tag_seeds(activations, background=True)
    assert labels[0, 7] == 1
    assert labels[0, 0] == 2
    scores = np.stack([(1 - activations.maps.max(0)) ** 6, *activations.maps])
    assert (labels == np.array([0, 1, 2])[scores.argmax(0)]).all()


def test_without_a_background_class_what_is_unsure_is_unlabelled():
    labels = tag_seeds(maps_of(c0=ramp()), background=False, threshold=0.5)
    assert set(labels[0, :3]) == {UNLABELLED}
    assert set(labels[0, 4:]) == {0}


def test_a_higher_alpha_leaves_less_to_the_background():
    counts = [
        (tag_seeds(maps_of(c1=ramp()), background=True, alpha=alpha) == 0).sum()
        for alpha in (2, 6, 24)
    ]
    assert counts[0] > counts[1] > counts[2] > 0


def test_a_boxed_class_is_labelled_inside_its_boxes_only_and_by_their_own_largest_value():
    weak = np.full(SIZE, 0.9, np.float32)
    weak[2:5, 2:5] = 0.1
    weak[3, 3] = 0.2
    labels = seed_labels(maps_of(c1=weak), [Box(1, 2, 2, 4, 4)], SIZE, SeedRules(), background=True)
    expected = np.full(SIZE, UNLABELLED)
    expected[3, 3] = 1  # 0.2 is the largest in the box, 0.1 is not above half of it
    assert (labels == expected).all()


def test_where_boxes_of_two_classes_meet_the_higher_share_wins():
    one, other = np.full(SIZE, 0.6, np.float32), np.full(SIZE, 0.9, np.float32)
    one[0, 0], other[0, 0] = 1.0, 1.0
    labels = box_seeds(maps_of(c1=one, c2=other), [Box(1, 0, 0, 7, 7), Box(2, 0, 0, 7, 7)])
    assert labels[5, 5] == 2


@pytest.mark.parametrize("box", [Box(1, 20, 20, 30, 30), Box(1, 5, 5, 4, 4), Box(2, 0, 0, 7, 7)])
def test_a_box_outside_the_image_without_area_or_without_a_map_labels_nothing(box):
    labels = box_seeds(maps_of(c1=np.ones(SIZE)), [box])
    assert (labels == UNLABELLED).all()


def test_a_class_that_is_seen_nowhere_gives_no_seed_and_no_nan():
    labels = seed_labels(
        maps_of(c1=np.zeros(SIZE)), [Box(1, 0, 0, 3, 3)], SIZE, SeedRules(), background=True
    )
    assert (labels[:4, :4] == UNLABELLED).all()
    assert (labels[4:] == 0).all()


def test_an_image_without_a_class_stays_unlabelled():
    empty = Activations(np.zeros(0, np.uint8), np.zeros((0, 2, 2), np.float32))
    assert (seed_labels(empty, [], SIZE, SeedRules(), background=True) == UNLABELLED).all()


def test_maps_of_another_size_are_resized_to_the_image():
    small = Activations(np.array([1], np.uint8), np.array([[[0.0, 1.0]]], np.float32))
    labels = seed_labels(small, [], SIZE, SeedRules(), background=True)
    assert labels.shape == SIZE
    assert (labels[:, 0] == 0).all()
    assert (labels[:, 7] == 1).all()


def test_with_regions_seeds_end_where_regions_do():
    spot = np.zeros(SIZE, np.float32)
    spot[2:4, 1] = 1
    regions = np.repeat(np.arange(2), 4)[None].repeat(8, 0).astype(np.int32)
    labels = seed_labels(maps_of(c1=spot), [], SIZE, SeedRules(), background=True, regions=regions)
    assert (labels[:, :4] == 1).all()
    assert (labels[:, 4:] == 0).all()


@pytest.mark.parametrize(("complete", "outside"), [(True, 0), (False, UNLABELLED)])
def test_a_region_that_leaks_out_of_the_boxes_is_no_part_of_the_object(complete, outside):
    regions = np.zeros(SIZE, np.int32)
    regions[2:4, 2:4] = 1  # inside the box; the rest of the box is one region with the outside
    rules = SeedRules(boxes_complete=complete)
    labels = seed_labels(
        maps_of(c1=np.ones(SIZE)),
        [Box(1, 1, 1, 4, 4)],
        SIZE,
        rules,
        background=True,
        regions=regions,
    )
    assert (labels[2:4, 2:4] == 1).all()
    assert (labels[1, 1:5] == outside).all()
