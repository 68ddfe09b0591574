import pytest
import torch

from weakseg.method import colour_features, location_features


def test_location_is_y_then_x_from_minus_to_plus_a_half():
    location = location_features(3, 5)
    assert location.shape == (3, 5, 2)
    assert location[0, 0].tolist() == [-0.5, -0.5]
    assert location[1, 4].tolist() == [0.0, 0.5]


def test_an_image_of_one_row_has_a_location():
    assert location_features(1, 1).isfinite().all()


def test_an_image_of_one_colour_has_no_colour_features():
    colour = colour_features(torch.full((2, 3, 9, 9), 0.5), (4, 5))
    assert colour.shape == (2, 4, 5, 3)
    assert colour.isfinite().all()
    assert colour.abs().max() <= 1


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`height` and `width` to be at least 1, but got 0 and 3"):
        location_features(0, 3)
    with pytest.raises(ValueError, match="`image` to be"):
        colour_features(torch.zeros(1, 3, 4, 9), (4, 4))
