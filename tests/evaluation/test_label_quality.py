import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, jaccard_score

from weakseg.evaluation.label_quality import LabelQuality, label_quality
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.support.errors import DataError

CLASSES = ["sky", "cow", "sea"]


def quality(*pairs, classes=CLASSES) -> LabelQuality:
    return label_quality(
        [(np.array(one, np.uint8), np.array(other, np.uint8)) for one, other in pairs], classes
    )


def test_a_case_counted_by_hand():
    found = quality(([[0, 0, UNLABELLED, 1, 1]], [[0, 1, 1, 1, VOID]]))
    assert found.images == 1
    assert found.coverage == 3 / 4
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.iou == {"sky": 0.5, "cow": 0.5, "sea": pytest.approx(np.nan, nan_ok=True)}
    assert found.miou == 0.5
    assert found.iou_everywhere["cow"] == pytest.approx(1 / 3)
    assert found.miou_everywhere == pytest.approx((1 / 2 + 1 / 3) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_quality_agrees_with_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    truth = generator.choice([0, 1, 2, UNLABELLED, VOID], (4, 12, 15))
    labels = generator.choice([0, 1, 2, UNLABELLED, VOID], (4, 12, 15))
    found = quality(*zip(labels, truth, strict=True))
    scored = truth < UNLABELLED
    both = scored & (labels < UNLABELLED)
    assert found.coverage == pytest.approx(both.sum() / scored.sum())
    assert found.accuracy == pytest.approx(accuracy_score(truth[both], labels[both]))
    iou = jaccard_score(truth[both], labels[both], average=None)
    assert list(found.iou.values()) == pytest.approx(iou)
    assert found.miou == pytest.approx(iou.mean())
    own = np.where(labels < UNLABELLED, labels, 3)
    everywhere = jaccard_score(truth[scored], own[scored], average=None, labels=[0, 1, 2])
    assert list(found.iou_everywhere.values()) == pytest.approx(everywhere)
    assert found.miou_everywhere == pytest.approx(everywhere.mean())


def test_full_labels_have_the_same_iou_either_way():
    found = quality(([[0, 1, 2, 2]], [[0, 1, 1, 2]]))
    assert found.coverage == 1
    assert found.iou == found.iou_everywhere


def test_a_class_without_a_label_is_wrong_everywhere_and_left_out_of_the_labelled():
    found = quality(([[0, UNLABELLED]], [[0, 1]]))
    assert found.miou == 1
    assert found.miou_everywhere == 0.5


def test_the_data_set_is_measured_at_once():
    pairs = [(np.zeros((9, 9)), np.zeros((9, 9))), ([[0]], [[1]])]
    assert quality(*pairs).iou["sky"] == pytest.approx(81 / 82)
    assert quality(*pairs).images == 2


def test_pairs_may_come_one_by_one():
    stream = ((np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)) for _ in range(3))
    assert label_quality(stream, CLASSES).images == 3


def test_nothing_to_measure_gives_nan_without_a_warning(recwarn):
    for found in (quality(), quality(([[0]], [[VOID]]))):
        assert np.isnan([found.coverage, found.accuracy, found.miou, found.miou_everywhere]).all()
    unlabelled = quality(([[UNLABELLED]], [[1]]))
    assert unlabelled.coverage == unlabelled.miou_everywhere == 0
    assert np.isnan([unlabelled.accuracy, unlabelled.miou]).all()
    assert not recwarn.list


def test_as_many_classes_as_there_can_be_are_measured():
    classes = [str(number) for number in range(254)]
    found = quality(([[253, UNLABELLED, 0]], [[253, 253, 0]]), classes=classes)
    assert found.iou["253"] == 1
    assert found.iou_everywhere["253"] == 0.5


@pytest.mark.parametrize(
    ("labels", "truth", "message"),
    [
        ([[0, 0]], [[0]], r"pair 1: .*\(1, 1\), but got \(1, 2\)"),
        ([[3]], [[0]], r"pair 1: Expected the labels to hold class ids 0 … 2, but got 3"),
        ([[0]], [[9]], r"pair 1: Expected the truth to hold class ids 0 … 2, but got 9"),
    ],
)
def test_a_wrong_pair_is_named_by_its_number(labels, truth, message):
    with pytest.raises(DataError, match=message):
        quality(([[0]], [[0]]), (labels, truth))


def test_quality_survives_json_and_nan_becomes_null():
    found = quality(([[0, UNLABELLED]], [[0, 1]]))
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["iou"] == {"sky": 1, "cow": None, "sea": None}
    again = LabelQuality.from_json(json.loads(text))
    assert json.dumps(again.to_json(), allow_nan=False) == text


@pytest.mark.parametrize("change", [{"iou": 3}, {"coverage": "much"}, {"images": 1e999}, None])
def test_json_that_holds_no_quality_is_refused(change):
    data = quality(([[0]], [[0]])).to_json()
    with pytest.raises(DataError, match="Expected the quality of labels"):
        LabelQuality.from_json({} if change is None else data | change)
    with pytest.raises(DataError, match="Expected the quality of labels"):
        LabelQuality.from_json([])
