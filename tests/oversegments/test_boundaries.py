import numpy as np
import pytest

from weakseg.oversegments.boundaries import gradient_boundaries


def halves(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    image = np.empty((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = left, right
    return image


def test_constant_image_has_no_boundary():
    assert not gradient_boundaries(np.full((20, 30, 3), 120, np.uint8)).any()


def test_strength_is_a_float_map_between_0_and_1():
    image = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    boundary = gradient_boundaries(image)
    assert boundary.dtype == np.float32
    assert boundary.shape == (33, 47)
    assert boundary.min() >= 0
    assert boundary.max() <= 1


@pytest.mark.parametrize("right", [(255, 255, 255), (200, 90, 90), (90, 90, 200)])
def test_boundary_lies_between_two_colours(right: tuple[int, int, int]):
    boundary = gradient_boundaries(halves(np.array((90, 90, 90)), np.array(right)))
    assert set(boundary.argmax(axis=1)) <= {31, 32}
    assert boundary[:, :12].max() < 1e-3


def test_stronger_contrast_gives_a_stronger_boundary():
    weak, strong = (
        gradient_boundaries(halves(np.full(3, 100), np.full(3, grey))).max() for grey in (115, 160)
    )
    assert 0 < weak < strong


def test_texture_of_equal_mean_colour_gives_a_boundary():
    checks = (np.indices((48, 32)).sum(axis=0) // 2 % 2)[..., None] * 100 + 70
    boundary = gradient_boundaries(halves(checks, np.full(3, 120)))
    assert boundary[:, 28:36].max(axis=1).min() > 3 * boundary[:, 42:].max()


def test_transposed_image_has_the_transposed_boundary():
    image = np.random.default_rng(1).integers(0, 256, (24, 31, 3), dtype=np.uint8)
    turned = gradient_boundaries(image.transpose(1, 0, 2).copy()).T
    assert np.allclose(turned, gradient_boundaries(image), atol=1e-5)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image: np.ndarray):
    with pytest.raises(ValueError, match="Expected `image` to be"):
        gradient_boundaries(image)
