"""Image-guided upsampling: class probabilities enlarged along an image's colour edges.

A conditional random field whose pixels are joined to a few neighbours, near and far, on a grid of
stride 4, and enlarged bilinearly from there. It is cheaper than the dense CRF (`refine.crf`) by the
number of neighbours, needs no compiled package, and runs on any device.

Sources: Krähenbühl and Koltun, NeurIPS 2011 (arXiv 1210.5644), mean-field inference; Teichmann and
Cipolla, "Convolutional CRFs for Semantic Segmentation", BMVC 2019 (arXiv 1805.04777), kernels of a
limited reach; Araslanov and Roth, CVPR 2020 (arXiv 2005.08104), dilated neighbourhoods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_STRIDE = 4  # of the grid: an outline's error of 2 pixels is below what people agree on
_DILATIONS = (2, 6, 16)  # cells; 3 × 3 neighbours of each
_COLOUR_SIGMA = 0.08  # of the colour difference, where white is (1, 1, 1)
_WEIGHT = 10.0  # of the neighbours' mean against a cell's own log-probability
_ITERATIONS = 10
_MIN_PROBABILITY = 1e-2  # a lower one, such as no vote of 20, still leaves the class possible
# A class nowhere above this is enlarged bilinearly, as time grows with the classes. One vote of 20
# is above it: of equals, rounding would decide.
_ABSENT = 0.049


def guide_size(height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of the grid on which an image guides its probabilities.

    Examples:
        >>> guide_size(375, 500)
        (94, 125)
    """
    return -(-height // _STRIDE), -(-width // _STRIDE)


def guided_upsample(probabilities: Tensor, image: Tensor) -> Tensor:
    """Enlarge class probabilities to an image's size, with outlines at its colour edges.

    Each image is independent of the others in its batch. The values of a pixel depend on an image's
    surroundings, less and less with the distance.

    Args:
        probabilities: (B, C, h, w), which add up to 1 over the classes.
        image: RGB, (B, 3, H, W), 0 to 1.

    Returns:
        Probabilities, (B, C, H, W), which add up to 1 over the classes.

    Raises:
        ValueError: Shapes do not fit.

    Examples:
        >>> image = torch.zeros(1, 3, 8, 40)
        >>> image[..., 24:] = 1  # an edge
        >>> coarse = torch.tensor([[[[0.9, 0.8, 0.8, 0.2, 0.1]], [[0.1, 0.2, 0.2, 0.8, 0.9]]]])
        >>> guided_upsample(coarse, image)[0, 0, 0, [22, 25]].round().tolist()
        [1.0, 0.0]
    """
    if probabilities.ndim != 4 or image.shape[:2] != (len(probabilities), 3) or image.ndim != 4:
        raise ValueError(
            "Expected arguments `probabilities` and `image` to be (B, C, h, w) and (B, 3, H, W), "
            f"but got {tuple(probabilities.shape)} and {tuple(image.shape)}."
        )
    size = (image.shape[-2], image.shape[-1])
    grid = guide_size(*size)
    guides = F.interpolate(image.float(), grid, mode="area")  # (B, 3, H / 4, W / 4)
    enlarged = _bilinear(probabilities.float(), size)  # (B, C, H, W)
    for coarse, guide, result in zip(probabilities.float(), guides, enlarged, strict=True):
        present = (coarse.amax(dim=(1, 2)) > _ABSENT).nonzero()[:, 0]  # (K,)
        if len(present) > 1:
            cells = _bilinear(coarse[None, present], grid)  # (1, K, H / 4, W / 4)
            sharp = _bilinear(_mean_field(cells, guide[None]), size)[0]  # (K, H, W)
            # What the absent classes have is not shared out.
            result[present] = sharp * result[present].sum(dim=0)
    return enlarged


def _bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def _mean_field(probabilities: Tensor, guide: Tensor) -> Tensor:
    """Return probabilities that agree with those of neighbours of similar colour.

    q ← softmax(log p + w · Σ k q' / Σ k) over neighbours q', k = exp(−|colour difference|² / 2σ²);
    at the end the mean of 3 × 3 cells.

    Args:
        probabilities: p, (1, K, h, w).
        guide: RGB, (1, 3, h, w).
    """
    offsets = [
        (dilation * row, dilation * column)
        for dilation in _DILATIONS
        for row in (-1, 0, 1)
        for column in (-1, 0, 1)
        if row or column
    ]
    inside = list(_shifted(torch.ones_like(guide[:, :1]), offsets))  # (1, 1, h, w) each
    kernels = [
        there * (((other - guide) ** 2).sum(dim=1, keepdim=True) / (-2 * _COLOUR_SIGMA**2)).exp()
        for other, there in zip(_shifted(guide, offsets), inside, strict=True)
    ]
    scale = _WEIGHT / torch.stack(kernels).sum(dim=0).clamp_min(1e-6)  # (1, 1, h, w)
    kernels = [kernel * scale for kernel in kernels]
    own = probabilities.clamp_min(_MIN_PROBABILITY).log()  # (1, K, h, w)
    refined = probabilities
    for _ in range(_ITERATIONS):
        total = own.clone()
        for kernel, other in zip(kernels, _shifted(refined, offsets), strict=True):
            total.addcmul_(kernel, other)
        refined = total.softmax(dim=1)
    # Cells that differ from all around them, and the combs that dilation leaves, are smoothed away.
    return F.avg_pool2d(refined, 3, stride=1, padding=1, count_include_pad=False)


def _shifted(maps: Tensor, offsets: Sequence[tuple[int, int]]) -> Iterator[Tensor]:
    """Yield for each offset the values of maps (1, K, h, w) that far down and right; outside 0."""
    height, width = maps.shape[-2:]
    reach = max(_DILATIONS)
    padded = F.pad(maps, (reach,) * 4)
    for row, column in offsets:
        yield padded[..., reach + row :, reach + column :][..., :height, :width]
