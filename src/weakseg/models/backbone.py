"""Backbones: timm's networks as feature extractors.

Source: SPML (arXiv 2105.00957), section 4, uses a ResNet-101 whose last two stages are dilated
(output stride 8) and whose first layer is three 3×3 convolutions of 64, 64 and 128 channels. That
is timm's deep stem: `resnet50_deep_stem` and `resnet101_deep_stem` here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import timm
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from weakseg.models.bodies import (
    UnsuitableError,
    chosen_maps,
    dilated_body,
    feeding_parameters,
    intermediates_body,
    intermediates_model,
    overlap_patches,
)
from weakseg.models.map_geometry import ODD, MapGeometry
from weakseg.models.weights import load_weights
from weakseg.support.errors import RecipeError

OutputStride = Literal[8, 16]

_TIMM_NAMES = {"resnet50_deep_stem": "resnet50s", "resnet101_deep_stem": "resnet101s"}
_OTHERS = (
    "Use another, such as 'tf_efficientnet_lite0', 'resnet50', 'convnext_tiny' or "
    "'vit_small_patch16_224'; docs/backbones.md lists the families"
)
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """Feature extractor, with the normalisation its input needs.

    Shape:
        - Input: (B, 3, H, W), scaled by `mean` and `std`
        - Output: (B, channels, h, w) with h, w about H, W divided by `output_stride`

    Args:
        body: Module that returns a list of feature maps.
        geometry: Strides, channels and sizes of those maps.
        taken: Indices of the maps that are used, the last of them above all.
        every_stride: Strides of all maps of the network, where the body returns some of them.
        mean: Per channel, to be subtracted from values in 0 … 1, as in pretraining.
        std: Per channel, to divide the difference by.
    """

    def __init__(
        self,
        body: nn.Module,
        geometry: MapGeometry,
        *,
        taken: Sequence[int] = (-1,),
        every_stride: Sequence[int] = (),
        mean: tuple[float, ...] = _IMAGENET_MEAN,
        std: tuple[float, ...] = _IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.body = body
        self.geometry = geometry
        self.level_strides, self.level_channels = geometry.of(taken)[:2]
        self.channels = self.level_channels[-1]
        self.output_stride = self.level_strides[-1]
        self.mean = mean
        self.std = std
        self._taken = tuple(taken)
        self._every_stride = tuple(every_stride) or geometry.strides
        self._batch_norm_frozen = False
        self._frozen: list[nn.Module] = []

    def forward(self, image: Tensor) -> Tensor:
        """Return the last feature map."""
        return self.levels(image)[-1]  # (B, channels, h, w)

    def levels(self, image: Tensor) -> list[Tensor]:
        """Return every feature map, the finest first: (B, level_channels[i], h_i, w_i)."""
        maps: list[Tensor] = self.body(self.geometry.fit(image))
        size = (image.shape[-2], image.shape[-1])
        return [
            self.geometry.restore(maps[index], stride, size)
            for index, stride in zip(self._taken, self.level_strides, strict=True)
        ]

    def freeze_batch_norm(self) -> None:
        """Freeze batch normalisation: its present statistics, scale and shift.

        For small batches, whose statistics are noise. It survives `train()`.
        """
        self._batch_norm_frozen = True
        for layer in self._batch_norms():
            for parameter in layer.parameters():
                parameter.requires_grad_(False)
        self.train(self.training)

    def freeze(self) -> None:
        """Freeze all layers as they are, batch normalisation included."""
        self._frozen = [self.body]
        self.body.requires_grad_(False)
        self.train(self.training)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._frozen = []
        self.body.requires_grad_(True)
        self.train(self.training)

    def freeze_to_stride(self, stride: int) -> None:
        """Freeze the first layers.

        Without gradients for the largest feature maps a step is a third cheaper.

        Args:
            stride: Layers whose output has at most this stride are frozen. 4 is the stem and the
                first stage, which the released code freezes too; 0 is none.
        """
        parameter = next(self.parameters(), torch.empty(0))
        image = torch.zeros(1, 3, *ODD, device=parameter.device, dtype=parameter.dtype)
        mode = self.training
        self.eval()
        first = feeding_parameters(self.body, self.geometry.fit(image), self._every_stride, stride)
        for parameter in first:
            parameter.requires_grad_(False)
        if first:
            self._frozen += [module for module in self.body.modules() if _is_frozen(module)]
        self.train(mode)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; frozen modules stay in evaluation mode."""
        super().train(mode)
        for module in [*self._frozen, *(self._batch_norms() if self._batch_norm_frozen else [])]:
            module.eval()
        return self

    def _batch_norms(self) -> list[_BatchNorm]:
        return [module for module in self.modules() if isinstance(module, _BatchNorm)]


def create_backbone(
    name: str,
    *,
    output_stride: OutputStride = 16,
    weights: str | Path = "auto",
    all_levels: bool = False,
    patch_stride: int = 0,
) -> Backbone:
    """Build a backbone by name.

    Args:
        name: A timm model, with or without its pretrained tag, or `resnet50_deep_stem`,
            `resnet101_deep_stem`.
        output_stride: 8 or 16: later stages of a convolutional network are dilated to keep it.
            Networks that cannot be dilated have the strides they have.
        weights: "auto" for ImageNet weights, "none" for random ones, or a file.
        all_levels: Return the feature maps of every stride from 4 on, not the last alone; of a
            plain transformer, those of four blocks.
        patch_stride: Pixels from patch to patch of a plain transformer, if they are to overlap; 0:
            they do not.

    Returns:
        The backbone, in training mode. It takes images of any size.

    Raises:
        RecipeError: The name is unknown, or the network has no feature maps that a head can read.
        WeightsError: The weights cannot be found, read or fitted.

    Examples:
        >>> create_backbone("resnet10t", output_stride=8, weights="none").channels
        512
        >>> vit = create_backbone("test_vit", weights="none", all_levels=True, patch_stride=8)
        >>> vit.level_strides, vit.level_channels
        ((8, 8, 8, 8), (64, 64, 64, 64))
    """
    if output_stride not in (8, 16):
        raise RecipeError(f"Expected `output_stride` to be 8 or 16, but got {output_stride}.")
    timm_name = timm_model_name(name)
    dilated = None if patch_stride else dilated_body(timm_name, output_stride)
    try:
        if dilated is not None:
            backbone = _dilated(timm_name, *dilated, all_levels=all_levels)
            load_weights(backbone.body, timm_name, weights)
            return backbone
        model = intermediates_model(timm_name)
        load_weights(model, timm_name, weights)
        return _undilated(timm_name, model, all_levels=all_levels, patch_stride=patch_stride)
    except UnsuitableError as error:
        option = f" with patch_stride {patch_stride}" if patch_stride else ""
        raise RecipeError(
            f"Backbone '{timm_name}' cannot be used{option}: {error}. {error.remedy or _OTHERS}."
        ) from error


def _dilated(name: str, body: nn.Module, geometry: MapGeometry, *, all_levels: bool) -> Backbone:
    taken = chosen_maps(geometry.strides, all_levels=all_levels)
    return Backbone(body, geometry, taken=taken, **_scaling(name))


def _undilated(name: str, model: nn.Module, *, all_levels: bool, patch_stride: int) -> Backbone:
    if patch_stride:
        overlap_patches(model, patch_stride)
    body, geometry = intermediates_body(model)
    taken = chosen_maps(geometry.strides, all_levels=all_levels)
    body.choose(taken)
    return Backbone(
        body,
        geometry.of(taken),
        taken=range(len(taken)),
        every_stride=geometry.strides,
        **_scaling(name),
    )


def _scaling(timm_name: str) -> dict[str, Any]:
    config = timm.get_pretrained_cfg(timm_name)
    return {} if config is None else {"mean": tuple(config.mean), "std": tuple(config.std)}


def timm_model_name(name: str) -> str:
    """Translate a backbone's name to timm's.

    Raises:
        RecipeError: timm has no such model.
    """
    timm_name = _TIMM_NAMES.get(name, name)
    if timm.is_model(timm_name):
        return timm_name
    known = [*_TIMM_NAMES, *timm.list_models()]
    matches = difflib.get_close_matches(name, known, n=4, cutoff=0.6)
    matches = matches or [model for model in known if name in model][:4]
    suggestion = f" Did you mean {' or '.join(map(repr, matches))}?" if matches else ""
    raise RecipeError(
        f"Expected `backbone` to be a model of timm {timm.__version__}, but got '{name}'."
        f"{suggestion} docs/backbones.md lists the families of networks."
    )


def _is_frozen(module: nn.Module) -> bool:
    """Whether a module has parameters, none of them trainable."""
    trainable = [parameter.requires_grad for parameter in module.parameters()]
    return bool(trainable) and not any(trainable)
