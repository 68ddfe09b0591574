"""Classifier of image tags whose last layer localises the classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.models.backbone import Backbone
from weakseg.models.frozen import naming
from weakseg.models.heads import PyramidHead
from weakseg.models.network import EmbeddingNetwork

_RARE_LOGIT = -2.5  # of a tag that one image in twelve has


class TagClassifier(nn.Module):
    """Image to class activations, whose mean over the image is the score of the tag.

    Shape:
        - Input: (B, 3, H, W), floating, in 0 … 1
        - Output: (B, C, h, w), activations, signed, at the backbone's output stride

    Args:
        backbone: Image to features.
        num_classes: Number of classes C that can be tags, background excluded.

    Source: Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016), with
    the weights of the classes applied before the average, as SEAM (CVPR 2020) does.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Conv2d(backbone.channels, num_classes, 1, bias=False)
        nn.init.normal_(self.head.weight, std=0.01)
        # Most classes are absent from most images: the bias learns this, not the activations.
        self.bias = nn.Parameter(torch.full((num_classes,), _RARE_LOGIT))
        for key in ("mean", "std"):
            values = torch.tensor(getattr(backbone, key)).view(1, 3, 1, 1)
            self.register_buffer(key, values, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the activations, (B, C, h, w)."""
        features = self.backbone((image - self.mean) / self.std)  # (B, channels, h, w)
        activations: Tensor = self.head(features)  # (B, C, h, w)
        return activations

    def scores(self, activations: Tensor) -> Tensor:
        """Return the logit of each tag, (B, C), from activations (B, C, h, w)."""
        return activations.mean(dim=(2, 3)) + self.bias


class FrozenTagClassifier(nn.Module):
    """Tag classifier on the coarsest features of a frozen backbone: two 1×1 convolutions.

    Its training sees whole images of any size, whose features may come from the network's cache.

    Shape:
        - Input: (B, 3, H, W), floating, in 0 … 1
        - Output: (B, C, h, w), activations, signed, at the stride of the coarsest features

    Args:
        network: Network whose frozen backbone computes the features.
        num_classes: Number of classes C that can be tags, background excluded.
    """

    def __init__(self, network: EmbeddingNetwork, num_classes: int) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        coarsest = max(network.strides)
        self.levels = [i for i, stride in enumerate(network.strides) if stride == coarsest]
        channels = [network.backbone.level_channels[i] for i in self.levels]
        self.head = PyramidHead(channels, num_classes)
        # Not part of the activations, so that even a class of low score has some in its images.
        self.bias = nn.Parameter(torch.full((num_classes,), _RARE_LOGIT))

    def forward(self, image: Tensor) -> Tensor:
        """Return the activations, (B, C, h, w)."""
        maps = self._coarsest(image)
        activations: Tensor = self.head(maps, maps[-1].shape[-2:])  # (B, C, h, w)
        return activations

    def scores(self, activations: Tensor) -> Tensor:
        """Return the logit of each tag, (B, C), from activations (B, C, h, w)."""
        return activations.mean(dim=(2, 3)) + self.bias

    def scores_of(self, images: Sequence[Tensor], names: Sequence[str]) -> Tensor:
        """Return the logit of each tag in images that may differ in size.

        Args:
            images: (3, H, W) each, floating, in 0 … 1.
            names: Their names, for messages.

        Returns:
            (B, C), the means of the images' activations and the bias.

        Raises:
            NonFiniteError: A feature of an image is NaN or infinite.
        """
        found = []  # (1, channels_i, h, w) each
        for image, name in zip(images, names, strict=True):
            with naming(f"Image {name}"):
                found.append(self._coarsest(image[None]))
        cells = [maps[-1][0, 0].numel() for maps in found]  # h * w of each image
        # To 1×1 convolutions the cells of all images are one row: (1, channels_i, 1, N)
        row = [
            torch.cat([m.flatten(2) for m in level], dim=2)[:, :, None]
            for level in zip(*found, strict=True)
        ]
        activations = self.head(row, (1, sum(cells)))  # (1, C, 1, N)
        parts = activations.split(cells, dim=3)  # (1, C, 1, h * w) each
        return torch.cat([self.scores(part) for part in parts])

    def _coarsest(self, image: Tensor) -> list[Tensor]:
        maps = self.network.features(image)
        return [maps[i] for i in self.levels]


AnyTagClassifier = TagClassifier | FrozenTagClassifier


def equivariance_loss(activations: Tensor, smaller: Tensor, tags: Tensor) -> Tensor:
    """Return the difference of a shrunk image's activations from the image's, shrunk.

    Args:
        activations: Of the image, (B, C, h, w).
        smaller: Of the shrunk image, (B, C, h', w').
        tags: Classes of the images, (B, C), as 0 and 1; other classes are left out.

    Returns:
        Mean absolute difference, each class scaled by its largest activation; a scalar.

    Source: SEAM (arXiv 2004.04581), equation 6, "equivariant regularisation".
    """
    shrunk = F.interpolate(activations, smaller.shape[-2:], mode="bilinear", align_corners=False)
    difference = _normalised(shrunk) - _normalised(smaller)  # (B, C, h', w')
    difference = difference.abs().mean(dim=(2, 3))  # (B, C)
    return (difference * tags).sum() / tags.sum().clamp(min=1)


def _normalised(activations: Tensor) -> Tensor:
    positive = activations.relu()
    return positive / (positive.amax(dim=(2, 3), keepdim=True) + 1e-5)
