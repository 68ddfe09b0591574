"""Embedding network: one unit vector per pixel, and a classifier on top of it.

Source: SPML (arXiv 2105.00957), sections 3.1 (embedding) and 4 (networks and learning rates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from weakseg.method.vectors import full_precision, unit_length
from weakseg.models.backbone import Backbone, create_backbone
from weakseg.models.frozen import FeatureCache, rounded_features, weights_hash
from weakseg.models.heads import ASPP, PSP, ClassifierHead, FeatureHead, PyramidHead
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
        config: Architecture of the parts, and which of them are trained.
        num_classes: Classes C, background included.

    Attributes:
        cache: Features on disk, for a frozen backbone; none: they are computed each time.
        dimensions: Length D of an embedding.
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
        self.dimensions = head.dimensions if isinstance(head, FeatureHead) else config.dimensions
        self.backbone = backbone
        self.head = head
        self.classifier = classifier
        self.cache: FeatureCache | None = None
        if self.is_frozen:
            backbone.freeze()
        for key in ("mean", "std"):
            values = torch.tensor(getattr(backbone, key)).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the embedding.

        Raises:
            ValueError: `image` has another shape or type.
        """
        maps = self.features(image)
        return self.embed(maps, self._embedding_size(image))

    def _embedding_size(self, image: Tensor) -> tuple[int, int]:
        height, width = (-(-side // self.config.embedding_stride) for side in image.shape[-2:])
        return height, width

    @property
    def is_frozen(self) -> bool:
        """Whether the backbone stays as it is, and at most the heads are trained."""
        return self.config.train == "head"

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the image per cell of each map of a frozen backbone's `features`."""
        return tuple(
            max(stride, self.config.embedding_stride) for stride in self.backbone.level_strides
        )

    def thaw(self) -> None:
        """Train all of a frozen network from now on, but for layers that its config keeps."""
        if self.is_frozen:
            self.config = replace(self.config, train="network")
            self.cache = None
            self.backbone.thaw()
        self.freeze_layers()  # one that was loaded has no frozen layers yet

    def freeze_layers(self) -> None:
        """Freeze the layers of the backbone that the config keeps as they were pretrained."""
        self.backbone.freeze_to_stride(self.config.frozen_stride)
        if self.config.freeze_batch_norm:
            self.backbone.freeze_batch_norm()

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the backbone's feature maps that the head reads, the finest first.

        Of a frozen backbone, they are without gradient, brought down to the embedding's stride
        where they are finer, and rounded to half precision: the same values in training and
        prediction, from the cache or computed.

        Args:
            image: (B, 3, H, W), floating, in 0 … 1.

        Returns:
            Maps (B, channels_i, h_i, w_i): of every level for heads that read several, else the
            last alone.

        Raises:
            ValueError: `image` has another shape or type.
            NonFiniteError: A feature of a frozen backbone is NaN or infinite.
        """
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            raise ValueError(
                "Expected `image` to be (B, 3, H, W), floating, in 0 … 1, but got "
                f"{tuple(image.shape)}, {image.dtype}."
            )
        if not self.is_frozen:
            return self._maps(image)
        pixels = image.mul(255).round().clamp(0, 255).byte()  # (B, 3, H, W)
        maps = zip(*(self.view_features(each) for each in pixels), strict=True)
        return [torch.stack(each) for each in maps]

    @torch.no_grad()
    def view_features(self, pixels: Tensor) -> list[Tensor]:
        """Return the features of one image by a frozen backbone, as `features` does of several.

        Args:
            pixels: (3, H, W), of 8 bits.

        Returns:
            Maps (channels_i, h_i, w_i), on the image's device.

        Raises:
            NonFiniteError: A feature is NaN or infinite.
        """

        def compute() -> list[Tensor]:
            # One image at a time and without autocast, for the same values everywhere
            size = self._embedding_size(pixels)
            with torch.autocast(pixels.device.type, enabled=False):
                maps = self._maps(pixels[None].float() / 255)
                return [each[0] for each in rounded_features(maps, size)]

        maps = compute() if self.cache is None else self.cache.features(pixels, compute)
        return [each.to(pixels.device).float() for each in maps]

    def _maps(self, image: Tensor) -> list[Tensor]:
        pixels = (image - self.mean) / self.std  # (B, 3, H, W)
        if isinstance(self.head, PyramidHead | FeatureHead):
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
        if isinstance(self.head, PyramidHead | FeatureHead):
            raw = self.head(maps, size)  # (B, D, h, w)
        else:
            raw = self.head(maps[-1])  # (B, D, h', w')
            raw = F.interpolate(raw, size, mode="bilinear", align_corners=False)
        return unit_length(full_precision(raw), dim=1)

    def keep_features(self, folder: Path, budget: float) -> None:
        """Keep the features of a frozen backbone on disk from now on; else nothing happens.

        Args:
            folder: Folder of the features of all networks.
            budget: GiB that it may hold; 0: features are not kept.
        """
        if not self.is_frozen or budget == 0:
            return
        config = self.config
        network = {
            "backbone": config.backbone,
            "weights": weights_hash(self.backbone),
            "timm": timm.__version__,
            "output_stride": config.output_stride,
            "embedding_stride": config.embedding_stride,
            "level_strides": self.backbone.level_strides,
            "level_channels": self.backbone.level_channels,
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
        }
        self.cache = FeatureCache(folder, network, round(budget * 2**30))

    def classify(self, embedding: Tensor) -> Tensor:
        """Return the class scores.

        The paper trains the classifier without gradient to the embedding: pass
        `embedding.detach()` for that.

        Args:
            embedding: (B, D, h, w), vectors of length one.

        Returns:
            (B, C, h, w), logits.
        """
        logits: Tensor = self.classifier(self.classifier_input(embedding))  # (B, C, h, w)
        return logits

    def classifier_input(self, embedding: Tensor) -> Tensor:
        """Return an embedding as the classifier sees it: entries of about 1, (B, D, h, w)."""
        # The entries of unit vectors are so small that a linear layer learns slowly from them.
        return embedding * math.sqrt(self.dimensions)


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
        RecipeError: The backbone is unknown or has no feature maps that the head can read.
        WeightsError: The weights cannot be found, read or fitted.
    """
    backbone = create_backbone(
        config.backbone,
        output_stride=config.output_stride,
        weights=weights or config.weights,
        all_levels=config.head in ("pyramid", "features"),
        patch_stride=config.patch_stride,
    )
    head: nn.Module
    if config.head == "aspp":
        dilations = config.dilations or [
            max(1, reach // backbone.output_stride) for reach in _ASPP_REACH
        ]
        head = ASPP(backbone.channels, config.dimensions, dilations)
    elif config.head == "psp":
        head = PSP(backbone.channels, config.dimensions)
    elif config.head == "pyramid":
        head = PyramidHead(backbone.level_channels, config.dimensions)
    else:
        head = FeatureHead(backbone.level_channels)
        return EmbeddingNetwork(
            backbone, head, ClassifierHead(head.dimensions, num_classes), config, num_classes
        )
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
