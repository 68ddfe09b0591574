"""What stands beside the embedding when pixels are grouped: location and colour.

Source: SPML (arXiv 2105.00957); colour: its DensePose experiments, as released.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_KERNEL_SIZE = 5
_SMALLEST_NORM = 1e-12


def full_precision(values: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay as they are.

    Sums over thousands of exp(κ·similarity) or of pixels overflow or drown in half precision.

    Args:
        values: Floating tensor of any shape.

    Returns:
        The same values in float32 or float64.
    """
    return values if values.dtype == torch.float64 else values.float()


def unit_length(vectors: Tensor, dim: int = -1) -> Tensor:
    """Scale vectors to length one; a zero vector stays zero.

    Unlike `torch.nn.functional.normalize`, whose gradient at a zero vector is 1e12 times the one
    that comes in, the gradient there is the one that comes in.

    Args:
        vectors: Tensor of any shape.
        dim: The dimension that holds a vector's entries.

    Returns:
        Tensor of the same shape.

    Examples:
        >>> import torch
        >>> unit_length(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    norm = torch.linalg.vector_norm(vectors, dim=dim, keepdim=True)
    unit: Tensor = vectors / norm.masked_fill(norm <= _SMALLEST_NORM, 1.0)
    return unit


def location_features(height: int, width: int, device: torch.device | str | None = None) -> Tensor:
    """Give each pixel its place in the image.

    Args:
        height: Rows, at least 1.
        width: Columns, at least 1.
        device: Where the result lives.

    Returns:
        (H, W, 2) float32: y, then x, each from -0.5 to 0.5.

    Raises:
        ValueError: A size is below 1.

    Source: SPML, location beside the embedding, after SegSort.

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
    y = torch.linspace(0, 1, height, device=device) - 0.5
    x = torch.linspace(0, 1, width, device=device) - 0.5
    return torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1)


def colour_features(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Give each pixel the colour of its surroundings, centred and scaled per image and channel.

    The released weights grow with the distance from the kernel's centre; they are kept.

    Args:
        image: (B, 3, H, W), any range, at least 5 × 5 pixels.
        size: (height, width) of the result.

    Returns:
        (B, height, width, 3) in [-1, 1]. Concatenate it to `location_features` for `local`.

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
    distance = torch.hypot(offset[:, None], offset[None, :])
    kernel = (distance / distance.sum()).expand(channels, 1, -1, -1)
    with torch.autocast(image.device.type, enabled=False):
        colour = F.conv2d(image, kernel, groups=channels)
    colour = F.interpolate(colour, size=size, mode="bilinear", align_corners=False)
    colour = colour - colour.mean(dim=(2, 3), keepdim=True)
    largest = colour.abs().amax(dim=(2, 3), keepdim=True)
    # An image of one colour has no largest value to divide by.
    return (colour / largest.masked_fill(largest == 0, 1.0)).permute(0, 2, 3, 1)
