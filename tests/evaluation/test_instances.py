import numpy as np
import pytest
from scipy import ndimage

from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.instances import count_instances, split_instances
from weakseg.marks.label_values import UNLABELLED, VOID

CLASSES = ["sky", "cow", "sea"]


def random_pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(3, 40, 50))
    truth = np.stack([ndimage.gaussian_filter(part, 3) for part in noise]).argmax(0)
    truth[generator.random(truth.shape) < 0.05] = VOID
    prediction = np.where(generator.random(truth.shape) < 0.7, truth, 1)
    prediction[truth == VOID] = 2
    instances = generator.integers(0, 3, (4, 5)).repeat(10, 0).repeat(10, 1)
    return prediction.astype(np.uint8), truth.astype(np.uint8), instances.astype(np.int32)


def slow_iou(triples, label: int) -> float:
    """Weigh every pixel, as Cityscapes says it, with the mean area over all of the data."""
    cross = np.ones((3, 3))
    masks = []
    for _, truth, instances in triples:
        own = []
        if instances is not None:
            own = [(truth == label) & (instances == number) for number in (1, 2)]
            truth = np.where(instances > 0, VOID, truth)
        regions, count = ndimage.label(truth == label, cross)
        own += [regions == number for number in range(1, count + 1)]
        masks.append([mask for mask in own if mask.any()])
    mean_area = np.mean([mask.sum() for own in masks for mask in own])
    true_positive = false_negative = false_positive = 0.0
    for (prediction, truth, _), own in zip(triples, masks, strict=True):
        for mask in own:
            weight = mean_area / mask.sum()
            true_positive += weight * (mask & (prediction == label)).sum()
            false_negative += weight * (mask & (prediction != label)).sum()
        false_positive += ((truth != label) & (truth < UNLABELLED) & (prediction == label)).sum()
    return true_positive / (true_positive + false_positive + false_negative)


@pytest.mark.parametrize("given", [False, True])
def test_iou_agrees_with_the_weighing_of_every_pixel(given):
    triples = [random_pair(seed) for seed in range(3)]
    triples = [(p, t, i if given else None) for p, t, i in triples]
    confusion = Confusion(CLASSES)
    for number, (prediction, truth, instances) in enumerate(triples):
        confusion.update(prediction, truth, str(number), instances=instances)
    scores = confusion.compute()
    expected = [slow_iou(triples, label) for label in range(3)]
    assert scores.instance_iou == pytest.approx(expected)
    assert scores.mean_instance_iou == pytest.approx(np.mean(expected))


def test_a_small_instance_missed_counts_as_much_as_a_large_one():
    truth = np.zeros((10, 20), np.uint8)
    truth[:, :9], truth[0, 15] = 1, 1
    prediction = np.where(truth == 1, 1, 0).astype(np.uint8)
    prediction[0, 15] = 0
    confusion = Confusion(CLASSES)
    confusion.update(prediction, truth, "one.png")
    scores = confusion.compute()
    assert scores.iou[1] == pytest.approx(90 / 91)
    assert scores.instance_iou[1] == pytest.approx(0.5)


def test_one_instance_a_class_gives_the_plain_iou():
    truth = np.array([[0, 0, 0, 1, 1, 1]], np.uint8)
    confusion = Confusion(CLASSES)
    confusion.update(np.array([[0, 0, 1, 1, 1, 0]]), truth, "one.png")
    scores = confusion.compute()
    assert scores.instance_iou[:2] == pytest.approx(scores.iou[:2])
    assert np.isnan(scores.instance_iou[2])


def test_regions_that_touch_at_a_corner_are_one_instance():
    truth = np.array([[1, 0], [0, 1]], np.uint8)
    assert split_instances(truth).tolist() == [[1, 2], [2, 1]]


def test_given_instances_split_what_touches_and_join_what_does_not():
    truth = np.array([[1, 1, 0, 1, 2]], np.uint8)
    instances = np.array([[7, 9, 0, 7, 7]], np.int32)
    first, second, sky, again, sea = split_instances(truth, instances)[0].tolist()
    assert again == first, "one id, one instance, wherever its parts are"
    assert len({first, second, sky, sea}) == 4, "one id in two classes is two instances"


def test_pixels_without_an_id_are_split_by_connection():
    truth = np.array([[1, 0, 1, 1, VOID, UNLABELLED]], np.uint8)
    numbers = split_instances(truth, np.array([[0, 0, 5, 0, 5, 5]], np.int32))[0].tolist()
    assert numbers[4:] == [0, 0]
    assert len(set(numbers[:4])) == 4
    assert 0 not in numbers[:4]


@pytest.mark.parametrize("instances", [None, np.full((3, 4), 2, np.int32)])
def test_nothing_scored_counts_no_instance(instances, recwarn):
    counts = count_instances(
        np.zeros((3, 4), np.uint8), np.full((3, 4), VOID, np.uint8), 3, instances
    )
    assert counts.count.tolist() == [0, 0, 0]
    assert np.isnan(counts.mean_recall).all()
    assert not recwarn.list
