"""Backbones by name."""

import pytest
import timm
import torch

from weakseg.models.backbone import create_backbone
from weakseg.models.bodies import UnsuitableError, chosen_maps
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
    with pytest.raises(RecipeError, match="got 'qqqqqqqqqq'\\. docs"):
        create_backbone("qqqqqqqqqq", weights="none")


def test_unknown_tag_is_refused():
    with pytest.raises(RecipeError, match="no_such_tag"):
        create_backbone("resnet18.no_such_tag", weights="none")


@pytest.mark.parametrize("name", ["test_mambaout", "densenet121"])
def test_a_network_that_cannot_be_dilated_has_its_own_strides(name):
    backbone = create_backbone(name, output_stride=8, weights="none", all_levels=True).eval()
    assert backbone.level_strides == (4, 8, 16, 32)
    with torch.inference_mode():
        maps = backbone.levels(torch.zeros(1, 3, 65, 33))
    assert [tuple(features.shape[-2:]) for features in maps] == [(17, 9), (9, 5), (5, 3), (3, 2)]


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (97, 130)])
@pytest.mark.parametrize("name", ["test_vit", "test_vit2", "test_coatnet"])
def test_a_transformer_takes_images_of_any_size(name, size):
    backbone = create_backbone(name, weights="none", all_levels=True).eval()
    with torch.inference_mode():
        maps = backbone.levels(torch.randn(1, 3, *size))
    for features, stride, channels in zip(
        maps, backbone.level_strides, backbone.level_channels, strict=True
    ):
        height, width = (-(-side // stride) for side in size)
        assert features.shape == (1, channels, height, width)
        assert features.isfinite().all()


def test_levels_of_a_plain_transformer_are_four_blocks_normalised_without_prefix_tokens():
    backbone = create_backbone("test_vit", weights="none", all_levels=True).eval()
    model = backbone.body.model
    image = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        tokens = model._pos_embed(model.patch_embed(image))
        expected = []
        for block in model.blocks:
            tokens = block(tokens)
            grid = model.norm(tokens)[:, model.num_prefix_tokens :]
            expected.append(grid.transpose(1, 2).reshape(2, -1, 10, 10))
        maps = backbone.levels(image)
        last = create_backbone("test_vit", weights="none").eval()
        last.load_state_dict(backbone.state_dict())
        assert torch.equal(last(image), maps[-1])
    for features, index in zip(maps, [0, 2, 3, 5], strict=True):
        assert torch.allclose(features, expected[index], atol=1e-5)


def test_maps_are_normalised_where_timm_would_only_after_pooling():
    backbone = create_backbone("vit_tiny_patch16_224", weights="none")
    pooled = create_backbone("test_vit2", weights="none")
    assert isinstance(timm.create_model("test_vit2").norm, torch.nn.Identity)
    for network in (backbone, pooled):
        features = network(torch.randn(1, 3, 64, 64))
        assert torch.allclose(features.mean(1), torch.zeros(()), atol=1e-4)


@pytest.mark.parametrize("patch_stride", [8, 11, 16])
def test_patches_may_overlap(patch_stride):
    backbone = create_backbone("test_vit", weights="none", patch_stride=patch_stride).eval()
    assert backbone.level_strides == (patch_stride,)
    with torch.inference_mode():
        features = backbone(torch.randn(1, 3, 50, 97))
    assert features.shape[-2:] == (-(-50 // patch_stride), -(-97 // patch_stride))


def test_an_overlapping_patch_lies_around_its_cell():
    backbone = create_backbone("test_vit", weights="none", patch_stride=8)
    image = torch.zeros(1, 3, 64, 64)
    image[..., 24:32, 40:48] = 1.0
    convolution = backbone.body.model.patch_embed.proj
    torch.nn.init.constant_(convolution.weight, 1.0)
    torch.nn.init.constant_(convolution.bias, 0.0)
    response = convolution(image)[0, 0]
    assert response.argmax().item() == 3 * 8 + 5


@pytest.mark.parametrize(
    ("name", "patch_stride", "reason"),
    [
        ("resnet10t", 8, "no patch embedding"),
        ("test_coatnet", 8, "no patch embedding"),
        ("test_vit", 20, "its patches have 16 pixels"),
    ],
)
def test_patches_that_cannot_overlap_are_refused(name, patch_stride, reason):
    with pytest.raises(RecipeError, match=f"'{name}' cannot be used with patch_stride.*{reason}"):
        create_backbone(name, weights="none", patch_stride=patch_stride)


def test_strides_that_no_head_can_read_are_named():
    with pytest.raises(UnsuitableError, match="strides 64, 128; a head needs one of 32 or less"):
        chosen_maps([64, 128], all_levels=False)
    assert chosen_maps([4, 8, 16, 32, 64], all_levels=False) == [3]


@pytest.mark.parametrize(
    ("name", "stride", "frozen", "trained"),
    [
        ("resnet10t", 4, "body.layer1.0.conv2.weight", "body.layer2.0.conv1.weight"),
        (
            "tf_efficientnet_lite0",
            8,
            "body.blocks.2.1.conv_dw.weight",
            "body.blocks.3.0.conv_pw.weight",
        ),
        (
            "test_mambaout",
            4,
            "body.model.stages.0.blocks.0.conv.weight",
            "body.model.stages.1.blocks.0.conv.weight",
        ),
        ("test_vit", 8, None, "body.model.pos_embed"),
        ("test_vit", 16, "body.model.blocks.5.mlp.fc1.weight", None),
    ],
)
def test_first_layers_are_frozen_up_to_a_stride(name, stride, frozen, trained):
    backbone = create_backbone(name, weights="none")
    backbone.freeze_to_stride(stride)
    parameters = dict(backbone.named_parameters())
    assert frozen is None or not parameters[frozen].requires_grad
    assert trained is None or parameters[trained].requires_grad
    assert (trained is None) == (not any(p.requires_grad for p in parameters.values()))


def test_frozen_layers_stay_in_evaluation_mode():
    backbone = create_backbone("resnet10t", weights="none")
    backbone.freeze_to_stride(4)
    backbone.train()
    assert not backbone.body.bn1.training
    assert not backbone.body.layer1[0].bn1.training
    assert backbone.body.layer2[0].bn1.training


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
