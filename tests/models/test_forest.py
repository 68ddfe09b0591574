"""Random forests as a network's classifier, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from weakseg.models.forest import ForestClassifier


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 400)
    vector = rng.normal(size=(400, 6)) + 0.7 * label[:, None]
    return vector.astype(np.float32), label


@pytest.mark.parametrize("min_leaf", [1, 7])
def test_probabilities_are_those_of_scikit_learn(samples, min_leaf):
    vector, label = samples
    forest = RandomForestClassifier(30, min_samples_leaf=min_leaf, random_state=1)
    forest.fit(vector, label, np.linspace(0.1, 3, 400))
    new = np.random.default_rng(1).normal(size=(2 * 5 * 7, 6)).astype(np.float32)
    new[:6] = vector[:6]  # on these, thresholds between training samples are closest
    image = torch.from_numpy(new).view(2, 5, 7, 6).permute(0, 3, 1, 2)
    logits = ForestClassifier.from_sklearn(forest, 3)(image)
    assert logits.shape == (2, 3, 5, 7)
    found = logits.softmax(dim=1).permute(0, 2, 3, 1).reshape(-1, 3)
    np.testing.assert_allclose(found, forest.predict_proba(new), atol=1e-6)


def test_a_value_between_a_threshold_and_its_32_bit_neighbour_goes_the_same_way():
    values = np.float32([[1000], [np.nextafter(np.float32(1000), np.float32(2000))]])
    forest = RandomForestClassifier(5, bootstrap=False).fit(values, [0, 1])
    assert 1000 < forest.estimators_[0].tree_.threshold[0] < values[1]
    logits = ForestClassifier.from_sklearn(forest, 2)(torch.from_numpy(values)[:, :, None, None])
    assert logits.argmax(dim=1).flatten().tolist() == [0, 1]


def test_a_class_that_the_forest_has_not_seen_is_never_predicted(samples):
    vector, label = samples
    forest = RandomForestClassifier(5, random_state=0).fit(vector, label * 2)  # classes 0, 2, 4
    image = torch.from_numpy(vector)[:, :, None, None]
    probabilities = ForestClassifier.from_sklearn(forest, 6)(image).softmax(dim=1)
    assert probabilities[:, [1, 3, 5]].max() < 1e-9


def test_a_forest_of_the_size_of_a_state_loads_it(samples):
    vector, label = samples
    forest = RandomForestClassifier(5, random_state=0).fit(vector, label)
    own = ForestClassifier.from_sklearn(forest, 3)
    state = {f"classifier.{key}": value for key, value in own.state_dict().items()}
    other = ForestClassifier.shaped_like(state, "classifier.")
    assert other is not None
    other.load_state_dict(own.state_dict())
    image = torch.from_numpy(vector)[:, :, None, None]
    assert torch.equal(other(image), own(image))
    assert ForestClassifier.shaped_like({"classifier.0.weight": torch.zeros(3)}) is None
