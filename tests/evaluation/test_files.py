import json

import numpy as np
import pytest

from weakseg.evaluation.files import read_scores, write_scores, write_variants
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.variants import Variant
from weakseg.recipes.recipe import InferenceConfig
from weakseg.support.errors import DataError

SCORES = Scores(("sky", "kühe", "sea"), np.array([[5, 1, 0], [2, 7, 0], [0, 0, 0]]))
PROTOCOL = Protocol("val", 12, scales=(0.5, 1.0), flip=True, labels="classifier", notes=("tiled",))


def test_scores_and_protocol_come_back_from_disk_and_are_written_alike(tmp_path):
    path = tmp_path / "run" / "scores.json"
    write_scores(path, SCORES, PROTOCOL)
    scores, protocol = read_scores(path)
    assert protocol == PROTOCOL
    assert scores.to_json() == SCORES.to_json()
    first = path.read_bytes()
    write_scores(path, scores, protocol)
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["scores.json"]


def test_a_reader_of_the_file_finds_fractions_and_the_protocol(tmp_path):
    write_scores(tmp_path / "scores.json", SCORES, PROTOCOL)
    data = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert data["pixel_accuracy"] == pytest.approx(12 / 15)
    assert data["iou"]["kühe"] == pytest.approx(0.7)
    assert data["iou"]["sea"] is None
    assert data["absent"] == ["sea"]
    assert data["protocol"]["description"] == PROTOCOL.describe()


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_scores(path, SCORES, Protocol("half \ud800", 1))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"protocol": {"split": "val"}}',
        '{"protocol": {"speed": 1}}',
        '{"protocol": "val", "classes": ["a"], "confusion": [[1]]}',
        '{"protocol": {"split": "val", "images": 1, "crf": "thick"}}',
        "[" * 100_000,
    ],
)
def test_a_file_that_holds_no_scores_is_named(tmp_path, content):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"scores\.json: Expected scores"):
        read_scores(path)


def test_a_protocol_says_everything_in_one_line():
    assert PROTOCOL.describe() == (
        "val split, 12 images; scales 0.5, 1; flipped too; labels by classifier; no CRF; tiled"
    )
    config = InferenceConfig(scales=[0.75], crf="deeplab", tile=512)
    assert Protocol.of(config, "val", 3, notes=["upright"]).describe() == (
        "val split, 3 images; scale 0.75; not flipped; labels by retrieval; deeplab CRF; "
        "tiles of 512; upright"
    )
    assert Protocol("test", 1).describe().startswith("test split, 1 image; scale 1; not flipped")
    given = Protocol("val", 2, labels="masks", notes=("by hand",))
    assert given.describe() == "val split, 2 images; masks as given; by hand"
    with pytest.raises(ValueError, match="Expected `labels`"):
        Protocol("val", 1, labels="guess")
    assert "image-guided upsampling" not in PROTOCOL.describe()
    guided = Protocol.of(InferenceConfig(upsample="guided"), "val", 3)
    assert "labels by retrieval; image-guided upsampling; no CRF" in guided.describe()
    assert Protocol.from_json(guided.to_json() | {"notes": []}) == guided


@pytest.mark.parametrize(("before", "now"), [(False, "none"), (True, "deeplab")])
def test_a_file_of_an_older_version_is_still_read(tmp_path, before, now):
    path = tmp_path / "scores.json"
    protocol = {
        "description": "…",
        "split": "val",
        "images": 2,
        "scales": [1.0],
        "flip": False,
        "labels": "retrieval",
        "crf": before,
        "notes": [],
    }
    old = {"protocol": protocol, "mean_iou": 1.0, "classes": ["sky"], "confusion": [[3]]}
    path.write_text(json.dumps(old))
    scores, read = read_scores(path)
    assert scores.mean_iou == 1
    assert read == Protocol("val", 2, crf=now)


def test_variants_are_written_each_with_its_name_and_protocol(tmp_path):
    path = tmp_path / "scores.json"
    sharp = Protocol("val", 12, crf="deeplab")
    write_variants(path, [Variant("no CRF", SCORES, PROTOCOL), Variant("sharp", SCORES, sharp)])
    first, second = json.loads(path.read_text("utf-8"))["variants"]
    assert (first.pop("name"), second.pop("name")) == ("no CRF", "sharp")
    assert second["protocol"]["crf"] == "deeplab"
    alone = tmp_path / "alone.json"
    write_scores(alone, SCORES, PROTOCOL)
    assert first == json.loads(alone.read_text("utf-8"))
