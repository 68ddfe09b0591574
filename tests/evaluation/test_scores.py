import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score
from torchmetrics.classification import MulticlassConfusionMatrix

from weakseg.errors import DataError
from weakseg.evaluation import Confusion, Scores, label_confusion
from weakseg.method.constants import UNLABELLED, VOID

CLASSES = ["sky", "cow", "sea", "tree"]


def random_pair(seed: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.choice([*range(classes), UNLABELLED, VOID], (30, 40)).astype(np.uint8)
    return generator.integers(0, classes, (30, 40)).astype(np.uint8), truth


def score(*pairs, classes=CLASSES) -> Scores:
    confusion = Confusion(classes)
    for prediction, truth in pairs:
        confusion.update(np.array(prediction), np.array(truth), "one.png")
    return confusion.compute()


def test_a_case_counted_by_hand():
    truth = [[0, 0, 0], [1, 1, 2], [2, 2, VOID]]
    prediction = [[0, 0, 1], [1, 1, 2], [1, 0, 2]]
    scores = score((prediction, truth), classes=CLASSES[:3])
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 1, 1]]
    assert scores.iou.tolist() == pytest.approx([2 / 4, 2 / 4, 1 / 3])
    assert scores.precision.tolist() == pytest.approx([2 / 3, 2 / 4, 1])
    assert scores.recall.tolist() == pytest.approx([2 / 3, 1, 1 / 3])
    assert scores.mean_iou == pytest.approx((2 / 4 + 2 / 4 + 1 / 3) / 3)
    assert scores.pixel_accuracy == pytest.approx(5 / 8)
    assert scores.absent == ()


@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_scikit_learn_and_torchmetrics(seed):
    pairs = [random_pair(10 * seed + image) for image in range(4)]
    scores = score(*pairs)
    prediction, truth = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    kept = truth < UNLABELLED
    prediction, truth = prediction[kept], truth[kept]
    assert (scores.confusion == confusion_matrix(truth, prediction)).all()
    assert scores.iou == pytest.approx(jaccard_score(truth, prediction, average=None))
    assert scores.mean_iou == pytest.approx(jaccard_score(truth, prediction, average="macro"))
    metric = MulticlassConfusionMatrix(4)
    metric.update(torch.tensor(prediction).long(), torch.tensor(truth).long())
    assert (scores.confusion == metric.compute().numpy()).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_whole_number_tensors_of_any_type_are_counted_alike(dtype):
    prediction, truth = (torch.tensor(side).to(dtype) for side in random_pair(0))
    confusion = Confusion(CLASSES)
    confusion.update(prediction, truth, "one.png")
    assert (confusion.compute().confusion == score(random_pair(0)).confusion).all()


def test_void_and_unlabelled_pixels_are_not_scored():
    scores = score(([[0, 1, 1]], [[0, VOID, UNLABELLED]]), classes=CLASSES[:2])
    assert scores.confusion.sum() == 1
    assert scores.mean_iou == scores.pixel_accuracy == 1


def test_a_class_without_true_pixels_is_named_and_left_out_though_predicted():
    scores = score(([[0, 0, 1, 2]], [[0, 0, 1, 1]]))
    assert scores.absent == ("sea", "tree")
    assert np.isnan(scores.iou).tolist() == [False, False, True, True]
    assert scores.iou[1] == 0.5, "the pixel wrongly called sea counts against cow"
    assert scores.mean_iou == 0.75


def test_a_present_class_that_is_never_predicted_scores_zero():
    scores = score(([[0, 0]], [[0, 1]]), classes=CLASSES[:2])
    assert scores.iou.tolist() == [0.5, 0]
    assert scores.recall[1] == 0
    assert np.isnan(scores.precision[1])


def test_the_data_set_is_scored_at_once_not_image_by_image():
    large = np.zeros((10, 10), int), np.zeros((10, 10), int)
    small = [[0]], [[1]]
    per_image = np.mean([score(large).mean_iou, score(small).mean_iou])
    whole = score(large, small)
    assert per_image == 0.5
    assert whole.iou[:2].tolist() == pytest.approx([100 / 101, 0])
    assert whole.mean_iou == pytest.approx(50 / 101)


def test_nothing_scored_gives_nan_without_a_warning(recwarn):
    for scores in (Confusion(CLASSES).compute(), score(([[0]], [[VOID]]))):
        assert np.isnan(scores.mean_iou)
        assert np.isnan(scores.pixel_accuracy)
        assert scores.absent == tuple(CLASSES)
    assert not recwarn.list


def test_parts_counted_apart_add_up():
    whole, left, right = Confusion(CLASSES), Confusion(CLASSES), Confusion(CLASSES)
    for part, seed in ((left, 1), (right, 2)):
        part.update(*random_pair(seed), "one.png")
        whole.update(*random_pair(seed), "one.png")
    left.add(right.matrix)
    assert torch.equal(left.matrix, whole.matrix)
    with pytest.raises(ValueError, match=r"Expected `matrix` of shape \(4, 4\), but got \(2, 2\)"):
        left.add(np.zeros((2, 2), int))


def test_scores_do_not_change_as_counting_goes_on():
    confusion = Confusion(CLASSES)
    confusion.update(*random_pair(1), "one.png")
    before = confusion.compute()
    kept = before.to_json()
    confusion.update(*random_pair(2), "two.png")
    assert before.to_json() == kept


def test_counting_is_the_same_where_deterministic_algorithms_are_asked_for(monkeypatch):
    prediction, truth = map(torch.tensor, random_pair(3))
    expected = label_confusion(prediction, truth, 4)
    monkeypatch.setattr("weakseg.evaluation.scores._MAX_BINS", 16 * 100)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(label_confusion(prediction, truth, 4), expected)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(("value", "dtype"), [(4, np.uint8), (VOID, np.uint8), (-1, np.int64)])
def test_a_predicted_value_that_is_no_class_is_named_with_its_file(value, dtype):
    prediction = np.array([[0, value]], dtype)
    # wrong even where the truth is void: the mask itself is broken
    with pytest.raises(DataError, match=rf"^cat\.png: .*class ids 0 … 3, but got {value}\.$"):
        Confusion(CLASSES).update(prediction, np.array([[0, VOID]]), "cat.png")


def test_a_true_value_that_is_no_class_is_named_with_the_file_of_the_truth():
    with pytest.raises(DataError, match=r"^truth\.png: Expected the truth .* but got 9, 17\."):
        Confusion(CLASSES).update(
            np.zeros((1, 3), int), np.array([[17, 9, VOID]]), "cat.png", truth_name="truth.png"
        )


def test_other_wrong_input_is_refused():
    with pytest.raises(DataError, match=r"cat.png: .*\(2, 3\), but got \(3, 2\)"):
        Confusion(CLASSES).update(np.zeros((3, 2), int), np.zeros((2, 3), int), "cat.png")
    with pytest.raises(DataError, match="whole numbers in the prediction"):
        Confusion(CLASSES).update(np.zeros((2, 2)), np.zeros((2, 2), int), "cat.png")
    for classes in ([], "sky", ["a"] * 2, [str(number) for number in range(255)]):
        with pytest.raises(ValueError, match="Expected"):
            Confusion(classes)
    with pytest.raises(ValueError, match="Expected `confusion`"):
        Scores(("sky", "cow"), np.zeros((3, 3), int))


def test_scores_survive_json_and_nan_becomes_null():
    scores = score(([[0, 0, 1]], [[0, 1, 1]]), classes=CLASSES[:3])
    text = json.dumps(scores.to_json(), allow_nan=False)
    again = Scores.from_json(json.loads(text))
    assert json.dumps(again.to_json(), allow_nan=False) == text
    assert json.loads(text)["iou"] == {"sky": 0.5, "cow": 0.5, "sea": None}


@pytest.mark.parametrize(
    "data", [{}, {"classes": ["a"]}, {"classes": ["a"], "confusion": [[1, 2]]}]
)
def test_json_that_holds_no_scores_is_refused(data):
    with pytest.raises(DataError, match="Expected `classes` and `confusion`"):
        Scores.from_json(data)


def test_reading_scores_does_not_wait_for_matplotlib():
    code = "import sys, weakseg.evaluation.scores; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
