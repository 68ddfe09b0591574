import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score
from torchmetrics.classification import MulticlassConfusionMatrix

from weakseg.evaluation.confusion import Confusion, label_confusion
from weakseg.evaluation.scores import Scores
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError

CLASSES = ["sky", "cow", "sea", "tree"]
COUNTS = {"predicted": [1], "predicted_met": [1], "true": [1], "true_met": [1]}


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
    assert scores.iou[0] == scores.pixel_accuracy == 1


def test_a_ground_truth_of_one_class_of_several_has_no_mean():
    scores = score(([[0, 1, 1]], [[0, VOID, UNLABELLED]]), classes=CLASSES[:2])
    assert scores.only_class == CLASSES[0]
    assert np.isnan(scores.mean_iou)


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
    per_image = np.mean([score(large).iou[0], score(small).iou[1]])
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
    monkeypatch.setattr("weakseg.evaluation.confusion._MAX_BINS", 16 * 100)
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
    "data",
    [
        {},
        {"classes": ["a"]},
        {"classes": [1], "confusion": [[1]]},
        {"classes": ["a"], "confusion": [[1, 2]]},
        {"classes": ["a"], "confusion": [[10**30]]},
        {"classes": ["a"], "confusion": [[1]], "boundary": {"true": [1]}},
        {"classes": ["a"], "confusion": [[1]], "boundary": COUNTS | {"true": [1, 2]}},
        {"classes": ["a"], "confusion": [[1]], "boundary": COUNTS | {"true_met": [2]}},
        {"classes": ["a"], "confusion": [[1]], "boundary": COUNTS | {"predicted_met": [-1]}},
        {"classes": ["a", "b"], "confusion": [[1, 0], [0, 1]], "boundary": COUNTS},
        {"classes": ["a"], "confusion": [[1]], "instances": []},
        {"classes": ["a"], "confusion": [[1]], "instances": {"count": [1], "recall": [2.0]}},
        {"classes": ["a"], "confusion": [[1]], "instances": {"count": [1], "recall": [np.nan]}},
        {"classes": ["a"], "confusion": [[1]], "single_image_iou": {"one": "good"}},
        {"classes": ["a"], "confusion": [[1]], "single_image_iou": {"one": np.nan}},
        {"classes": ["a"], "confusion": [[1]], "single_image_iou": []},
    ],
)
def test_json_that_holds_no_scores_is_refused(data):
    with pytest.raises(DataError, match="Expected `classes` and `confusion`"):
        Scores.from_json(data)


def test_reading_scores_does_not_wait_for_matplotlib():
    code = "import sys, weakseg.evaluation.scores; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_confusions_are_the_largest_entries_off_the_diagonal():
    scores = Scores(("sky", "cow", "sea"), np.array([[9, 1, 0], [3, 5, 4], [0, 0, 0]]))
    pairs = [(pair.truth, pair.prediction, pair.pixels) for pair in scores.confusions(9)]
    assert pairs == [("cow", "sea", 4), ("cow", "sky", 3), ("sky", "cow", 1)]
    assert [pair.share for pair in scores.confusions(2)] == pytest.approx([4 / 12, 3 / 12])
    assert scores.confusions(0) == []
    assert Confusion(CLASSES).compute().confusions(3) == []


def test_each_image_keeps_its_own_iou_over_the_classes_in_its_truth_or_prediction():
    confusion = Confusion(CLASSES)
    confusion.update(np.array([[0, 0, 1, 2]]), np.array([[0, 0, 1, VOID]]), "a.png", image="a")
    confusion.update(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 1, 2]]), "b.png")
    confusion.update(np.array([[0]]), np.array([[VOID]]), "nothing.png")
    own = confusion.compute().single_image_iou
    # cow was in the truth of b and never found; that sea was predicted on a's void says nothing
    assert own == {"a": 1.0, "b.png": pytest.approx((1 + 0 + 1 / 2) / 3)}


def test_counts_of_outlines_and_instances_survive_json():
    scores = score(*[random_pair(seed) for seed in range(3)])
    text = json.dumps(scores.to_json(), allow_nan=False)
    again = Scores.from_json(json.loads(text))
    assert again.boundary_f.tolist() == scores.boundary_f.tolist()
    assert again.instance_iou.tolist() == scores.instance_iou.tolist()
    assert again.single_image_iou == scores.single_image_iou == {"one.png": pytest.approx(0, abs=1)}
    assert json.loads(text)["mean_boundary_f"] == scores.mean_boundary_f


def test_scores_of_before_read_as_scores_without_what_was_not_counted():
    old = {"classes": ["sky", "cow"], "confusion": [[3, 1], [0, 4]], "mean_iou": 0.775}
    scores = Scores.from_json(old)
    assert scores.mean_iou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert np.isnan(scores.mean_boundary_f)
    assert np.isnan(scores.mean_instance_iou)
    assert scores.to_json()["boundary"] is None
