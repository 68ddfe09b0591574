import importlib.util
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
spec = importlib.util.spec_from_file_location("region_quality", BENCHMARKS / "region_quality.py")
quality = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quality)
achievable_accuracy, achievable_labels = quality.achievable_accuracy, quality.achievable_labels
boundary_recall, undersegmentation_error = quality.boundary_recall, quality.undersegmentation_error


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Random regions, and a random label map of blocks with some void."""
    rng = np.random.default_rng(0)
    regions = rng.integers(0, 40, (6, 8)).repeat(5, axis=0).repeat(5, axis=1)
    truth = rng.integers(0, 4, (5, 4)).repeat(6, axis=0).repeat(10, axis=1).astype(np.uint8)
    truth[10:13] = 255
    truth[:, 7] = 254
    return regions, truth


def test_regions_that_are_the_mask_are_perfect(pair):
    truth = pair[1]
    everywhere = np.where(truth < 254, truth, 0)
    assert boundary_recall(everywhere, everywhere, tolerance=0) == 1
    assert undersegmentation_error(truth, truth) == 0
    assert achievable_accuracy(truth, truth) == 1


def test_one_region_finds_no_outline_and_gets_the_commonest_class_right(pair):
    truth = pair[1]
    labelled = truth[truth < 254]
    regions = np.full(truth.shape, 7)
    assert boundary_recall(regions, truth) == 0
    share = np.bincount(labelled).max() / labelled.size
    assert achievable_accuracy(regions, truth) == pytest.approx(share)


def test_errors_agree_with_a_count_region_by_region(pair):
    regions, truth = pair
    labelled = truth < 254
    leaked = right = 0
    for region in np.unique(regions):
        own = truth[(regions == region) & labelled]
        for label in np.unique(own):
            inside = (own == label).sum()
            leaked += min(inside, own.size - inside)
        right += np.bincount(own).max() if own.size else 0
    assert undersegmentation_error(regions, truth) == pytest.approx(leaked / labelled.sum())
    assert achievable_accuracy(regions, truth) == pytest.approx(right / labelled.sum())


def test_achievable_labels_reach_the_achievable_accuracy(pair):
    regions, truth = pair
    labelled = truth < 254
    right = (achievable_labels(regions, truth) == truth)[labelled].mean()
    assert right == pytest.approx(achievable_accuracy(regions, truth))


def test_a_region_without_a_labelled_pixel_is_void():
    truth = np.array([[255, 254, 3]], np.uint8)
    assert achievable_labels(np.array([[0, 0, 1]]), truth).tolist() == [[255, 255, 3]]


@pytest.mark.parametrize(("shift", "recall"), [(0, 1.0), (2, 1.0), (3, 0.0)])
def test_a_contour_counts_up_to_the_tolerance(shift: int, recall: float):
    truth, regions = np.zeros((2, 12, 20), np.uint8)
    truth[:, 10:] = 1
    regions[:, 10 + shift :] = 1
    assert boundary_recall(regions, truth, tolerance=2) == recall


def test_the_outline_is_the_middle_of_a_void_strip():
    truth = np.repeat(np.array([[0] * 8 + [255] * 5 + [1] * 8], np.uint8), 6, axis=0)
    regions = np.arange(21)[None].repeat(6, axis=0) // 11
    assert boundary_recall(regions, truth, tolerance=1) == 1


def test_the_middle_of_a_wide_void_area_is_no_outline():
    truth = np.repeat(np.array([[0] * 8 + [255] * 25 + [1] * 8], np.uint8), 6, axis=0)
    assert boundary_recall(np.zeros_like(truth), truth) == 1


@pytest.mark.parametrize("value", [0, 255])
def test_a_mask_without_outlines_or_labels_is_met_by_any_regions(value: int):
    truth = np.full((4, 4), value, np.uint8)
    regions = np.arange(16).reshape(4, 4)
    assert boundary_recall(regions, truth) == achievable_accuracy(regions, truth) == 1
    assert undersegmentation_error(regions, truth) == 0


@pytest.mark.parametrize("measure", [boundary_recall, undersegmentation_error, achievable_labels])
def test_other_sizes_are_refused(measure):
    with pytest.raises(ValueError, match=r"one size, but got \(2, 3\) and \(3, 2\)"):
        measure(np.zeros((2, 3), int), np.zeros((3, 2), np.uint8))
