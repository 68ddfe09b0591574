import numpy as np
import pytest
from skimage.draw import disk

from weakseg.marks.classes import VOC_CLASSES
from weakseg.marks.drawing import line
from weakseg.marks.label_maps import read_label_map
from weakseg.marks.simulation.objects import background_parts, find_objects
from weakseg.marks.simulation.scribbles import simulate_scribbles


def stroke_in(labels, seed=0, **options):
    (stroke,) = simulate_scribbles(np.random.default_rng(seed), find_objects(labels), **options)
    return stroke


def length_of(stroke):
    return np.hypot(*np.diff(np.array(stroke.path), axis=0).T).sum()


def disc_map(radius):
    labels = np.zeros((2 * radius + 11, 2 * radius + 11), np.uint8)
    labels[disk((radius + 5, radius + 5), radius)] = 1
    return labels


def test_a_stroke_runs_along_a_long_object_nearly_from_end_to_end():
    labels = np.zeros((30, 120), np.uint8)
    labels[10:20, 5:115] = 1
    x = [x for x, _ in stroke_in(labels).path]
    y = [y for _, y in stroke_in(labels).path]
    assert min(x) < 15
    assert max(x) > 105
    assert all(12 < value < 18 for value in y)


def test_a_stroke_follows_a_bent_object_around_its_corner():
    labels = np.zeros((80, 80), np.uint8)
    labels[5:75, 5:17] = labels[63:75, 5:75] = 1
    assert length_of(stroke_in(labels)) > 100


@pytest.mark.parametrize("seed", range(5))
def test_a_stroke_crosses_a_disc_whose_skeleton_is_a_dot(seed):
    assert 30 < length_of(stroke_in(disc_map(30), seed)) < 60


def test_a_stroke_goes_round_a_hole():
    labels = disc_map(40)
    labels[disk((45, 45), 22)] = 0
    assert length_of(stroke_in(labels)) > np.pi * 31 * 0.8


def test_strokes_are_smooth():
    path = np.array(stroke_in(disc_map(40)).path)
    turns = np.diff(np.unwrap(np.arctan2(*np.diff(path[::5], axis=0).T)))
    assert abs(turns).max() < 0.6


@pytest.mark.parametrize("length", [0.8, 0.5, 0.3])
def test_the_length_is_shortened_about_the_middle(length):
    labels = np.zeros((20, 200), np.uint8)
    labels[5:15, 5:195] = 1
    whole, part = stroke_in(labels), stroke_in(labels, length=length)
    assert length_of(part) == pytest.approx(length * length_of(whole), abs=4)
    cut = [whole.path.index(part.path[0]), len(whole.path) - whole.path.index(part.path[-1])]
    assert abs(cut[0] - cut[1]) < 0.15 * len(whole.path)


def test_length_0_leaves_one_place_drawn_as_a_dot():
    stroke = stroke_in(disc_map(20), length=0)
    assert len(stroke.path) == 1
    assert 5 <= line((51, 51), stroke.path, stroke.width).covered.sum() <= 9


def test_the_pen_is_thin_only_where_the_object_is_too_thin_for_it():
    thin = np.zeros((5, 40), np.uint8)
    thin[2, 3:37] = 1
    assert stroke_in(thin).width == 1
    thin[1:4] = thin[2]
    assert stroke_in(thin).width == 3
    assert stroke_in(thin, width=5).width == 1


@pytest.mark.parametrize(
    "shape",
    [
        np.ones((1, 1)),
        np.ones((2, 2)),
        np.eye(30),
        np.ones((1, 40)),
        np.indices((9, 9)).sum(0) % 2,  # diamonds that touch at their corners
        1 - np.eye(30)[::-1],
    ],
)
def test_odd_objects_get_a_stroke_inside_them(shape):
    labels = shape.astype(np.uint8)
    areas = find_objects(labels)
    strokes = simulate_scribbles(np.random.default_rng(0), areas)
    assert len(strokes) == len(areas) > 0
    for stroke in strokes:
        assert labels[line(labels.shape, stroke.path, stroke.width).canvas(labels.shape)].all()


def test_strokes_on_photographs_agree_with_their_masks(shared):
    folder = shared / "voc" / "VOC2012" / "SegmentationClassAug"
    widths = []
    for path in sorted(folder.glob("*.png"))[:8]:
        labels = read_label_map(path, num_classes=len(VOC_CLASSES))
        areas = [*find_objects(labels, min_area=20), *background_parts(labels)]
        strokes = simulate_scribbles(np.random.default_rng(0), areas)
        assert len(strokes) == len(areas)
        for stroke in strokes:
            covered = line(labels.shape, stroke.path, stroke.width).canvas(labels.shape)
            assert (labels[covered] == stroke.class_id).all()
            widths.append(stroke.width)
    assert np.mean([width == 3 for width in widths]) > 0.7
