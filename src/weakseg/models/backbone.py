"""Backbones: timm's networks as feature extractors at output stride 8 or 16.

Source: SPML (arXiv 2105.00957), section 4, uses a ResNet-101 whose last two stages are dilated
(output stride 8) and whose first layer is three 3×3 convolutions of 64, 64 and 128 channels. That
is timm's deep stem: `resnet50_deep_stem` and `resnet101_deep_stem` here.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal, Self

import timm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from weakseg.models.weights import load_weights
from weakseg.support.errors import RecipeError

OutputStride = Literal[8, 16]

_TIMM_NAMES = {"resnet50_deep_stem": "resnet50s", "resnet101_deep_stem": "resnet101s"}
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FINEST = 4  # stride of the finest level


class Backbone(nn.Module):
    """Feature extractor, with the normalisation its input needs.

    Shape:
        - Input: (B, 3, H, W), scaled by `mean` and `std`
        - Output: (B, channels, h, w) with h, w about H, W divided by `output_stride`

    Args:
        body: Module that returns a list of feature maps, the coarsest last.
        channels: Channels of the last map.
        output_stride: Pixels of the image per pixel of the last map.
        level_channels: Channels of every map; by default there is the last alone.
        level_strides: Their strides.
        mean: Per channel, to be subtracted from values in 0 … 1, as in pretraining.
        std: Per channel, to divide the difference by.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        channels: int,
        output_stride: OutputStride,
        mean: tuple[float, ...] = _IMAGENET_MEAN,
        std: tuple[float, ...] = _IMAGENET_STD,
        level_channels: tuple[int, ...] = (),
        level_strides: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.body = body
        self.channels = channels
        self.level_channels = level_channels or (channels,)
        self.level_strides = level_strides or (output_stride,)
        self.output_stride = output_stride
        self.mean = mean
        self.std = std
        self._batch_norm_frozen = False
        self._frozen: list[nn.Module] = []

    def forward(self, image: Tensor) -> Tensor:
        """Return the last feature map."""
        return self.levels(image)[-1]  # (B, channels, h, w)

    def levels(self, image: Tensor) -> list[Tensor]:
        """Return every feature map, the finest first: (B, level_channels[i], h_i, w_i)."""
        maps: list[Tensor] = self.body(image)
        return maps

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
        levels: list[dict[str, Any]] = self.body.feature_info.info  # type: ignore[union-attr, assignment]
        frozen = [
            level["module"].replace(".", "_") for level in levels if level["reduction"] <= stride
        ]
        if not frozen:
            return
        for name, module in self._in_order():
            flat = name.replace(".", "_")
            if frozen[-1].startswith(f"{flat}_"):
                continue  # a container such as `blocks`, of which only the first part is frozen
            self._frozen.append(module)
            for parameter in module.parameters():
                parameter.requires_grad_(False)
            if flat == frozen[-1]:
                break
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; frozen modules stay in evaluation mode."""
        super().train(mode)
        for module in [*self._frozen, *(self._batch_norms() if self._batch_norm_frozen else [])]:
            module.eval()
        return self

    def _in_order(self) -> list[tuple[str, nn.Module]]:
        """List the modules one and two levels down, in the order of the forward pass."""
        return [
            (name, module)
            for name, module in self.body.named_modules()
            if name and name.count(".") <= 1
        ]

    def _batch_norms(self) -> list[_BatchNorm]:
        return [module for module in self.modules() if isinstance(module, _BatchNorm)]


def create_backbone(
    name: str,
    *,
    output_stride: OutputStride = 16,
    weights: str | Path = "auto",
    all_levels: bool = False,
) -> Backbone:
    """Build a backbone by name.

    Args:
        name: A timm model, with or without its pretrained tag, or `resnet50_deep_stem`,
            `resnet101_deep_stem`.
        output_stride: 8 or 16; later stages are dilated to keep it.
        weights: "auto" for ImageNet weights, "none" for random ones, or a file.
        all_levels: Return the feature maps of every stride from 4 on, not the last alone.

    Returns:
        The backbone, in training mode.

    Raises:
        RecipeError: The name is unknown, or the network has no feature map at that stride.
        WeightsError: The weights cannot be found, read or fitted.

    Examples:
        >>> create_backbone("resnet10t", output_stride=8, weights="none").channels
        512
    """
    if output_stride not in (8, 16):
        raise RecipeError(f"Expected `output_stride` to be 8 or 16, but got {output_stride}.")
    timm_name = _timm_name(name)
    body, channels, strides = _feature_body(timm_name, output_stride, all_levels)
    load_weights(body, timm_name, weights)
    config = timm.get_pretrained_cfg(timm_name)
    scaling = {} if config is None else {"mean": tuple(config.mean), "std": tuple(config.std)}
    return Backbone(
        body,
        channels=channels[-1],
        output_stride=output_stride,
        level_channels=channels,
        level_strides=strides,
        **scaling,
    )


def _timm_name(name: str) -> str:
    """Translate a backbone's name to timm's; raise an error for unknown names."""
    timm_name = _TIMM_NAMES.get(name, name)
    if timm.is_model(timm_name):
        return timm_name
    known = [*_TIMM_NAMES, *timm.list_models()]
    matches = difflib.get_close_matches(name, known, n=4, cutoff=0.6)
    suggestion = f" Did you mean {' or '.join(map(repr, matches))}?" if matches else ""
    raise RecipeError(
        f"Expected `backbone` to be a model of timm {timm.__version__}, but got '{name}'."
        f"{suggestion} `timm.list_models('*resnet*')` lists names."
    )


def _feature_body(
    timm_name: str, output_stride: int, all_levels: bool
) -> tuple[nn.Module, tuple[int, ...], tuple[int, ...]]:
    """Build the network without its classifier, with random weights.

    Returns:
        The network, and the channels and strides of its levels.
    """
    options: dict[str, Any] = {"features_only": True, "output_stride": output_stride}
    try:
        body: nn.Module = timm.create_model(timm_name, out_indices=(-1,), **options)
        if all_levels:
            reductions = [level["reduction"] for level in body.feature_info.info]  # type: ignore[union-attr]
            levels = tuple(i for i, reduction in enumerate(reductions) if reduction >= _FINEST)
            body = timm.create_model(timm_name, out_indices=levels, **options)
        strides, channels = body.feature_info.reduction(), body.feature_info.channels()  # type: ignore[operator, union-attr]
    except Exception as error:  # each family of timm fails in its own way, some by `assert`
        raise _unsuitable(timm_name, output_stride, str(error) or type(error).__name__) from error
    if strides[-1] != output_stride:
        raise _unsuitable(
            timm_name, output_stride, f"its last feature map has stride {strides[-1]}"
        )
    return body, tuple(map(int, channels)), tuple(map(int, strides))


def _unsuitable(timm_name: str, output_stride: int, reason: str) -> RecipeError:
    return RecipeError(
        f"Backbone '{timm_name}' has no feature map at output stride {output_stride} ({reason}). "
        "Use a convolutional network that timm can dilate, such as 'tf_efficientnet_lite0', "
        "'resnet50' or 'convnext_tiny'."
    )
