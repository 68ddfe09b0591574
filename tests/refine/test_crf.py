import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from weakseg.refine.crf import PRESETS, CrfSettings, dense_crf, require_crf
from weakseg.support.errors import MissingExtraError


@pytest.fixture
def densecrf():
    return pytest.importorskip("pydensecrf.densecrf", reason="needs weakseg[crf]")


def halves(height: int = 40, width: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an image of two colours, its label map, and mostly correct probabilities.

    The probabilities meet five pixels beside the colours' edge, and a tenth of the pixels err.
    """
    rng = np.random.default_rng(0)
    truth = np.zeros((height, width), np.int64)
    truth[:, width // 2 :] = 1
    image = np.where(truth[..., None] == 1, (200, 60, 40), (40, 90, 180))
    image = (image + rng.normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8)
    guess = np.roll(truth, 5, axis=1)
    guess[:, :5] = 0
    guess ^= rng.random(truth.shape) < 0.1
    second = np.where(guess == 1, 0.7, 0.3).astype(np.float32)
    return image, truth, np.stack([1 - second, second])


def test_classes_end_where_colours_do(densecrf):
    image, truth, probabilities = halves()
    assert (probabilities.argmax(axis=0) != truth).mean() > 0.15
    for preset in PRESETS:
        assert (dense_crf(image, probabilities, preset).argmax(axis=0) == truth).all()


def test_without_an_edge_between_them_classes_stay_where_they_were(densecrf):
    image, truth, _ = halves()
    sure = np.where(truth == 1, 0.999, 0.001).astype(np.float32)
    refined = dense_crf(np.full_like(image, 128), np.stack([1 - sure, sure]), "deeplab")
    assert (refined.argmax(axis=0) == truth).all()


@pytest.mark.parametrize("name", list(PRESETS))
def test_it_is_pydensecrf_with_the_presets_numbers(densecrf, name):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (23, 31, 3), dtype=np.uint8)
    probabilities = rng.dirichlet(np.full(4, 0.5), (23, 31)).transpose(2, 0, 1).astype(np.float32)
    position, colour = {"deeplab": ((1, 3), (67, 3, 4)), "activation": ((3, 3), (80, 13, 10))}[name]
    unary = pytest.importorskip("pydensecrf.utils").unary_from_softmax(probabilities)
    field = densecrf.DenseCRF2D(31, 23, 4)
    field.setUnaryEnergy(np.ascontiguousarray(unary))
    field.addPairwiseGaussian(sxy=position[0], compat=position[1])
    field.addPairwiseBilateral(sxy=colour[0], srgb=colour[1], rgbim=image, compat=colour[2])
    expected = np.array(field.inference(10)).reshape(4, 23, 31)
    np.testing.assert_allclose(dense_crf(image, probabilities, name), expected, atol=1e-4)


def test_settings_of_ones_own_are_used(densecrf):
    image, _, probabilities = halves()
    same = CrfSettings(10, 1, 3, 67, 3, 4)
    refined = dense_crf(image, probabilities, "deeplab")
    assert np.array_equal(dense_crf(image, probabilities, same), refined)
    none = CrfSettings(0, 1, 3, 67, 3, 4)
    np.testing.assert_allclose(dense_crf(image, probabilities, none), probabilities, atol=1e-6)


def test_probabilities_sum_to_one(densecrf):
    image, _, probabilities = halves()
    refined = dense_crf(image, probabilities)
    assert refined.dtype == np.float32
    assert refined.shape == probabilities.shape
    np.testing.assert_allclose(refined.sum(axis=0), 1, atol=1e-6)


def test_classes_that_are_not_there_change_nothing(densecrf):
    image, _, probabilities = halves()
    more = np.full((9, *image.shape[:2]), 1e-4, np.float32)
    more[[6, 2]] = probabilities
    refined = dense_crf(image, more)
    expected = dense_crf(image, probabilities)
    assert not refined[[0, 1, 3, 4, 5, 7, 8]].any()
    np.testing.assert_allclose(refined[[6, 2]], expected, atol=1e-4)
    lookup = np.array([6, 2])
    assert np.array_equal(refined.argmax(axis=0), lookup[expected.argmax(axis=0)])


def test_a_class_that_is_alone_has_every_pixel():
    image, _, _ = halves()
    probabilities = np.zeros((3, 40, 60), np.float32)
    probabilities[1] = 0.999
    probabilities[2] = 0.001
    refined = dense_crf(image, probabilities)
    assert (refined[1] == 1).all()
    assert not refined[[0, 2]].any()


def test_a_pixel_without_probability_follows_its_neighbours(densecrf):
    image, truth, probabilities = halves()
    probabilities[:, 10:14, 5:9] = 0
    refined = dense_crf(image, probabilities)
    assert np.isfinite(refined).all()
    assert np.array_equal(refined.argmax(axis=0), truth)


def test_an_image_without_any_probability_is_undecided(densecrf):
    image, _, probabilities = halves()
    np.testing.assert_allclose(dense_crf(image, probabilities * 0), 0.5, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (0, 5), (5, 0)])
def test_tiny_images_are_no_error(densecrf, size):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    refined = dense_crf(image, rng.random((3, *size), dtype=np.float32))
    assert refined.shape == (3, *size)
    np.testing.assert_allclose(refined.sum(axis=0), 1, atol=1e-6)


def test_the_layout_of_arrays_does_not_count(densecrf):
    image, _, probabilities = halves()
    expected = dense_crf(image, probabilities)
    image, probabilities = image.copy(), probabilities.copy()
    image.setflags(write=False)
    probabilities.setflags(write=False)
    assert np.array_equal(dense_crf(image, probabilities), expected)
    assert np.array_equal(dense_crf(np.asfortranarray(image), probabilities), expected)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(probabilities, 0, 2)), 2, 0)
    assert np.array_equal(dense_crf(image, last), expected)
    doubled = probabilities.astype(np.float64) * 2
    np.testing.assert_allclose(dense_crf(image, doubled), expected, atol=1e-5)


def test_it_works_in_a_worker_process(densecrf):
    image, _, probabilities = halves()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        refined = pool.submit(dense_crf, image, probabilities, "deeplab").result()
    assert np.array_equal(refined, dense_crf(image, probabilities, "deeplab"))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5])
def test_numbers_that_are_no_probability_are_refused(wrong):
    image, _, probabilities = halves()
    probabilities[1, 3, 4] = wrong
    with pytest.raises(ValueError, match="finite and 0 or more"):
        dense_crf(image, probabilities)


def test_what_does_not_fit_is_refused():
    image, _, probabilities = halves()
    with pytest.raises(ValueError, match=r"\(C, 40, 60\).*\(2, 40, 59\)"):
        dense_crf(image, probabilities[:, :, :-1])
    with pytest.raises(ValueError, match=r"RGB of 8 bits.*float64"):
        dense_crf(image / 255, probabilities)
    with pytest.raises(ValueError, match="deeplab, activation, but got 'sharp'"):
        dense_crf(image, probabilities, "sharp")
    with pytest.raises(ValueError, match="more than 0"):
        CrfSettings(10, 1, 3, 67, 0, 4)


def test_where_it_is_not_installed_the_message_says_how_to_go_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    image, _, probabilities = halves()
    for call in (require_crf, lambda: dense_crf(image, probabilities)):
        with pytest.raises(MissingExtraError, match=r"pip install 'weakseg\[crf\]'") as caught:
            call()
        assert "C++ compiler" in str(caught.value)
        assert "crf: none" in str(caught.value)


def test_where_it_is_installed_nothing_is_said(densecrf):
    require_crf()
