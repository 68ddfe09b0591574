"""Location and colour features, appended to the embedding for grouping.

Source: SPML (arXiv 2105.00957); colour: its DensePose experiments, as released.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.method.vectors import full_precision

_KERNEL_SIZE = 5


def location_features(height: int, width: int, device: torch.device | str | None = None) -> Tensor:
    """Return the normalised coordinates of every pixel.

    Args:
        height: Rows, at least 1.
        width: Columns, at least 1.
        device: Where the result lives.

    Returns:
        (H, W, 2) float32: y, then x, each from -0.5 to 0.5.

    Raises:
        ValueError: A size is below 1.

    Source: SPML, location beside the embedding, after SegSort (arXiv 1910.06962).

    Examples:
        >>> import torch
        >>> location_features(2, 3)[..., 1]
        tensor([[-0.5000,  0.0000,  0.5000],
                [-0.5000,  0.0000,  0.5000]])
    """
    if height < 1 or width < 1:
        raise ValueError(
            "Expected arguments `height` and `width` to be at least 1, "
            f"but got {height} and {width}"
        )
    y = torch.linspace(0, 1, height, device=device) - 0.5  # (H,)
    x = torch.linspace(0, 1, width, device=device) - 0.5  # (W,)
    return torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1)  # (H, W, 2)


def colour_features(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the local mean colour of every pixel, centred and scaled per image and channel.

    The released kernel weights grow with the distance from the kernel's centre; they are kept.

    Args:
        image: (B, 3, H, W), any range, at least 5 × 5 pixels.
        size: (h, w) of the result.

    Returns:
        (B, h, w, 3) in [-1, 1]. Concatenate it to `location_features` for `local`.

    Raises:
        ValueError: `image` is no batch of images or is smaller than the kernel.

    Source: SPML, DensePose experiments.
    """
    if image.ndim != 4 or min(image.shape[-2:]) < _KERNEL_SIZE:
        raise ValueError(
            f"Expected argument `image` to be (B, C, H, W) with H, W ≥ {_KERNEL_SIZE}, "
            f"but got shape {tuple(image.shape)}"
        )
    image = full_precision(image)
    channels = image.shape[1]
    offset = torch.arange(_KERNEL_SIZE, dtype=image.dtype, device=image.device) - _KERNEL_SIZE // 2
    distance = torch.hypot(offset[:, None], offset[None, :])  # (5, 5)
    kernel = (distance / distance.sum()).expand(channels, 1, -1, -1)  # (C, 1, 5, 5)
    with torch.autocast(image.device.type, enabled=False):
        colour = F.conv2d(image, kernel, groups=channels)  # (B, C, H - 4, W - 4)
    colour = F.interpolate(colour, size=size, mode="bilinear", align_corners=False)  # (B, C, h, w)
    colour = colour - colour.mean(dim=(2, 3), keepdim=True)
    largest = colour.abs().amax(dim=(2, 3), keepdim=True)  # (B, C, 1, 1)
    # An image of one colour has no largest value to divide by.
    return (colour / largest.masked_fill(largest == 0, 1.0)).permute(0, 2, 3, 1)  # (B, h, w, C)
