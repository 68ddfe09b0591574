import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.marks.label_values import UNLABELLED
from weakseg.method import propagate_labels


def directions(*degrees):
    angle = torch.tensor(degrees, dtype=torch.float32).deg2rad()
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def test_an_unlabelled_prototype_takes_the_nearest_label_of_its_image():
    found = propagate_labels(
        directions(0, 40, 18, 18, 100),
        torch.tensor([0, 1, UNLABELLED, UNLABELLED, UNLABELLED]),
        torch.tensor([0, 0, 0, 1, 0]),
        num_classes=2,
        threshold=math.cos(math.radians(30)),
    )
    # The fourth lies in another image, the fifth too far away.
    assert found.int().tolist() == [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0]]


def test_several_neighbours_give_a_set_of_labels():
    found = propagate_labels(
        directions(0, 40, 18),
        torch.tensor([0, 1, UNLABELLED]),
        torch.zeros(3, dtype=torch.long),
        num_classes=2,
        threshold=math.cos(math.radians(30)),
        k=5,
    )
    assert found.int().tolist() == [[1, 0], [0, 1], [1, 1]]


def test_without_any_label_nothing_is_found():
    found = propagate_labels(
        directions(0, 40), torch.tensor([UNLABELLED] * 2), torch.zeros(2).long(), num_classes=3
    )
    assert found.shape == (2, 3)
    assert not found.any()


def test_without_prototypes_nothing_is_found():
    empty = torch.zeros(0, dtype=torch.long)
    assert propagate_labels(torch.zeros(0, 4), empty, empty, num_classes=3).shape == (0, 3)


@given(seed=st.integers(0, 2**31), k=st.integers(1, 4), threshold=st.sampled_from([-1.0, 0.0, 0.7]))
@settings(max_examples=25, deadline=None)
def test_it_is_the_search_written_as_a_loop(seed, k, threshold):
    generator = torch.Generator().manual_seed(seed)
    prototype = torch.randn(15, 3, generator=generator, dtype=torch.float64)
    prototype = torch.nn.functional.normalize(prototype, dim=1)
    label = torch.tensor([0, 1, 2, UNLABELLED])[torch.randint(4, (15,), generator=generator)]
    image = torch.randint(3, (15,), generator=generator) - 1
    found = propagate_labels(prototype, label, image, num_classes=3, threshold=threshold, k=k)
    for p in range(15):
        near = [
            ((prototype[p] @ prototype[q]).item(), label[q].item())
            for q in range(15)
            if image[q] == image[p] and label[q] < 3
        ]
        expected = {name for value, name in sorted(near, reverse=True)[:k] if value >= threshold}
        assert set(found[p].nonzero().flatten().tolist()) == expected


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`image` to be of one length, but got 2, 2 and 1"):
        propagate_labels(torch.zeros(2, 3), torch.zeros(2), torch.zeros(1), num_classes=2)
    with pytest.raises(ValueError, match="`k` to be at least 1, but got 0"):
        propagate_labels(torch.zeros(2, 3), torch.zeros(2), torch.zeros(2), num_classes=2, k=0)
