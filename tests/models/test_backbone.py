"""Backbones by name."""

import pytest
import torch

from weakseg.models.backbone import create_backbone
from weakseg.support.errors import RecipeError


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("name", ["resnet10t", "tf_efficientnet_lite0", "convnext_atto"])
def test_features_come_at_the_output_stride(name, output_stride):
    backbone = create_backbone(name, output_stride=output_stride, weights="none").eval()
    with torch.inference_mode():
        features = backbone(torch.zeros(1, 3, 64, 96))
    assert features.shape == (1, backbone.channels, 64 // output_stride, 96 // output_stride)


def test_input_scaling_is_the_pretrained_networks():
    assert create_backbone("tf_efficientnet_lite0", weights="none").mean == (0.5, 0.5, 0.5)
    assert create_backbone("resnet10t", weights="none").mean == (0.485, 0.456, 0.406)


def test_deep_stem_has_64_64_128_channels():
    backbone = create_backbone("resnet50_deep_stem", output_stride=8, weights="none")
    widths = [backbone.body.conv1[i].out_channels for i in (0, 3, 6)]
    assert widths == [64, 64, 128]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("resnet50_deepstem", "resnet50_deep_stem"), ("efficientnet_lit0", "efficientnet_lite0")],
)
def test_unknown_name_is_refused_with_near_ones(name, suggestion):
    with pytest.raises(RecipeError, match=f"got '{name}'.*Did you mean.*'{suggestion}'"):
        create_backbone(name, weights="none")


def test_unknown_name_far_from_any_is_refused_without_suggestion():
    with pytest.raises(RecipeError, match="got 'qqqqqqqqqq'\\. `timm"):
        create_backbone("qqqqqqqqqq", weights="none")


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "vgg11", "densenet121", "resnet18.no_such_tag"]
)
def test_network_without_such_a_feature_map_is_refused(name):
    with pytest.raises(RecipeError, match=r"output stride 8 \(.+\)\. Use a convolutional"):
        create_backbone(name, output_stride=8, weights="none")


def test_other_output_strides_are_refused():
    with pytest.raises(RecipeError, match="8 or 16, but got 32"):
        create_backbone("resnet10t", output_stride=32, weights="none")


def test_frozen_batch_norm_survives_train():
    backbone = create_backbone("resnet10t", output_stride=16, weights="none")
    backbone.freeze_batch_norm()
    backbone.train()
    before = {key: value.clone() for key, value in backbone.named_buffers()}
    backbone(torch.randn(2, 3, 32, 32)).mean().backward()
    assert all(torch.equal(before[key], value) for key, value in backbone.named_buffers())
    assert backbone.body.bn1.weight.grad is None
    assert backbone.body.layer1.training
    assert backbone.body.layer1[0].conv1.weight.grad is not None


def test_levels_are_every_map_from_stride_4_on():
    name = "tf_efficientnet_lite0"
    backbone = create_backbone(name, output_stride=16, weights="none", all_levels=True).eval()
    assert backbone.level_channels == (24, 40, 112, 320)
    with torch.inference_mode():
        maps = backbone.levels(torch.zeros(1, 3, 64, 96))
        assert torch.equal(maps[-1], backbone(torch.zeros(1, 3, 64, 96)))
    sizes = [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 4, 6)]
    assert [tuple(features.shape[1:]) for features in maps] == sizes


def test_the_last_map_does_not_depend_on_the_others_being_asked_for():
    one, all_ = (
        create_backbone("resnet10t", weights="none", all_levels=every).eval()
        for every in (False, True)
    )
    all_.load_state_dict(one.state_dict())
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(one(image), all_(image))
