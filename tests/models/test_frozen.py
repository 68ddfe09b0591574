"""Features of a frozen backbone, kept on disk by the content of the image."""

import copy
import json
import logging
import os
from pathlib import Path

import pytest
import torch

from weakseg.models.frozen import SETTINGS_FILE, FeatureCache, cut_window, rounded_features
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.recipes.recipe import ModelConfig
from weakseg.support.errors import NonFiniteError

GIB = 2**30
IMAGE = torch.randint(0, 256, (3, 75, 100), generator=torch.Generator().manual_seed(0)).byte()


def network(**changes) -> EmbeddingNetwork:
    torch.manual_seed(0)
    config = {"backbone": "test_resnet", "head": "pyramid", "dimensions": 8, "train": "head"}
    return build_network(ModelConfig(**config | changes), 3, weights="none")


def as_input(*images) -> torch.Tensor:
    return torch.stack(images).float() / 255


def entries(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.safetensors"))


def never() -> list[torch.Tensor]:
    raise AssertionError("features that are kept are not computed")


@pytest.mark.parametrize("head", ["aspp", "psp", "pyramid"])
@pytest.mark.parametrize("stride", [4, 8])
def test_kept_and_computed_features_are_the_same(tmp_path, head, stride):
    plain = network(head=head, embedding_stride=stride)
    keeping = network(head=head, embedding_stride=stride)
    keeping.keep_features(tmp_path, 1.0)
    image = as_input(IMAGE, IMAGE.flip(-1))
    computed = plain.features(image)
    for _ in range(2):  # computed and written, then read
        for one, other in zip(computed, keeping.features(image), strict=True):
            assert torch.equal(one, other)
            assert torch.equal(one, one.half().float())
    assert len(entries(tmp_path)) == 2
    rows = -(-75 // stride)
    assert max(each.shape[-2] for each in computed) <= rows
    assert plain.eval()(image).shape == (2, 8, rows, -(-100 // stride))


def test_kept_features_are_read_without_the_backbone(tmp_path, monkeypatch):
    keeping = network()
    keeping.keep_features(tmp_path, 1.0)
    kept = keeping.features(as_input(IMAGE))
    monkeypatch.setattr(keeping.backbone, "levels", never)
    for one, other in zip(kept, keeping.features(as_input(IMAGE)), strict=True):
        assert torch.equal(one, other)


def test_the_backbone_stays_as_it_is_in_training():
    trained = network().train()
    before = {key: value.clone() for key, value in trained.backbone.state_dict().items()}
    trained(as_input(IMAGE, IMAGE)).square().mul(torch.rand(8, 1, 1)).sum().backward()
    assert all(
        torch.equal(before[key], value) for key, value in trained.backbone.state_dict().items()
    )
    assert all(parameter.grad is None for parameter in trained.backbone.parameters())
    assert all(parameter.grad is not None for parameter in trained.head.parameters())
    assert not trained.backbone.body.training
    assert trained.head.training


def test_a_network_that_is_trained_whole_keeps_nothing(tmp_path):
    whole = network(train="network")
    whole.keep_features(tmp_path, 1.0)
    whole.features(as_input(IMAGE))
    assert whole.cache is None
    assert not entries(tmp_path)


def test_a_budget_of_nothing_keeps_nothing(tmp_path):
    plain = network()
    plain.keep_features(tmp_path, 0.0)
    plain.features(as_input(IMAGE))
    assert not entries(tmp_path)


def test_windows_are_slices_of_the_image_in_every_map():
    # Maps whose cells carry their own place in the image
    rows, columns = torch.meshgrid(torch.arange(0, 96, 8), torch.arange(0, 160, 8), indexing="ij")
    fine = torch.stack([rows, columns]).float()  # (2, 12, 20), stride 8
    coarse = fine[:, ::2, ::2]  # stride 16
    for corner in [(0, 0), (16, 48), (32, 96)]:
        for cut, stride in zip(
            cut_window([fine, coarse], [8, 16], corner, 64), [8, 16], strict=True
        ):
            assert cut.shape == (2, 64 // stride, 64 // stride)
            assert cut[:, 0, 0].tolist() == list(corner)
            assert cut[:, -1, -1].tolist() == [side + 64 - stride for side in corner]


def test_the_border_goes_on_beyond_the_image():
    cut = cut_window([torch.arange(12.0).view(1, 3, 4)], [16], (16, 32), 48)[0]
    assert cut.tolist() == [[[6, 7, 7], [10, 11, 11], [10, 11, 11]]]


def test_a_damaged_entry_is_computed_again(tmp_path):
    keeping = network()
    keeping.keep_features(tmp_path, 1.0)
    kept = keeping.features(as_input(IMAGE))
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()
    for damaged in (whole[:-7], whole[:20], b"", b"rubbish"):
        entry.write_bytes(damaged)
        for one, other in zip(kept, keeping.features(as_input(IMAGE)), strict=True):
            assert torch.equal(one, other)
        assert entry.read_bytes() == whole


def test_other_weights_have_another_folder_and_that_is_logged(tmp_path, caplog):
    first = network()
    first.keep_features(tmp_path, 1.0)
    first.features(as_input(IMAGE))
    other = network()
    with torch.no_grad():
        next(other.backbone.parameters()).add_(1)
    again = copy.deepcopy(other)
    with caplog.at_level(logging.INFO):
        for each in (other, again):  # as the stages of a run, which build a network each
            each.keep_features(tmp_path, 1.0)
        maps = other.features(as_input(IMAGE))
        again.features(as_input(IMAGE, IMAGE.flip(-1)))
    assert caplog.text.count("other weights") == 1
    assert "the old ones stay while data.feature_budget (1 GiB) has room" in caplog.text
    assert not torch.equal(maps[0], first.features(as_input(IMAGE))[0])
    assert len({entry.parent for entry in entries(tmp_path)}) == 2
    caplog.clear()
    with caplog.at_level(logging.INFO):
        network().keep_features(tmp_path, 1.0)  # its folder is there
    assert not caplog.text


def test_another_timm_has_another_folder(tmp_path, monkeypatch):
    for version in ("1.0.0", "2.0.0"):
        monkeypatch.setattr("timm.__version__", version)
        keeping = network()
        keeping.keep_features(tmp_path, 1.0)
        keeping.features(as_input(IMAGE))
    named = [json.loads(path.read_text()) for path in tmp_path.glob(f"*/{SETTINGS_FILE}")]
    assert {each["timm"] for each in named} == {"1.0.0", "2.0.0"}
    assert {each["backbone"] for each in named} == {"test_resnet"}


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path, caplog):
    (tmp_path / "features").write_text("a file in its place")
    keeping = network()
    keeping.keep_features(tmp_path / "features", 1.0)
    for image in (IMAGE, IMAGE.flip(-1), IMAGE):
        assert torch.equal(
            keeping.features(as_input(image))[0], network().features(as_input(image))[0]
        )
    assert caplog.text.count("are not kept, but computed again for each use") == 1


def cache(root: Path, name: str, budget: int) -> FeatureCache:
    return FeatureCache(root, {"backbone": name}, budget)


def numbered(number: int) -> torch.Tensor:
    return torch.full((3, 4, 4), number, dtype=torch.uint8)


def kilobyte() -> list[torch.Tensor]:
    return [torch.zeros(1, 16, 32, dtype=torch.float16)]


def test_beyond_the_budget_nothing_is_kept_and_that_is_said_once(tmp_path, caplog):
    full = cache(tmp_path, "resnet", 4_000)
    with caplog.at_level(logging.INFO):
        for number in range(8):
            assert full.features(numbered(number), kilobyte)[0].shape == (1, 16, 32)
    assert 2 <= len(entries(tmp_path)) <= 3
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 4_000
    assert caplog.text.count("is used up") == 1
    full.features(numbered(0), never)


def test_folders_of_other_networks_make_way_the_longest_unused_first(tmp_path):
    for age, name in enumerate(["new", "old", "oldest"]):
        made = cache(tmp_path, name, GIB)
        for number in range(2):
            made.features(numbered(number), kilobyte)
        moment = 1_000_000_000 - age
        os.utime(made.folder, (moment, moment))
    cache(tmp_path, "old", GIB)  # used again
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    latest = cache(tmp_path, "latest", size + 500)
    latest.features(numbered(0), kilobyte)
    kept = {
        json.loads(path.read_text())["backbone"] for path in tmp_path.glob(f"*/{SETTINGS_FILE}")
    }
    assert kept == {"new", "old", "latest"}


def test_images_of_other_shape_but_the_same_bytes_differ(tmp_path):
    kept = cache(tmp_path, "resnet", GIB)
    kept.features(torch.zeros(3, 4, 6, dtype=torch.uint8), kilobyte)
    kept.features(torch.zeros(3, 6, 4, dtype=torch.uint8), kilobyte)
    assert len(entries(tmp_path)) == 2


def test_features_that_are_not_finite_are_refused_and_large_ones_clamped():
    for wrong in ("nan", "inf", "-inf"):
        with pytest.raises(NonFiniteError, match=r"model\.weights"):
            rounded_features([torch.full((1, 1, 2, 2), float(wrong))], (2, 2))
    large = rounded_features([torch.full((1, 1, 2, 2), 1e9)], (2, 2))[0]
    assert large.tolist() == [[[[65504.0] * 2] * 2]]
