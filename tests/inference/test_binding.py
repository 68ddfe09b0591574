import numpy as np
import pytest

from weakseg.inference.binding import allowed_classes, bind, box_limits, is_marked
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.marks.rasterize import rasterize

CLASSES = ClassList(("background", "cat", "dog", "cow"))
ALL = np.ones(4, bool)
SIZE = (6, 8)


def drawn(marks: Marks, **options) -> np.ndarray:
    return rasterize(marks, SIZE, CLASSES, point_radius=1, **options)


def scores(seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).random((4, *SIZE), dtype=np.float32)
    return made / made.sum(0)


def blank() -> np.ndarray:
    return np.full(SIZE, 254, np.uint8)


def test_marked_pixels_keep_their_class_whatever_is_predicted():
    labels = drawn(Marks(points=(Point(2, 3, 3), Point(0, 7, 0))))
    bound = bind(scores(), ALL, labels)
    marked = labels < 4
    assert marked.sum() == 8  # a whole disc, and the part of one at the corner
    assert (bound.argmax(0)[marked] == labels[marked]).all()
    assert set(np.unique(bound[:, marked])) == {0.0, 1.0}


def test_allowed_classes_keep_their_proportions_and_others_get_nothing():
    before = scores()
    bound = bind(before, np.array([True, False, True, False]), blank())
    assert (bound[[1, 3]] == 0).all()
    assert np.allclose(bound.sum(0), 1, atol=1e-6)
    assert np.allclose(bound[2] / bound[0], before[2] / before[0], rtol=1e-4)


def test_where_nothing_is_allowed_all_allowed_classes_share():
    before = np.zeros((4, *SIZE), np.float32)
    before[3] = 1
    bound = bind(before, np.array([True, True, False, False]), blank())
    assert (bound[:2] == 0.5).all()
    assert (bound[2:] == 0).all()


def test_only_background_is_left_outside_of_a_box_that_all_votes_are_in_favour_of():
    before = np.zeros((4, *SIZE), np.float32)
    before[1] = 1
    inside = np.zeros(SIZE, bool)
    inside[1:3, 2:5] = True
    bound = bind(before, np.array([True, True, False, False]), blank(), limits={1: inside})
    assert (bound.argmax(0) == inside).all()
    assert (bound.max(0) == 1).all()


def test_limits_that_leave_a_pixel_nothing_are_passed_over_there():
    nowhere = np.zeros(SIZE, bool)
    bound = bind(
        scores(), np.array([False, True, True, False]), blank(), limits={1: nowhere, 2: nowhere}
    )
    assert (bound[1:3] == 0.5).all()


def test_binding_leaves_its_input_alone_and_once_is_enough():
    before = scores()
    kept = before.copy()
    labels = drawn(Marks(points=(Point(1, 2, 2),)))
    limits = {1: np.arange(48).reshape(SIZE) % 2 == 0}
    once = bind(before, np.array([True, True, False, True]), labels, limits=limits)
    assert (before == kept).all()
    again = bind(once, np.array([True, True, False, True]), labels, limits=limits)
    assert np.allclose(once, again, atol=1e-6)


def test_void_says_nothing_of_the_class():
    labels = np.full(SIZE, 255, np.uint8)
    assert np.allclose(bind(scores(), ALL, labels), scores(), atol=1e-6)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (Marks(), [True, True, True, True]),
        (Marks(tags=frozenset({2})), [True, False, True, False]),
        (Marks(boxes=(Box(1, 0, 0, 3, 3),)), [True, True, False, False]),
        (Marks(points=(Point(3, 2, 2),), tags=frozenset({1})), [True, True, False, True]),
        (Marks(points=(Point(0, 2, 2),)), [True, False, False, False]),
        (Marks(boxes=(Box(255, 0, 0, 3, 3),)), [True, True, True, True]),
    ],
    ids=["no mark", "tag", "box", "point and tag", "background only", "void only"],
)
def test_an_image_may_hold_what_its_marks_name(marks, expected):
    assert allowed_classes(drawn(marks), marks, CLASSES).tolist() == expected


def test_classes_that_only_a_label_map_names_may_be_there():
    labels = blank()
    labels[0, 0] = 3
    assert allowed_classes(labels, Marks(), CLASSES).tolist() == [True, False, False, True]


def test_a_list_without_background_allows_only_what_is_named():
    classes = ClassList(("sky", "road", "car"))
    marks = Marks(tags=frozenset({1}))
    assert allowed_classes(blank(), marks, classes).tolist() == [False, True, False]


def test_an_image_is_marked_by_background_but_not_by_void():
    labels = blank()
    assert not is_marked(labels, Marks())
    labels[0, 0] = 255
    assert not is_marked(labels, Marks())
    labels[0, 0] = 0
    assert is_marked(labels, Marks())


def test_a_boxed_class_stays_in_all_of_its_boxes():
    marks = Marks(boxes=(Box(1, 0, 0, 1, 1), Box(1, 5, 4, 99, 99), Box(2, 3, 3, 3, 3)))
    limits = box_limits(blank(), marks, CLASSES)
    expected = np.zeros(SIZE, bool)
    expected[:2, :2] = expected[4:, 5:] = True
    assert sorted(limits) == [1, 2]
    assert (limits[1] == expected).all()
    assert limits[2].sum() == 1


def test_a_class_marked_outside_of_its_boxes_may_be_anywhere():
    inside = Marks(boxes=(Box(1, 0, 0, 3, 3),), points=(Point(1, 2, 2),))
    outside = Marks(boxes=(Box(1, 0, 0, 3, 3),), points=(Point(1, 7, 5),))
    assert 1 in box_limits(drawn(inside), inside, CLASSES)
    assert 1 not in box_limits(drawn(outside), outside, CLASSES)


def test_without_background_boxes_limit_nothing():
    marks = Marks(boxes=(Box(1, 0, 0, 1, 1),))
    assert box_limits(blank(), marks, ClassList(("sky", "road"))) == {}


def test_boxes_of_void_or_background_limit_nothing():
    marks = Marks(boxes=(Box(255, 0, 0, 1, 1), Box(0, 0, 0, 1, 1)))
    assert box_limits(blank(), marks, CLASSES) == {}


@pytest.mark.parametrize(
    ("probabilities", "allowed", "message"),
    [
        (np.ones((4, 2, 2), np.float32), ALL, "`probabilities`"),
        (np.ones((4, *SIZE), np.float32), np.ones(3, bool), "`allowed` to hold 4"),
        (np.ones((4, *SIZE), np.float32), np.zeros(4, bool), "not all of them"),
    ],
)
def test_what_does_not_fit_is_refused(probabilities, allowed, message):
    with pytest.raises(ValueError, match=message):
        bind(probabilities, allowed, blank())
