import sys
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.records import Record
from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.variants import score_variants
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import write_label_map
from weakseg.recipes.recipe import InferenceConfig
from weakseg.support.errors import DataError

CLASSES = ClassList(("sky", "cow"))


class Guess:
    """Gives cow where red is above a source's threshold; counts how often it looks."""

    classes = CLASSES

    def __init__(self, threshold: int, **others: int) -> None:
        self.thresholds, self.calls = {"retrieval": threshold} | others, 0
        self.config = InferenceConfig(scales=[0.5, 1.0])

    def probabilities_by_source(self, image, sources):
        self.calls += 1
        cows = [np.where(image[..., 0] > self.thresholds[name], 0.9, 0.2) for name in sources]
        return [np.stack([1 - cow, cow]).astype(np.float32) for cow in cows]


@pytest.fixture
def records(tmp_path):
    generator = np.random.default_rng(0)
    made = []
    for name in ("a", "b"):
        image, mask = tmp_path / f"{name}.png", tmp_path / f"{name}-mask.png"
        picture = generator.integers(0, 256, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(picture).save(image)
        write_label_map(mask, (picture[..., 0] > 100).astype(np.uint8))
        made.append(Record(name, image, Marks(), mask))
    return made


@pytest.fixture
def inverting_crf(monkeypatch):
    """Stand in for the dense CRF: it turns every probability round."""
    module = ModuleType("weakseg.refine.crf")
    module.dense_crf = lambda image, probabilities, preset: {"deeplab": 1 - probabilities}[preset]
    monkeypatch.setitem(sys.modules, "weakseg.refine.crf", module)


def test_with_and_without_crf_come_of_one_look_at_each_image(records, inverting_crf):
    guess = Guess(100)
    plain, sharp = score_variants(guess, records, "val", crf=["none", "deeplab"])
    assert guess.calls == len(records)
    assert (plain.name, sharp.name) == ("no CRF", "deeplab CRF")
    assert plain.scores.mean_iou == 1
    assert sharp.scores.mean_iou == 0
    assert plain.protocol.crf == "none"
    assert "scales 0.5, 1; not flipped; labels by retrieval; deeplab" in sharp.protocol.describe()


def test_sources_of_labels_are_named_with_their_crf(records, inverting_crf):
    guess, sources = Guess(100, classifier=200), ["retrieval", "classifier"]
    variants = score_variants(guess, records, "val", labels=sources, crf=["none", "deeplab"])
    assert guess.calls == len(records)
    assert [variant.name for variant in variants] == [
        "retrieval, no CRF",
        "retrieval, deeplab CRF",
        "classifier, no CRF",
        "classifier, deeplab CRF",
    ]
    assert [variant.protocol.labels for variant in variants[1:3]] == ["retrieval", "classifier"]
    assert variants[0].scores.mean_iou == 1
    assert variants[2].scores.iou[1] < 1
    names = [variant.name for variant in score_variants(guess, records, "val", labels=sources)]
    assert names == sources


def test_scores_are_those_of_the_masks(records):
    (variant,) = score_variants(Guess(150), records, "val")
    confusion = Confusion(CLASSES.names)
    for record in records:
        red = np.array(Image.open(record.image))[..., 0]
        confusion.update(red > 150, np.array(Image.open(record.truth)), "x", image=record.name)
    assert variant.scores.to_json() == confusion.compute().to_json()
    assert set(variant.scores.single_image_iou) == {"a", "b"}


def test_given_instances_are_weighted_and_the_protocol_says_so(records, tmp_path):
    (plain,) = score_variants(Guess(150), records, "val")
    assert plain.protocol.notes == ("instances are connected regions",)
    path = tmp_path / "ids.png"
    Image.fromarray(np.full((20, 30), 1, np.uint8)).save(path)
    maps = {record.name: path for record in records}
    (given,) = score_variants(Guess(150), records, "val", instances=maps)
    assert given.protocol.notes == ("instances as given",)
    assert given.scores.instance_iou[1] != plain.scores.instance_iou[1]
    assert given.scores.mean_iou == plain.scores.mean_iou


def test_a_mask_of_another_size_than_its_image_is_named(records):
    write_label_map(records[1].truth, np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match=r"b-mask\.png: .*\(3, 3\) while its image is \(20, 30\)"):
        score_variants(Guess(150), records, "val")
