import numpy as np
import pytest
from sklearn.decomposition import PCA

from weakseg.report.run.embedding_colours import embedding_colours


def embedding(seed: int, dimensions: int = 8, size: tuple[int, int] = (12, 9)) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(dimensions, *size))
    vectors *= np.linspace(3, 0.5, dimensions)[:, None, None]
    return vectors / np.linalg.norm(vectors, axis=0)


def test_colours_go_along_the_main_directions_of_all_images_together():
    images = [embedding(0), embedding(1, size=(5, 30))]
    vectors = np.concatenate([each.reshape(8, -1).T for each in images])
    along = PCA(3).fit_transform(vectors)
    colours = np.concatenate([each.reshape(-1, 3) for each in embedding_colours(images)])
    for channel in range(3):
        inside = (colours[:, channel] > 0) & (colours[:, channel] < 255)
        likeness = np.corrcoef(along[inside, channel], colours[inside, channel])[0, 1]
        assert abs(likeness) > 0.999


def test_a_vector_has_the_same_colour_in_every_image():
    first, second = embedding(0), embedding(1)
    second[:, 3, 4] = first[:, 0, 0]
    one, two = embedding_colours([first, second])
    assert (one[0, 0] == two[3, 4]).all()
    assert one.shape == (12, 9, 3)


def test_signs_are_fixed_so_that_colours_do_not_hang_on_the_order_of_pixels():
    image = embedding(0)
    turned = embedding_colours([image[:, ::-1, ::-1]])[0][::-1, ::-1]
    difference = turned.astype(int) - embedding_colours([image])[0]
    assert np.abs(difference).max() <= 1


def test_the_first_direction_is_brightest_where_its_largest_entry_is_positive():
    image = np.zeros((4, 1, 2))
    image[2, 0] = [-1, 1]
    assert embedding_colours([image])[0][0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("dimensions", [1, 2, 3, 64])
@pytest.mark.parametrize("noise", [0, 1e-9])
def test_a_constant_embedding_is_grey_whatever_its_dimensions(dimensions, noise):
    constant = np.full((dimensions, 4, 5), dimensions**-0.5)
    constant += noise * np.random.default_rng(0).normal(size=constant.shape)
    colours = embedding_colours([constant, constant])
    assert all(np.abs(picture.astype(int) - 128).max() <= 1 for picture in colours)


def test_a_direction_of_noise_stays_grey_beside_a_strong_one():
    image = np.zeros((8, 10, 10))
    image[0, :, :5], image[0, :, 5:] = 1, -1
    image[1:] = 1e-3 * np.random.default_rng(0).normal(size=(7, 10, 10))
    colours = embedding_colours([image])[0]
    assert set(np.unique(colours[..., 0])) == {0, 255}
    assert np.abs(colours[..., 1:].astype(int) - 128).max() < 10


def test_one_pixel_none_and_broken_numbers_are_no_error():
    assert embedding_colours([]) == []
    assert embedding_colours([np.ones((8, 1, 1))])[0].shape == (1, 1, 3)
    broken = embedding(0)
    broken[:, 0, 0], broken[:, 1, 1] = np.nan, np.inf
    assert embedding_colours([broken])[0].shape == (12, 9, 3)


@pytest.mark.parametrize("wrong", [(8, 12), (7, 2, 2), (8, 0, 2)])
def test_embeddings_of_other_shapes_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\(D, h, w\) of D = 8"):
        embedding_colours([embedding(0), np.ones(wrong)])
