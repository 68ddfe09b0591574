"""Multinomial regression on classes and on their probabilities."""

import pytest
import torch

from weakseg.method.regression import fit_regression


@pytest.fixture
def known():
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(3).repeat(40)
    vector = torch.randn(120, 4, generator=generator)
    vector[:, 0] += 2 * label
    return vector, label, torch.full((120,), 1 / 120)


def fit(vector, target, share, **options):
    return fit_regression(vector, target, share, num_classes=3, l2=0.01, **options)


def test_certain_probabilities_are_classes(known):
    vector, label, share = known
    by_class = fit(vector, label, share, iterations=100)
    certain = torch.nn.functional.one_hot(label, 3).float()
    by_probability = fit(vector, certain, share, iterations=100)
    torch.testing.assert_close(by_probability.weight, by_class.weight, atol=1e-3, rtol=1e-2)


def test_where_half_of_the_vectors_are_of_another_class_probabilities_say_so(known):
    vector = known[0] * 0
    target = torch.tensor([0.5, 0.25, 0.25]).repeat(120, 1)
    found = fit(vector, target, known[2], iterations=50)
    torch.testing.assert_close(found.logits(vector).softmax(dim=1), target, atol=1e-3, rtol=0)


def test_a_fit_goes_on_from_where_it_starts(known):
    losses = []
    begun = fit(*known, iterations=20)
    fit(*known, iterations=5, start=begun, on_round=lambda _, loss: losses.append(loss))
    fit(*known, iterations=5, on_round=lambda _, loss: losses.append(loss))
    assert losses[0] < losses[1]
