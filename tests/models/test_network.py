"""The whole embedding network, its heads and its optimizer groups."""

import math
import re

import pytest
import torch

from weakseg.models.heads import ClassifierHead, PyramidHead, PyramidPooling
from weakseg.models.network import build_network, parameter_groups
from weakseg.recipes.recipe import ModelConfig, OptimizerConfig, Recipe
from weakseg.support.errors import RecipeError


def tiny(**changes):
    config = ModelConfig(**{"backbone": "resnet10t", "dimensions": 8} | changes)
    return build_network(config, 3, weights="none")


@pytest.mark.parametrize("head", ["aspp", "psp", "pyramid", "features"])
@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("embedding_stride", [4, 8])
def test_embedding_has_its_stride_and_length_one(head, output_stride, embedding_stride):
    network = tiny(head=head, output_stride=output_stride, embedding_stride=embedding_stride)
    with torch.inference_mode():
        for height, width in [(64, 96), (65, 49), (33, 31)]:
            embedding = network.eval()(torch.rand(2, 3, height, width))
            rows, columns = (math.ceil(side / embedding_stride) for side in (height, width))
            assert embedding.shape == (2, network.dimensions, rows, columns)
            torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2, rows, columns))
            assert network.classify(embedding).shape == (2, 3, rows, columns)


@pytest.mark.parametrize(("head", "levels"), [("aspp", 1), ("psp", 1), ("pyramid", 4)])
def test_the_embedding_is_the_head_on_the_features(head, levels):
    network = tiny(head=head).eval()
    image = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        maps = network.features(image)
        assert torch.equal(network.embed(maps, (8, 12)), network(image))
    sizes = [(16, 24), (8, 12), (4, 6), (4, 6)]  # strides 4, 8, 16, 16
    assert [tuple(each.shape[-2:]) for each in maps] == sizes[-levels:]


def test_same_padding_backbone_takes_odd_sizes():
    network = tiny(backbone="tf_efficientnet_lite0").eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 65, 49)).shape == (1, 8, 9, 7)


def test_input_is_scaled_by_the_network():
    network = tiny(backbone="tf_efficientnet_lite0").eval()
    seen = []
    network.backbone.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.inference_mode():
        network(torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    assert seen[0][0, :, 0, 0].tolist() == [-1.0, 0.0, 1.0]
    assert not {"mean", "std"} & set(network.state_dict())


def test_aspp_reaches_equally_far_at_either_output_stride():
    dilations = {
        stride: [branch.dilation[0] for branch in tiny(output_stride=stride).head.branches]
        for stride in (8, 16)
    }
    assert dilations == {8: [6, 12, 18, 24], 16: [3, 6, 9, 12]}


def test_embedding_is_float32_under_autocast():
    network = tiny().eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(torch.rand(1, 3, 32, 32)).dtype == torch.float32


def test_channels_last_gives_the_same_embedding():
    network, image = tiny(embedding_stride=4).eval(), torch.rand(2, 3, 48, 48)
    with torch.inference_mode():
        expected = network(image)
        network.to(memory_format=torch.channels_last)
        torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "image",
    [torch.rand(3, 32, 32), torch.rand(1, 1, 32, 32), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)],
)
def test_an_image_of_another_shape_or_type_is_refused(image):
    with pytest.raises(ValueError, match=r"Expected `image` to be \(B, 3, H, W\)"):
        tiny()(image)


@pytest.mark.parametrize(
    "change",
    [
        {"output_stride": 32},
        {"head": "fpn"},
        {"embedding_stride": 2},
        {"dimensions": 1},
        {"classifier_hidden": -1},
        {"dilations": [0]},
    ],
)
def test_an_architecture_out_of_range_is_refused_by_key(change):
    key, value = next(iter(change.items()))
    with pytest.raises(RecipeError, match=re.escape(f"model.{key}: expected")) as raised:
        Recipe(model=ModelConfig(**change))
    assert str(raised.value).endswith(f"but got {value!r}")


def test_psp_tells_that_one_image_is_too_few():
    with pytest.raises(RecipeError, match="at least 2 images per training step, but got 1"):
        PyramidPooling(4, 2)(torch.zeros(1, 4, 8, 8))


def test_classifier_with_hidden_channels_uses_neighbours():
    plain, hidden = ClassifierHead(4, 3), ClassifierHead(4, 3, hidden=8)
    assert [module.kernel_size for module in plain] == [(1, 1)]
    assert hidden[0].kernel_size == (3, 3)
    assert hidden(torch.rand(2, 4, 5, 5)).shape == (2, 3, 5, 5)


@pytest.mark.parametrize("head", ["aspp", "psp", "pyramid", "features"])
def test_parameter_groups_hold_every_parameter_once(head):
    network = tiny(head=head, classifier_hidden=16)
    groups = parameter_groups(network, OptimizerConfig(lr=0.003, weight_decay=5e-4))
    members = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(members) == sorted(id(parameter) for parameter in network.parameters())
    assert {g["name"]: (round(g["lr"], 6), g["weight_decay"]) for g in groups} == {
        "backbone": (0.003, 5e-4),
        "head": (0.03, 5e-4),
        "head_bias": (0.06, 0.0),
    }
    head_biases = next(group["params"] for group in groups if group["name"] == "head_bias")
    assert any(p is network.classifier[-1].bias for p in head_biases)
    torch.optim.SGD(groups, momentum=0.9)


def test_freezing_leaves_the_heads_batch_norm_learning():
    network = tiny(head="psp")
    network.backbone.freeze_batch_norm()
    network.train()
    assert not network.backbone.body.bn1.training
    assert network.head[0].join[1].training


def test_every_parameter_gets_a_gradient():
    network = tiny(classifier_hidden=16)
    embedding = network(torch.rand(2, 3, 32, 32))
    (embedding[:, 0].sum() + network.classify(embedding).square().sum()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_pyramid_is_one_convolution_of_the_joined_maps():
    head = PyramidHead((3, 5), 4, hidden=6).eval()
    maps = [torch.rand(2, 3, 4, 6), torch.rand(2, 5, 4, 6)]
    with torch.inference_mode():
        joined = torch.cat(
            [lateral[0](m) for lateral, m in zip(head.laterals, maps, strict=True)], 1
        )
        weight = torch.cat([lateral[1].weight for lateral in head.laterals], 1)
        expected = head.project(torch.nn.functional.conv2d(joined, weight))
        torch.testing.assert_close(head(maps, (4, 6)), expected)


def test_a_pyramid_shows_an_edge_that_the_coarsest_map_cannot():
    """Two pixels of one coarse cell get embeddings of their own from the finer map."""
    torch.manual_seed(0)
    head = PyramidHead((1, 1), 2, hidden=4).eval()
    fine, coarse = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 1, 1)
    fine[..., 2:] = 1
    with torch.inference_mode():
        embedding = head([fine, coarse], (4, 4))
    assert not torch.allclose(embedding[..., 1], embedding[..., 2])
    torch.testing.assert_close(embedding[..., 0], embedding[..., 1])


def test_a_frozen_backbone_leaves_the_pyramid_alone_to_train():
    network = tiny(backbone="tf_efficientnet_lite0", head="pyramid")
    network.backbone.freeze_to_stride(16)
    network(torch.rand(2, 3, 32, 32)).sum().backward()
    trained = {key.split(".")[0] for key, p in network.named_parameters() if p.grad is not None}
    assert trained == {"head"}
    norms = [m for m in network.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
