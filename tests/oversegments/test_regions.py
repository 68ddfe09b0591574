import numpy as np
import pytest
from scipy import ndimage

from weakseg.oversegments.boundaries import gradient_boundaries
from weakseg.oversegments.regions import closed_regions


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).random((37, 53)).astype(np.float32)


def bricks() -> np.ndarray:
    """Four quarters: a strong upright contour, a weak level one, and a strong small square."""
    boundary = np.zeros((40, 41))
    boundary[20] = 0.3
    boundary[:, 20] = 0.6
    boundary[4, 4:8] = boundary[8, 4:9] = boundary[4:8, 4] = boundary[4:8, 8] = 0.9
    return boundary


@pytest.mark.parametrize("regions", [1, 2, 7, 48])
def test_asked_number_of_regions_comes_numbered_without_gaps(noise: np.ndarray, regions: int):
    labels = closed_regions(noise, regions=regions)
    assert labels.dtype == np.int32
    assert np.array_equal(np.unique(labels), np.arange(regions))


def test_every_region_is_4_connected(noise: np.ndarray):
    labels = closed_regions(noise, regions=30)
    assert [ndimage.label(labels == region)[1] for region in range(30)] == [1] * 30


def test_more_regions_than_basins_gives_every_basin():
    labels = closed_regions(bricks(), regions=1000)
    assert labels.max() + 1 == 5


def test_strongest_contours_are_cut_first():
    plain = closed_regions(bricks(), regions=2, balance=0.0)
    assert plain[6, 6] != plain[2, 2]
    assert plain[2, 2] == plain[-1, -1]


def test_balance_prefers_a_contour_that_cuts_off_more_area():
    labels = closed_regions(bricks(), regions=2, balance=0.5)
    assert labels[6, 6] == labels[2, 2]
    assert labels[2, 2] == labels[-2, 2]
    assert labels[2, 2] != labels[2, -2]


def test_more_regions_only_split_fewer_regions(noise: np.ndarray):
    few, many = (closed_regions(noise, regions=count) for count in (6, 20))
    assert len(np.unique(np.stack([few.ravel(), many.ravel()]), axis=1).T) == 20


def test_threshold_cuts_contours_above_it():
    # The mean over a wall one pixel wide and its two sides is half of the wall.
    sizes = [
        len(np.unique(closed_regions(bricks(), threshold=threshold, balance=0.0)))
        for threshold in (0.0, 0.2, 0.4, 1.0)
    ]
    assert sizes == [5, 3, 2, 1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 9), (9, 1), (2, 2), (3, 3), (16, 16)])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_constant_boundary_gives_one_region(shape: tuple[int, int], value: float):
    assert not closed_regions(np.full(shape, value), regions=48).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 9), (9, 1), (2, 2), (3, 5)])
def test_tiny_images_work_from_end_to_end(shape: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    boundary = gradient_boundaries(image)
    labels = closed_regions(boundary, regions=4)
    assert labels.shape == shape
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize(
    ("boundary", "options", "message"),
    [
        (np.zeros((2, 2)), {}, "but got neither"),
        (np.zeros((2, 2)), {"regions": 0}, "at least 1, but got 0"),
        (np.zeros((2, 2, 1)), {"regions": 2}, "but got shape"),
        (np.full((2, 2), np.nan), {"regions": 2}, "finite"),
    ],
)
def test_wrong_arguments_are_explained(boundary: np.ndarray, options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        closed_regions(boundary, **options)
