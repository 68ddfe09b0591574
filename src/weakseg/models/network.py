"""Embedding network: one unit vector per pixel, and a classifier on top of it.

Source: SPML (arXiv 2105.00957), sections 3.1 (embedding) and 4 (networks and learning rates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from weakseg.method.vectors import full_precision, unit_length
from weakseg.models.backbone import Backbone, create_backbone
from weakseg.models.heads import ASPP, PSP, ClassifierHead, PyramidHead
from weakseg.recipes.recipe import ModelConfig, OptimizerConfig
from weakseg.support.files import replacing

_ASPP_REACH = (48, 96, 144, 192)
"""The paper's dilations (6, 12, 18, 24 at output stride 8) in pixels of the image."""


class EmbeddingNetwork(nn.Module):
    """Image to unit-length embedding; embedding to class scores.

    Images are passed in 0 … 1 whatever the backbone: the network normalises them itself.

    Shape:
        - Input: (B, 3, H, W), floating, in 0 … 1
        - Output: (B, D, ceil(H / s), ceil(W / s)) with s the embedding's stride, vectors of
          length one, in float32 also under autocast

    Args:
        backbone: Image to features.
        head: Features to embedding.
        classifier: Embedding to logits.
        config: Architecture of the parts.
        num_classes: Classes C, background included.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        classifier: nn.Module,
        config: ModelConfig,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.backbone = backbone
        self.head = head
        self.classifier = classifier
        for key in ("mean", "std"):
            values = torch.tensor(getattr(backbone, key)).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the embedding.

        Raises:
            ValueError: `image` has another shape or type.
        """
        maps = self.features(image)
        height, width = (-(-side // self.config.embedding_stride) for side in image.shape[-2:])
        return self.embed(maps, (height, width))

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the backbone's feature maps that the head reads, the finest first.

        Args:
            image: (B, 3, H, W), floating, in 0 … 1.

        Returns:
            Maps (B, channels_i, h_i, w_i): of every level for a pyramid head, else the last alone.

        Raises:
            ValueError: `image` has another shape or type.
        """
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            raise ValueError(
                "Expected `image` to be (B, 3, H, W), floating, in 0 … 1, but got "
                f"{tuple(image.shape)}, {image.dtype}."
            )
        pixels = (image - self.mean) / self.std  # (B, 3, H, W)
        if isinstance(self.head, PyramidHead):
            return self.backbone.levels(pixels)
        return [self.backbone(pixels)]

    def embed(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return the embedding of feature maps.

        Args:
            maps: What `features` returns.
            size: Height h and width w of the embedding.

        Returns:
            (B, D, h, w), vectors of length one, in float32 also under autocast.
        """
        if isinstance(self.head, PyramidHead):
            raw = self.head(maps, size)  # (B, D, h, w)
        else:
            raw = self.head(maps[-1])  # (B, D, h', w')
            raw = F.interpolate(raw, size, mode="bilinear", align_corners=False)
        return unit_length(full_precision(raw), dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        """Return the class scores.

        The paper trains the classifier without gradient to the embedding: pass
        `embedding.detach()` for that.

        Args:
            embedding: (B, D, h, w), vectors of length one.

        Returns:
            (B, C, h, w), logits.
        """
        # The entries of unit vectors are so small that a linear layer learns slowly from them.
        scaled = embedding * math.sqrt(self.config.dimensions)
        logits: Tensor = self.classifier(scaled)  # (B, C, h, w)
        return logits


def build_network(
    config: ModelConfig, num_classes: int, *, weights: str | None = None
) -> EmbeddingNetwork:
    """Build a network.

    Args:
        config: Its architecture.
        num_classes: Classes C, background included.
        weights: Of the backbone, in place of the config's: "none" for random ones, to load a whole
            network afterwards.

    Returns:
        The network, in training mode, with random heads.

    Raises:
        RecipeError: The backbone is unknown or has no such output stride.
        WeightsError: The weights cannot be found, read or fitted.
    """
    backbone = create_backbone(
        config.backbone,
        output_stride=config.output_stride,
        weights=weights or config.weights,
        all_levels=config.head == "pyramid",
    )
    head: nn.Module
    if config.head == "aspp":
        dilations = config.dilations or [reach // config.output_stride for reach in _ASPP_REACH]
        head = ASPP(backbone.channels, config.dimensions, dilations)
    elif config.head == "psp":
        head = PSP(backbone.channels, config.dimensions)
    else:
        head = PyramidHead(backbone.level_channels, config.dimensions)
    classifier = ClassifierHead(config.dimensions, num_classes, config.classifier_hidden or None)
    return EmbeddingNetwork(backbone, head, classifier, config, num_classes)


def save_network(network: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors; a killed process leaves no half file."""
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()
    }
    with replacing(path) as beside:
        save_file(tensors, beside)


def parameter_groups(network: nn.Module, config: OptimizerConfig) -> list[dict[str, Any]]:
    """Return the parameters in groups for an optimizer.

    Args:
        network: A network whose backbone is its attribute `backbone`.
        config: Learning rates and weight decay; the classifier counts among the heads.

    Returns:
        Three groups, "backbone", "head" and "head_bias", that hold every parameter once. Frozen
        ones are included: without gradient, an optimizer leaves them unchanged.

    Source: DeepLab v2 (arXiv 1606.00915), section 4.1; SPML (arXiv 2105.00957), section 4.
    """
    lr = config.lr
    rates = {"backbone": lr, "head": lr * config.head_factor, "head_bias": lr * config.bias_factor}
    members: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    for key, parameter in network.named_parameters():
        bias = "_bias" if key.endswith("bias") else ""
        members["backbone" if key.startswith("backbone.") else f"head{bias}"].append(parameter)
    return [
        {
            "name": name,
            "params": members[name],
            "lr": rate,
            "weight_decay": 0.0 if name == "head_bias" else config.weight_decay,
        }
        for name, rate in rates.items()
    ]


def freeze_batch_norm(network: EmbeddingNetwork) -> None:
    """Freeze the backbone's batch normalisation: its pretrained statistics, scale and shift.

    For small batches, whose statistics are noise. It survives `network.train()`. The heads' batch
    normalisation, which has no pretrained statistics, is still trained.
    """
    network.backbone.freeze_batch_norm()
