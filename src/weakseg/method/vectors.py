"""Unit vectors, in a precision that sums of thousands of them need."""

from __future__ import annotations

import torch
from torch import Tensor

_MIN_NORM = 1e-12


def full_precision(values: Tensor) -> Tensor:
    """Convert half precision to float32; float32 and float64 stay as they are.

    Sums over thousands of exp(κ·similarity) or of pixels overflow or drown in half precision.

    Args:
        values: Floating tensor of any shape.

    Returns:
        The same values in float32 or float64.
    """
    return values if values.dtype == torch.float64 else values.float()


def unit_length(vectors: Tensor, dim: int = -1) -> Tensor:
    """Scale vectors to length one; a zero vector stays zero.

    Unlike `torch.nn.functional.normalize`, whose gradient at a zero vector is 1e12 times the
    incoming one, the gradient there is the incoming one.

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
    unit: Tensor = vectors / norm.masked_fill(norm <= _MIN_NORM, 1.0)
    return unit
