"""The embedding network: one unit vector per pixel, and a classifier on top of it.

Source: SPML (arXiv 2105.00957), sections 3.1 (embedding) and 4 (networks and learning rates).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from weakseg.method.vectors import full_precision, unit_length
from weakseg.models.backbone import Backbone, OutputStride, create_backbone
from weakseg.models.heads import ASPP, PSP, ClassifierHead
from weakseg.support.errors import RecipeError
from weakseg.support.files import replacing

EmbeddingStride = Literal[4, 8]
HeadName = Literal["aspp", "psp"]

_ASPP_REACH = (48, 96, 144, 192)
"""The paper's dilations in pixels of the image: 6, 12, 18, 24 at output stride 8."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What network to build.

    Args:
        backbone: A timm model, or `resnet50_deep_stem`, `resnet101_deep_stem` (the paper's).
        output_stride: Stride of the backbone's features: 8 as in the paper, or 16, four times
            cheaper.
        head: "aspp" (DeepLab v2) or "psp" (PSPNet).
        dilations: Dilations of the ASPP head, in features; empty for the paper's, which reach 48 to
            192 pixels of the image. They suit crops of 512: in small crops such a wide reach sees
            little but padding, which whole images then do not have.
        dimensions: Dimensions D of the embedding.
        embedding_stride: Stride of the embedding: 4 as in the paper, or 8, four times cheaper.
        num_classes: Classes C, background included.
        classifier_hidden: Channels inside the classifier (the paper's: 2 D); None for a plain
            1×1 convolution.
        classifier_dropout: Share dropped inside the classifier, where it has hidden channels.

    Raises:
        RecipeError: If a value is out of range.

    Examples:
        >>> NetworkSpec(num_classes=21).head
        'aspp'
    """

    num_classes: int
    backbone: str = "tf_efficientnet_lite0"
    output_stride: OutputStride = 16
    head: HeadName = "aspp"
    dilations: tuple[int, ...] = ()
    dimensions: int = 64
    embedding_stride: EmbeddingStride = 8
    classifier_hidden: int | None = None
    classifier_dropout: float = 0.65

    def __post_init__(self) -> None:
        choices = {
            "output_stride": get_args(OutputStride),
            "head": get_args(HeadName),
            "embedding_stride": get_args(EmbeddingStride),
        }
        for key, allowed in choices.items():
            if getattr(self, key) not in allowed:
                self._refuse(key, " or ".join(map(str, allowed)))
        for key, least in {"num_classes": 1, "dimensions": 2, "classifier_hidden": 1}.items():
            if (value := getattr(self, key)) is not None and value < least:
                self._refuse(key, f"at least {least}")
        if min(self.dilations, default=1) < 1:
            self._refuse("dilations", "numbers of at least 1")
        if not 0 <= self.classifier_dropout < 1:
            self._refuse("classifier_dropout", "in [0, 1)")

    def _refuse(self, key: str, expected: str) -> None:
        raise RecipeError(f"Expected `{key}` to be {expected}, but got {getattr(self, key)!r}.")


class EmbeddingNetwork(nn.Module):
    """Image to unit-length embedding; embedding to class scores.

    It scales its input itself, so callers hand it images in 0 … 1 whatever the backbone.

    Shape:
        - Input: (B, 3, H, W), floating, in 0 … 1
        - Output: (B, D, ceil(H / s), ceil(W / s)) with s the embedding's stride, vectors of
          length one, in float32 also under autocast

    Args:
        backbone: Image to features.
        head: Features to embedding.
        classifier: Embedding to logits.
        spec: What the parts were built from.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, backbone: Backbone, head: nn.Module, classifier: nn.Module, spec: NetworkSpec
    ) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = backbone
        self.head = head
        self.classifier = classifier
        for key in ("mean", "std"):
            values = torch.tensor(getattr(backbone, key)).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Compute the embedding.

        Args:
            image: (B, 3, H, W), floating, in 0 … 1.

        Returns:
            (B, D, ceil(H / s), ceil(W / s)), vectors of length one.

        Raises:
            ValueError: If `image` is of another shape or type.
        """
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            raise ValueError(
                "Expected `image` to be (B, 3, H, W), floating, in 0 … 1, but got "
                f"{tuple(image.shape)}, {image.dtype}."
            )
        features = self.backbone((image - self.mean) / self.std)
        size = [-(-side // self.spec.embedding_stride) for side in image.shape[-2:]]
        raw = F.interpolate(self.head(features), size=size, mode="bilinear", align_corners=False)
        return unit_length(full_precision(raw), dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        """Score the classes.

        The paper trains the classifier beside the embedding, without gradient to it: hand in
        `embedding.detach()` for that.

        Args:
            embedding: (B, D, h, w), vectors of length one.

        Returns:
            (B, C, h, w), logits.
        """
        # Unit vectors have tiny entries, from which a linear layer learns slowly.
        logits: Tensor = self.classifier(embedding * math.sqrt(self.spec.dimensions))
        return logits


def build_network(spec: NetworkSpec, weights: str | Path = "auto") -> EmbeddingNetwork:
    """Build the network a spec describes.

    Args:
        spec: What to build.
        weights: The backbone's: "auto" for ImageNet weights, "none" for random ones (to load a
            whole network afterwards, for one), or a file.

    Returns:
        The network, in training mode. Its heads are random.

    Raises:
        RecipeError: If the backbone is unknown or cannot give that output stride.
        WeightsError: If the weights cannot be found, read or fitted.
    """
    backbone = create_backbone(spec.backbone, output_stride=spec.output_stride, weights=weights)
    head: nn.Module
    if spec.head == "aspp":
        dilations = spec.dilations or [reach // spec.output_stride for reach in _ASPP_REACH]
        head = ASPP(backbone.channels, spec.dimensions, dilations)
    else:
        head = PSP(backbone.channels, spec.dimensions)
    classifier = ClassifierHead(
        spec.dimensions, spec.num_classes, spec.classifier_hidden, spec.classifier_dropout
    )
    return EmbeddingNetwork(backbone, head, classifier, spec)


def save_network(network: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors."""
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()
    }
    with replacing(path) as beside:
        save_file(tensors, beside)


def parameter_groups(
    network: nn.Module,
    *,
    lr: float,
    weight_decay: float,
    head_factor: float = 10.0,
    bias_factor: float = 20.0,
) -> list[dict[str, Any]]:
    """Sort the parameters into an optimizer's groups.

    Args:
        network: The network; its backbone is named so.
        lr: Learning rate of the backbone.
        weight_decay: Weight decay of everything but the heads' biases, which have none.
        head_factor: The heads' rate (the classifier's too) is this many times `lr`.
        bias_factor: Their biases' rate is this many times `lr`.

    Returns:
        Three groups, "backbone", "head" and "head_bias", that hold every parameter once. Frozen
        parameters are among them: they get no gradient, so an optimizer leaves them alone.

    Source: DeepLab v2 (arXiv 1606.00915), section 4.1; SPML (arXiv 2105.00957), section 4.
    """
    rates = {"backbone": lr, "head": lr * head_factor, "head_bias": lr * bias_factor}
    members: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    for key, parameter in network.named_parameters():
        bias = "_bias" if key.endswith("bias") else ""
        members["backbone" if key.startswith("backbone.") else f"head{bias}"].append(parameter)
    return [
        {
            "name": name,
            "params": members[name],
            "lr": rate,
            "weight_decay": 0.0 if name == "head_bias" else weight_decay,
        }
        for name, rate in rates.items()
    ]


def freeze_batch_norm(network: EmbeddingNetwork) -> None:
    """Keep the backbone's batch normalisation at its pretrained statistics, scale and shift.

    For small batches, whose statistics are noise. It survives `network.train()`. The heads' batch
    normalisation, which has no pretrained statistics, goes on learning.

    Args:
        network: The network; its backbone should hold pretrained weights.
    """
    network.backbone.freeze_batch_norm()
