"""Logistic regression against scikit-learn, and weights of its cells by hand."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from weakseg.training.classifiers.cells import Cells, cell_weights
from weakseg.training.classifiers.logistic import fit_logistic


def cells(classes: list[int], dimensions: int = 5) -> Cells:
    generator = torch.Generator().manual_seed(0)
    label = torch.tensor(classes).repeat(60)
    vector = torch.randn(len(label), dimensions, generator=generator)
    vector[:, 0] += label
    return Cells(vector, label, torch.linspace(0.2, 1.8, len(label)))


@pytest.mark.parametrize("l2", [0.003, 0.1])
def test_probabilities_are_those_of_scikit_learn(l2):
    known = cells([0, 1, 2])
    found = fit_logistic(known, 3, l2=l2, iterations=200)
    other = LogisticRegression(C=1 / (l2 * known.weight.sum().item()), tol=1e-8, max_iter=1000)
    other.fit(known.vector, known.label, known.weight)
    probabilities = found(known.vector[:, :, None, None]).softmax(dim=1)[:, :, 0, 0]
    np.testing.assert_allclose(probabilities.detach(), other.predict_proba(known.vector), atol=3e-3)


def test_the_loss_falls_from_round_to_round_and_iterations_are_limited():
    rounds = []
    fit_logistic(
        cells([0, 1, 2]), 3, l2=1e-3, iterations=12, on_round=lambda *row: rounds.append(row)
    )
    steps, losses = zip(*rounds, strict=True)
    assert steps == (0, 5, 10)
    assert losses[0] > losses[1] > losses[2]


def test_a_class_without_a_cell_is_never_predicted():
    known = cells([0, 2])
    probabilities = fit_logistic(known, 4, l2=0.01, iterations=50)(
        known.vector[:, :, None, None]
    ).softmax(dim=1)
    assert probabilities[:, [1, 3]].max() == 0
    assert probabilities.isfinite().all()


def test_a_single_class_is_predicted_everywhere():
    known = cells([2])
    logits = fit_logistic(known, 3, l2=0.01, iterations=50)(known.vector[:, :, None, None])
    assert (logits.argmax(dim=1) == 2).all()


def test_images_weigh_the_same_however_many_of_their_cells_are_labelled():
    weight = cell_weights([torch.tensor([0, 0, 0, 0]), torch.tensor([1])], 2, balance=0.0)
    assert weight[:4].sum() == pytest.approx(weight[4].item())
    assert weight.mean() == pytest.approx(1)


def test_balance_weighs_classes_by_a_power_of_their_frequency():
    labels = [torch.tensor([0] * 9 + [1])]
    for balance, ratio in ((0.0, 9), (0.5, 3), (1.0, 1)):
        weight = cell_weights(labels, 2, balance)
        assert weight[:9].sum() / weight[9] == pytest.approx(ratio)
