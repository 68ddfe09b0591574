"""Heads: backbone features to embedding, and embedding to class scores.

Source: SPML (arXiv 2105.00957), section 4, which trains on two heads: atrous spatial pyramid
pooling as in DeepLab v2 (arXiv 1606.00915) and pyramid pooling as in PSPNet (arXiv 1612.01105).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.support.errors import RecipeError


def _conv_norm_relu(in_channels: int, out_channels: int, kernel: int) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: the sum of dilated 3×3 convolutions.

    Shape:
        - Input: (B, in_channels, h, w)
        - Output: (B, out_channels, h, w), any range

    Args:
        in_channels: Channels of the backbone's features.
        out_channels: Dimensions D of the embedding.
        dilations: One convolution each. The default is for output stride 8; half of it reaches
            equally far in the image at stride 16.

    Source: DeepLab v2 (arXiv 1606.00915), section 3.2.

    Examples:
        >>> ASPP(16, 4)(torch.zeros(2, 16, 5, 7)).shape
        torch.Size([2, 4, 5, 7])
    """

    def __init__(
        self, in_channels: int, out_channels: int, dilations: Sequence[int] = (6, 12, 18, 24)
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
            for dilation in dilations
        )

    def forward(self, features: Tensor) -> Tensor:
        """Sum the branches."""
        total: Tensor = self.branches[0](features)  # (B, out_channels, h, w)
        for branch in self.branches[1:]:
            total = total + branch(features)
        return total


class PyramidPooling(nn.Module):
    """Pyramid pooling: features and their averages over grids, joined by a 3×3 convolution.

    Shape:
        - Input: (B, in_channels, h, w)
        - Output: (B, out_channels, h, w), not negative

    Args:
        in_channels: Channels of the backbone's features.
        out_channels: Channels of each pooled branch and of the output.
        bins: Rows (and columns) of each grid.

    Raises:
        RecipeError: A training step has one image: the 1×1 grid then has one value per channel,
            which batch normalisation cannot use.

    Source: PSPNet (arXiv 1612.01105), section 3.2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, bins: Sequence[int] = (1, 2, 3, 6)
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(size), *_conv_norm_relu(in_channels, out_channels, 1)
            )
            for size in bins
        )
        joined = in_channels + len(bins) * out_channels
        self.join = nn.Sequential(*_conv_norm_relu(joined, out_channels, 3))

    def forward(self, features: Tensor) -> Tensor:
        """Pool, resize, concatenate and convolve."""
        if self.training and features.shape[0] < 2:
            raise RecipeError(
                "Expected at least 2 images per training step, but got 1: the head 'psp' "
                "normalises over the batch. Raise the batch size or use the head 'aspp'."
            )
        size = features.shape[-2:]
        pooled = [
            F.interpolate(branch(features), size=size, mode="bilinear", align_corners=False)
            for branch in self.branches
        ]  # (B, out_channels, h, w) each
        joined = torch.cat([features, *pooled], dim=1)  # (B, joined, h, w)
        output: Tensor = self.join(joined)  # (B, out_channels, h, w)
        return output


class PSP(nn.Sequential):
    """Pyramid pooling and a 1×1 convolution to the embedding.

    Shape:
        - Input: (B, in_channels, h, w)
        - Output: (B, out_channels, h, w), any range

    Args:
        in_channels: Channels of the backbone's features.
        out_channels: Dimensions D of the embedding.
        hidden: Channels of the pyramid; a quarter of `in_channels` by default, the paper's 512 for
            a ResNet.

    Source: SPML (arXiv 2105.00957), section 4, with the head of PSPNet (arXiv 1612.01105).

    Examples:
        >>> PSP(16, 4)(torch.zeros(2, 16, 5, 7)).shape
        torch.Size([2, 4, 5, 7])
    """

    def __init__(self, in_channels: int, out_channels: int, hidden: int | None = None) -> None:
        hidden = hidden or max(in_channels // 4, 1)
        super().__init__(PyramidPooling(in_channels, hidden), nn.Conv2d(hidden, out_channels, 1))


class PyramidHead(nn.Module):
    """Features of several strides, each normalised, side by side under two 1×1 convolutions.

    Where one coarse map, enlarged, makes an embedding of blobs, the finer maps let it follow
    contours. Works on a frozen backbone too.

    Shape:
        - Input: maps (B, in_channels[i], h_i, w_i), the finest first; and a size (h, w)
        - Output: (B, out_channels, h, w), any range

    Args:
        in_channels: Channels of the maps.
        out_channels: Dimensions D of the embedding.
        hidden: Channels between the convolutions.

    Examples:
        >>> maps = [torch.zeros(2, 8, 10, 14), torch.zeros(2, 16, 5, 7)]
        >>> PyramidHead((8, 16), 4, hidden=6)(maps, (5, 7)).shape
        torch.Size([2, 4, 5, 7])
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, hidden: int = 256) -> None:
        super().__init__()
        # The first convolution of the joined maps is the sum of one for each.
        self.laterals = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels, affine=False), nn.Conv2d(channels, hidden, 1, bias=False)
            )
            for channels in in_channels
        )
        self.project = nn.Sequential(
            nn.BatchNorm2d(hidden), nn.ReLU(inplace=True), nn.Conv2d(hidden, out_channels, 1)
        )

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Bring the maps to one size, add them up and project them."""
        total: Tensor | float = 0.0
        for lateral, features in zip(self.laterals, maps, strict=True):
            if features.shape[-2] > size[0]:
                features = F.adaptive_avg_pool2d(features, size)  # (B, in_channels[i], h, w)
            features = lateral(features)  # (B, hidden, h_i, w_i)
            if features.shape[-2:] != size:
                features = F.interpolate(features, size, mode="bilinear", align_corners=False)
            total = total + features  # (B, hidden, h, w)
        output: Tensor = self.project(total)  # (B, out_channels, h, w)
        return output


class FeatureHead(nn.Module):
    """Features of several strides side by side, each channel normalised; nothing is trained.

    A channel's mean and standard deviation are those over the training images, once measured: until
    then they are 0 and 1.

    Shape:
        - Input: maps (B, in_channels[i], h_i, w_i); and a size (h, w)
        - Output: (B, sum of in_channels, h, w), any range

    Args:
        in_channels: Channels of the maps.

    Examples:
        >>> maps = [torch.zeros(2, 8, 10, 14), torch.zeros(2, 16, 5, 7)]
        >>> FeatureHead((8, 16))(maps, (5, 7)).shape
        torch.Size([2, 24, 5, 7])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, in_channels: Sequence[int]) -> None:
        super().__init__()
        self.dimensions = sum(in_channels)
        self.register_buffer("mean", torch.zeros(self.dimensions))
        self.register_buffer("std", torch.ones(self.dimensions))

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Bring the maps to one size, join and normalise them."""
        return self.normalise(self.join(maps, size))

    @staticmethod
    def join(maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Bring the maps to one size and join them, (B, D, h, w): finer ones are averaged."""
        resized = [
            F.adaptive_avg_pool2d(features, size)
            if features.shape[-2] > size[0]
            else F.interpolate(features, size, mode="bilinear", align_corners=False)
            for features in maps
        ]  # (B, in_channels[i], h, w) each
        return torch.cat(resized, dim=1)

    def normalise(self, joined: Tensor) -> Tensor:
        """Subtract the mean of every channel, and divide by its standard deviation."""
        mean, std = (values[:, None, None] for values in (self.mean, self.std))  # (D, 1, 1) each
        return (joined - mean) / std


class ClassifierHead(nn.Sequential):
    """Class scores of an embedding.

    A 1×1 convolution. With `hidden` (the paper's: twice the dimensions) a 3×3 convolution, batch
    normalisation and dropout come first.

    Shape:
        - Input: (B, dimensions, h, w)
        - Output: (B, num_classes, h, w), logits

    Args:
        dimensions: Dimensions D of the embedding.
        num_classes: Classes C, background included.
        hidden: Hidden channels; None for a plain 1×1 convolution.
        dropout: Dropout probability of the hidden channels, in [0, 1).

    Source: SPML (arXiv 2105.00957), section 4; the layers are those of the released code.

    Examples:
        >>> ClassifierHead(4, 3, hidden=8)(torch.zeros(2, 4, 5, 7)).shape
        torch.Size([2, 3, 5, 7])
    """

    def __init__(
        self, dimensions: int, num_classes: int, hidden: int | None = None, dropout: float = 0.65
    ) -> None:
        if hidden is None:
            super().__init__(nn.Conv2d(dimensions, num_classes, 1))
        else:
            super().__init__(
                *_conv_norm_relu(dimensions, hidden, 3),
                nn.Dropout(dropout),
                nn.Conv2d(hidden, num_classes, 1),
            )
