import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.method import grid_labels, spherical_kmeans


def plain_kmeans(features, label, clusters, iterations, valid):
    """One image (D, H, W), one cluster at a time."""
    pixel = features.reshape(len(features), -1).T
    pixel = pixel / np.linalg.norm(pixel, axis=1, keepdims=True)
    label, valid = label.flatten(), valid.flatten()
    for _ in range(iterations):
        means = np.zeros((clusters, pixel.shape[1]))
        for cluster in range(clusters):
            total = pixel[(label == cluster) & valid].sum(axis=0)
            length = np.linalg.norm(total)
            means[cluster] = total / length if length > 0 else 0
        label = (pixel @ means.T).argmax(axis=1)
    return label.reshape(features.shape[1:])


@given(
    seed=st.integers(0, 2**31),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    iterations=st.integers(0, 4),
)
@settings(max_examples=40, deadline=None)
def test_it_is_the_plain_algorithm_on_each_image(seed, height, width, rows, columns, iterations):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64)
    valid = torch.rand(2, height, width, generator=generator) < 0.8
    grid = (rows, columns)
    actual = spherical_kmeans(features, grid=grid, iterations=iterations, valid=valid)
    start = grid_labels(height, width, grid).numpy()
    for image in range(2):
        expected = plain_kmeans(
            features[image].numpy(), start, rows * columns, iterations, valid[image].numpy()
        )
        assert np.array_equal(actual[image].numpy(), expected)


def test_four_directions_are_found_from_a_grid_that_cuts_them():
    angle = torch.tensor([[0.0, 0.05, 1.6, 1.65], [3.1, 3.15, 4.7, 4.75]])
    features = torch.stack([angle.cos(), angle.sin()])[None]
    labels = spherical_kmeans(features, grid=(2, 2))[0]
    assert labels.tolist() == [[0, 0, 2, 2], [1, 1, 3, 3]]


def test_length_does_not_matter():
    features = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = spherical_kmeans(features, grid=(3, 3))
    scale = torch.linspace(0.1, 10, 64).view(1, 1, 8, 8)
    assert torch.equal(spherical_kmeans(features * scale, grid=(3, 3)), labels)


def test_a_grid_finer_than_the_image_leaves_clusters_empty():
    labels = spherical_kmeans(torch.randn(1, 3, 2, 2), grid=(6, 6))
    assert labels.shape == (1, 2, 2)
    assert labels.max() < 36


def test_invalid_pixels_do_not_move_the_clusters():
    features = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    valid = torch.ones(1, 6, 6, dtype=torch.bool)
    valid[:, 3:] = False
    changed = features.clone()
    changed[:, :, 3:] = torch.nan_to_num(1e3 * changed[:, :, 3:].flip(1))
    one = spherical_kmeans(features, grid=(2, 2), valid=valid)
    other = spherical_kmeans(changed, grid=(2, 2), valid=valid)
    assert torch.equal(one[:, :3], other[:, :3])


def test_half_precision_is_computed_in_full():
    features = torch.randn(2, 8, 16, 16, generator=torch.Generator().manual_seed(2)).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        labels = spherical_kmeans(features, grid=(4, 4))
    assert torch.equal(labels, spherical_kmeans(features.float(), grid=(4, 4)))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"`features` to be \(B, D, H, W\)"):
        spherical_kmeans(torch.zeros(3, 4, 4), grid=(2, 2))
    with pytest.raises(ValueError, match="`iterations` to be at least 0, but got -1"):
        spherical_kmeans(torch.zeros(1, 3, 4, 4), grid=(2, 2), iterations=-1)
    with pytest.raises(ValueError, match=r"`grid` to be two positive numbers, but got \(0, 2\)"):
        grid_labels(4, 4, (0, 2))
