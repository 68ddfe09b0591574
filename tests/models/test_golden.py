"""Heads and dilated ResNet against the numbers of the released code."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from weakseg.models.backbone import Backbone, create_backbone
from weakseg.models.heads import ASPP, PyramidPooling
from weakseg.models.map_geometry import MapGeometry

_REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(os.environ.get("WEAKSEG_SHARED", _REPOSITORY.parent / "shared")) / "golden"


def load_case(name):
    path = GOLDEN / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as case:
        return dict(case)


def formula_weights(names, module, rename):
    """Entries by the formula of golden/README.md, under our names."""
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    entries = {}
    for i, name in enumerate(names):
        if name.endswith("num_batches_tracked"):
            continue
        shape = shapes[rename(name)]
        j = np.arange(np.prod(shape))
        wave = np.sin(0.37 * j * (1 + i % 7) + i).reshape(shape)
        if name.endswith("running_var"):
            value = 1 + 0.3 * wave
        elif name.endswith("running_mean"):
            value = 0.1 * wave
        elif len(shape) == 1:
            value = 1 + 0.2 * wave if name.endswith("weight") else 0.1 * wave
        else:
            value = wave * np.sqrt(2 / np.prod(shape[1:]))
        entries[rename(name)] = torch.tensor(value, dtype=torch.float32)
    return entries


def fill_by_formula(module, names, rename):
    entries = formula_weights(names, module, rename)
    result = module.load_state_dict(entries, strict=False)
    assert not result.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in result.missing_keys)
    return module.eval()


def assert_close(ours, golden):
    scale = np.abs(golden).max()
    np.testing.assert_allclose(ours.detach().numpy(), golden, rtol=0, atol=1e-4 * scale)


def test_aspp_is_the_released_one():
    case = load_case("head_aspp")
    head = fill_by_formula(
        ASPP(24, 8),
        case["parameter_names"],
        lambda name: re.sub(r"aspp_(\d)\.0", lambda m: f"branches.{int(m[1]) - 1}", name),
    )
    assert_close(head(torch.tensor(case["input"])), case["output"])


def test_pyramid_pooling_is_the_released_one():
    case = load_case("head_pspp")

    def rename(name):
        name = re.sub(r"pspp_(\d)", lambda m: f"branches.{int(m[1]) - 1}", name)
        return re.sub(r"^conv\.", "join.", name)

    head = fill_by_formula(PyramidPooling(24, 8), case["parameter_names"], rename)
    assert_close(head(torch.tensor(case["input"])), case["output"])


def deep_stem_name(name):
    """The released names of the dilated ResNet, in timm's."""
    name = re.sub(r"^conv1\.(conv1|bn1)", r"\1", name)
    return re.sub(r"^res(\d)", lambda m: f"layer{int(m[1]) - 1}", name)


def short_resnet(blocks):
    body = timm.create_model(
        "resnet50s", features_only=True, output_stride=8, out_indices=(1, 4), layers=blocks
    )
    return Backbone(body, MapGeometry(strides=(4, 8), channels=(256, 2048)))


def test_a_shorter_deep_stem_resnet_is_the_released_one():
    case = load_case("backbone_deeplab")
    backbone = short_resnet(tuple(case["blocks"].tolist()))
    fill_by_formula(backbone.body, case["parameter_names"], deep_stem_name)
    with torch.inference_mode():
        res2, res5 = backbone.body(torch.tensor(case["image"]))
    assert_close(res2[:, :8], case["res2"])
    assert_close(res5[:, :32], case["res5"])
    assert_close(res5.mean((2, 3)), case["res5_mean"])


def test_resnet50_deep_stem_is_the_released_one():
    case = load_case("backbone_deeplab50")
    backbone = create_backbone("resnet50_deep_stem", output_stride=8, weights="none")
    fill_by_formula(backbone.body, case["parameter_names"], deep_stem_name)
    with torch.inference_mode():
        res5 = backbone(torch.tensor(case["image"]))
    assert_close(res5[:, :32], case["res5"])
    assert_close(res5.mean((2, 3)), case["res5_mean"])
