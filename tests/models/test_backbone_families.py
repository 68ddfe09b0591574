"""One small network of every family of timm, against the table of docs/backbones.md."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import timm
import torch

from weakseg.models.backbone import create_backbone

_PAGE = (Path(__file__).parents[2] / "docs/backbones.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (\w+) \| `(\w+)` \| ([\d, ]+) \| (.+) \|$", re.MULTILINE)
ROWS = {
    family: (model, tuple(map(int, strides.split(", "))), images)
    for family, model, strides, images in _ROW.findall(_PAGE)
}
QUICK = ("convnext", "efficientnet", "mambaout", "maxxvit", "starnet", "vision_transformer")
_VERSION = re.search(r"timm (\d+\.\d+\.\d+)", _PAGE)[1]

pytestmark = pytest.mark.skipif(timm.__version__ != _VERSION, reason=f"of timm {_VERSION}")


def test_every_family_of_timm_has_a_row_with_a_model_of_its_own():
    modules = (name for name in timm.list_modules() if find_spec(f"timm.models.{name}"))
    assert list(ROWS) == sorted(modules)  # without those that other tests register
    for family, (model, _, _) in ROWS.items():
        assert model in timm.list_models(module=family)


@pytest.mark.parametrize(
    "family",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ROWS],
)
def test_a_family_has_the_levels_of_its_row_at_any_size(family):
    model, strides, images = ROWS[family]
    backbone = create_backbone(model, weights="none", all_levels=True).eval().requires_grad_(False)
    assert backbone.level_strides == strides
    assert backbone.geometry.sizes_taken() == images
    for size in ((97, 130), (3, 5)):
        image = torch.randn(1, 3, *size, requires_grad=True)
        maps = backbone.levels(image)
        for features, stride, channels in zip(maps, strides, backbone.level_channels, strict=True):
            cells = tuple(-(-side // stride) for side in size)
            assert features.shape == (1, channels, *cells)
            assert features.isfinite().all()
            assert features.requires_grad
        sum(features.square().sum() for features in maps).backward()
        assert image.grad.isfinite().all()
        assert image.grad.abs().sum() > 0
