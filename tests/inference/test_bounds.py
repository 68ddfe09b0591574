import numpy as np
import pytest

from weakseg.inference.bounds import Bounds
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.marks.rasterize import DrawingRules, rasterize

CLASSES = ClassList(("background", "cat", "dog", "cow"))
SIZE = (6, 8)


def bounds_of(marks: Marks, classes: ClassList = CLASSES) -> Bounds:
    return Bounds(rasterize(marks, SIZE, classes, DrawingRules(point_radius=1)), marks, classes)


def tagged(*class_ids: int) -> Marks:
    return Marks(tags=frozenset(class_ids))


def predicted(seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).random((4, *SIZE), dtype=np.float32)
    return made / made.sum(0)


def certainly(class_id: int) -> np.ndarray:
    made = np.zeros((4, *SIZE), np.float32)
    made[class_id] = 1
    return made


def blank() -> np.ndarray:
    return np.full(SIZE, 254, np.uint8)


def test_marked_pixels_keep_their_class_whatever_is_predicted():
    bounds = bounds_of(Marks(points=(Point(2, 3, 3), Point(0, 7, 0))))
    bound = bounds.apply(predicted())
    marked = bounds.labels < 4
    assert marked.sum() == 8  # a whole disc, and the part of one at the corner
    assert (bound.argmax(0)[marked] == bounds.labels[marked]).all()
    assert set(np.unique(bound[:, marked])) == {0.0, 1.0}


def test_allowed_classes_keep_their_proportions_and_others_get_nothing():
    before = predicted()
    bound = bounds_of(tagged(2)).apply(before)
    assert (bound[[1, 3]] == 0).all()
    assert np.allclose(bound.sum(0), 1, atol=1e-6)
    assert np.allclose(bound[2] / bound[0], before[2] / before[0], rtol=1e-4)


def test_where_no_allowed_class_is_predicted_they_are_equal():
    bound = bounds_of(tagged(1)).apply(certainly(3))
    assert (bound[:2] == 0.5).all()
    assert (bound[2:] == 0).all()


def test_where_no_allowed_class_is_predicted_boxed_ones_stay_in_their_boxes():
    bound = bounds_of(Marks(boxes=(Box(1, 2, 1, 4, 2),))).apply(certainly(3))
    assert (bound[:2, 1:3, 2:5] == 0.5).all()
    assert bound[1].sum() == 0.5 * 6
    assert (bound.sum(0) == 1).all()


def test_only_background_is_left_outside_of_a_box_that_all_votes_are_in_favour_of():
    bound = bounds_of(Marks(boxes=(Box(1, 2, 1, 4, 2),))).apply(certainly(1))
    inside = np.zeros(SIZE, bool)
    inside[1:3, 2:5] = True
    assert (bound.argmax(0) == inside).all()
    assert (bound.max(0) == 1).all()


def test_bounds_leave_their_input_alone_and_once_is_enough():
    before = predicted()
    kept = before.copy()
    bounds = bounds_of(Marks(points=(Point(2, 2, 2),), boxes=(Box(1, 1, 1, 6, 4),)))
    once = bounds.apply(before)
    assert (before == kept).all()
    assert np.allclose(once, bounds.apply(once), atol=1e-6)


def test_a_window_is_bound_as_it_is_in_the_whole():
    bounds = bounds_of(
        Marks(points=(Point(2, 2, 2),), boxes=(Box(1, 1, 1, 6, 4),), tags=frozenset({3}))
    )
    window = slice(2, 5), slice(1, 7)
    part = bounds.apply(predicted()[:, *window], window)
    assert np.array_equal(part, bounds.apply(predicted())[:, *window])


def test_void_bounds_nothing():
    bounds = Bounds(np.full(SIZE, 255, np.uint8), Marks(), CLASSES)
    assert np.allclose(bounds.apply(predicted()), predicted(), atol=1e-6)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (Marks(), [True, True, True, True]),
        (tagged(2), [True, False, True, False]),
        (Marks(boxes=(Box(1, 0, 0, 3, 3),)), [True, True, False, False]),
        (Marks(points=(Point(3, 2, 2),), tags=frozenset({1})), [True, True, False, True]),
        (Marks(points=(Point(0, 2, 2),)), [True, False, False, False]),
        (Marks(boxes=(Box(255, 0, 0, 3, 3),)), [True, True, True, True]),
    ],
    ids=["no mark", "tag", "box", "point and tag", "background only", "void only"],
)
def test_an_image_may_hold_what_its_marks_name(marks, expected):
    assert bounds_of(marks).allowed.tolist() == expected


def test_classes_that_only_a_label_map_names_may_be_there():
    labels = blank()
    labels[0, 0] = 3
    bounds = Bounds(labels, Marks(), CLASSES)
    assert bounds.allowed.tolist() == [True, False, False, True]
    assert bounds.named == (3,)


def test_a_list_without_background_allows_only_what_is_named():
    bounds = bounds_of(tagged(1), ClassList(("sky", "road", "car")))
    assert bounds.allowed.tolist() == [False, True, False]


def test_an_image_is_marked_by_background_but_not_by_void():
    labels = blank()
    assert not Bounds(labels, Marks(), CLASSES).is_marked
    labels[0, 0] = 255
    assert not Bounds(labels, Marks(), CLASSES).is_marked
    labels[0, 0] = 0
    assert Bounds(labels, Marks(), CLASSES).is_marked


def test_marks_are_complete_where_they_leave_no_pixel_open_be_it_void():
    labels = np.full(SIZE, 255, np.uint8)
    assert Bounds(labels, Marks(), CLASSES).is_complete
    labels[0, 0] = 254
    assert not Bounds(labels, Marks(), CLASSES).is_complete


def test_a_boxed_class_stays_in_all_of_its_boxes():
    marks = Marks(boxes=(Box(1, 0, 0, 1, 1), Box(1, 5, 4, 99, 99), Box(2, 3, 3, 3, 3)))
    limits = Bounds(blank(), marks, CLASSES).limits
    expected = np.zeros(SIZE, bool)
    expected[:2, :2] = expected[4:, 5:] = True
    assert sorted(limits) == [1, 2]
    assert (limits[1] == expected).all()
    assert limits[2].sum() == 1


def test_a_class_marked_outside_of_its_boxes_may_be_anywhere():
    inside = Marks(boxes=(Box(1, 0, 0, 3, 3),), points=(Point(1, 2, 2),))
    outside = Marks(boxes=(Box(1, 0, 0, 3, 3),), points=(Point(1, 7, 5),))
    assert 1 in bounds_of(inside).limits
    assert 1 not in bounds_of(outside).limits


def test_without_background_boxes_limit_nothing():
    marks = Marks(boxes=(Box(1, 0, 0, 1, 1),))
    assert bounds_of(marks, ClassList(("sky", "road"))).limits == {}


def test_boxes_of_void_or_background_limit_nothing():
    marks = Marks(boxes=(Box(255, 0, 0, 1, 1), Box(0, 0, 0, 1, 1)))
    assert Bounds(blank(), marks, CLASSES).limits == {}


@pytest.mark.parametrize("shape", [(4, 2, 2), (3, *SIZE), SIZE])
def test_probabilities_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match=r"`probabilities` to be \(C, H, W\), \(4, 6, 8\)"):
        bounds_of(tagged(1)).apply(np.ones(shape, np.float32))
