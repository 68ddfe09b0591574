import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter
from skimage.segmentation import find_boundaries

from weakseg.evaluation.boundaries import BoundaryCounts, count_boundaries
from weakseg.evaluation.confusion import Confusion
from weakseg.marks.label_values import UNLABELLED, VOID


def blobs(seed: int, size=(60, 90), classes: int = 4) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(classes, *size))
    return np.stack([gaussian_filter(part, 6) for part in noise]).argmax(0).astype(np.uint8)


def square(top: int, left: int, side: int = 20, size=(50, 80), label: int = 1) -> np.ndarray:
    labels = np.zeros(size, np.uint8)
    labels[top : top + side, left : left + side] = label
    return labels


def slow_counts(prediction, truth, classes: int, radius: float) -> np.ndarray:
    """Class by class, with distance maps of whole images."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    rows = []
    for label in range(classes):
        outlines = [
            own & ~binary_erosion(own, cross, border_value=1)
            for own in (prediction == label, truth == label)
        ]
        met = [
            outline & (distance_transform_edt(~other) <= radius) if other.any() else other
            for outline, other in (outlines, outlines[::-1])
        ]
        rows.append([outlines[0].sum(), met[0].sum(), outlines[1].sum(), met[1].sum()])
    return np.array(rows).T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [0.0, 0.0075, 0.03, 0.2])
def test_counts_agree_with_distance_maps_of_each_class(seed, tolerance):
    prediction, truth = blobs(seed), blobs(seed + 100)
    prediction[:30] = truth[:30]
    counts = count_boundaries(prediction, truth, 5, tolerance=tolerance)
    radius = max(1, tolerance * math.hypot(60, 90))
    expected = slow_counts(prediction, truth, 5, radius)
    found = [counts.predicted, counts.predicted_met, counts.true, counts.true_met]
    assert np.array(found).tolist() == expected.tolist()


def test_outlines_are_those_of_scikit_image():
    labels = blobs(7)
    expected = find_boundaries(labels, mode="thick", connectivity=1)
    assert count_boundaries(labels, labels, 4).true.sum() == expected.sum()


def test_an_exact_prediction_scores_one_and_the_frame_is_no_outline():
    labels = square(0, 0)
    counts = count_boundaries(labels, labels, 3)
    assert counts.f_score[:2].tolist() == [1, 1]
    assert np.isnan(counts.f_score[2])
    assert counts.true.tolist() == [40, 39, 0]  # two of the square's four sides are the frame


@pytest.mark.parametrize(("shift", "met"), [(2, True), (3, True), (4, False)])
def test_outlines_meet_up_to_the_tolerance(shift, met):
    left, right = np.zeros((2, 30, 40), np.uint8)
    left[:, :20], right[:, : 20 + shift] = 1, 1
    counts = count_boundaries(left, right, 2, tolerance=3 / 50)
    assert counts.f_score.tolist() == [met, met]


def test_half_an_outline_met_is_counted_by_pixels():
    truth, prediction = np.zeros((2, 40, 60), np.uint8)
    truth[:, 30:] = 1
    prediction[:20, 30:], prediction[20:, 50:] = 1, 1
    counts = count_boundaries(prediction, truth, 2)
    assert counts.true_met.tolist() == [21, 21]  # one row more lies within a pixel
    assert counts.true.tolist() == [40, 40]


def test_an_outline_missed_or_made_up_scores_zero():
    flat = np.zeros((50, 80), np.uint8)
    assert count_boundaries(flat, square(10, 10), 2).f_score.tolist() == [0, 0]
    assert count_boundaries(square(10, 10), flat, 2).f_score[1] == 0
    assert np.isnan(count_boundaries(flat, flat, 2).f_score).all()


def test_an_outline_runs_along_the_middle_of_a_void_band():
    truth = np.zeros((60, 200), np.uint8)
    truth[:, 100:] = 1
    truth[:, 98:103] = VOID
    prediction = np.zeros_like(truth)
    prediction[:, 100:] = 1
    counts = count_boundaries(prediction, truth, 2, tolerance=3 / math.hypot(60, 200))
    assert counts.true.tolist() == counts.true_met.tolist()
    assert counts.f_score.tolist() == [1, 1]
    far = np.zeros_like(truth)
    far[:, 110:] = 1
    assert count_boundaries(far, truth, 2).f_score.tolist() == [0, 0]


@pytest.mark.parametrize("value", [VOID, UNLABELLED])
def test_deep_void_has_no_outline_and_what_is_predicted_there_is_not_counted(value):
    truth = np.zeros((100, 100), np.uint8)
    truth[20:80, 20:80] = value
    counts = count_boundaries(square(40, 40, size=(100, 100)), truth, 2)
    assert counts.true.sum() == counts.predicted.sum() == 0
    counts = count_boundaries(square(5, 5, side=10, size=(100, 100)), truth, 2)
    assert counts.predicted.tolist() == [40, 36]
    assert counts.f_score.tolist() == [0, 0]


def test_void_around_an_object_within_one_class_makes_no_outline_of_that_class():
    truth = np.zeros((60, 60), np.uint8)
    truth[20:24, 20:24] = VOID
    assert count_boundaries(np.zeros_like(truth), truth, 1).true.sum() == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("value", [0, VOID])
def test_tiny_and_void_images_are_counted_without_a_warning(size, value, recwarn):
    counts = count_boundaries(np.zeros(size, np.uint8), np.full(size, value, np.uint8), 2)
    assert counts.true.sum() == 0
    assert np.isnan(counts.f_score).all()
    assert not recwarn.list


def test_counts_add_up_over_images_instead_of_averaging_them():
    good = square(10, 10, side=30)
    one = count_boundaries(good, good, 2)
    two = count_boundaries(square(5, 5, side=5), square(30, 60, side=5), 2)
    whole = one + two
    assert whole.f_score[1] == pytest.approx(116 / 132)
    confusion = Confusion(["sky", "cow"])
    confusion.update(good, good, "one")
    confusion.update(square(5, 5, side=5), square(30, 60, side=5), "two")
    assert confusion.compute().boundary_f.tolist() == whole.f_score.tolist()


def test_a_class_absent_from_the_truth_has_no_score_though_it_was_outlined():
    confusion = Confusion(["sky", "cow", "sea"])
    confusion.update(square(10, 10, label=2), square(10, 10), "one.png")
    scores = confusion.compute()
    assert scores.boundary_f[:2].tolist() == [1, 0]
    assert np.isnan(scores.boundary_f[2])
    assert scores.mean_boundary_f == 0.5


def test_precision_and_recall_are_joined_harmonically():
    counts = BoundaryCounts([10], [5], [4], [4])
    assert counts.f_score[0] == pytest.approx(2 * 0.5 * 1 / 1.5)
