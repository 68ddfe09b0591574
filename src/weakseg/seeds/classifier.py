"""Classifier of image tags whose last layer localises the classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.models.backbone import Backbone

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
