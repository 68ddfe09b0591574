"""Spherical k-means inside each image, started from a grid.

A round alternates the mean directions μ and the clusters c of the unit features f:

    μ_c = Σ_{i ∈ c} f_i / ‖Σ_{i ∈ c} f_i‖,    c(i) = argmax_c f_i·μ_c

Source: SPML (arXiv 2105.00957), after SegSort (arXiv 1910.06962).
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakseg.method.vectors import full_precision, unit_length


def grid_labels(
    height: int, width: int, grid: tuple[int, int], device: torch.device | str | None = None
) -> Tensor:
    """Divide an image into a grid of cells, the clusters from which k-means starts.

    Args:
        height: Rows of pixels.
        width: Columns of pixels.
        grid: (rows, columns) of cells, each at least 1.
        device: Where the result lives.

    Returns:
        (H, W) int64: row + rows × column of the pixel's cell.

    Raises:
        ValueError: `grid` is not two positive numbers.

    Examples:
        >>> import torch
        >>> grid_labels(2, 4, (2, 2))
        tensor([[0, 0, 2, 2],
                [1, 1, 3, 3]])
    """
    if len(grid) != 2 or min(grid) < 1:
        raise ValueError(f"Expected argument `grid` to be two positive numbers, but got {grid}")
    rows = torch.linspace(0, grid[0] - 1, height, device=device).round().long()  # (H,)
    columns = torch.linspace(0, grid[1] - 1, width, device=device).round().long()  # (W,)
    return rows[:, None] + grid[0] * columns[None, :]  # (H, W)


@torch.no_grad()
def spherical_kmeans(
    features: Tensor, *, grid: tuple[int, int], iterations: int = 10, valid: Tensor | None = None
) -> Tensor:
    """Group the pixels of each image by direction.

    No gradient flows: the assignment of a pixel to a cluster is discrete.

    Args:
        features: (B, D, H, W), of any length: they are normalised here.
        grid: (rows, columns) of the cells that start the clusters.
        iterations: Rounds, at least 0.
        valid: (B, H, W) bool; other pixels do not move the mean directions. All by default.

    Returns:
        (B, H, W) int64 in 0 … rows × columns - 1. A cluster may be empty.

    Raises:
        ValueError: `features` has other than four dimensions, or `iterations` is negative.

    Source: SegSort (arXiv 1910.06962), spherical k-means (von Mises-Fisher clustering).
    """
    if features.ndim != 4:
        raise ValueError(
            "Expected argument `features` to be (B, D, H, W), "
            f"but got shape {tuple(features.shape)}"
        )
    if iterations < 0:
        raise ValueError(f"Expected argument `iterations` to be at least 0, but got {iterations}")
    with torch.autocast(features.device.type, enabled=False):
        unit = unit_length(full_precision(features).permute(0, 2, 3, 1))  # (B, H, W, D)
        return cluster_directions(unit, grid, iterations, valid)


@torch.no_grad()
def cluster_directions(
    unit: Tensor, grid: tuple[int, int], iterations: int, valid: Tensor | None = None
) -> Tensor:
    """Group pixels as `spherical_kmeans` does, of features (B, H, W, D) that have unit length."""
    batch, height, width, dimensions = unit.shape
    clusters = grid[0] * grid[1]
    label = grid_labels(height, width, grid, unit.device).flatten().repeat(batch, 1)  # (B, HW)
    # Each image's clusters get ids of their own, so that one index_add_ sums those of the batch.
    first = torch.arange(batch, device=unit.device)[:, None] * clusters  # (B, 1)
    pixel = unit.reshape(batch, -1, dimensions).contiguous()  # (B, HW, D)
    counted = pixel if valid is None or bool(valid.all()) else pixel * valid.flatten(1)[..., None]
    counted = counted.view(-1, dimensions)  # (B·HW, D)
    cosine = pixel.new_empty(batch, height * width, clusters)
    for _ in range(iterations):
        total = pixel.new_zeros(batch * clusters, dimensions)  # (B·K, D)
        total.index_add_(0, (label + first).flatten(), counted)
        mean = unit_length(total).view(batch, clusters, dimensions)  # (B, K, D)
        nearest = torch.bmm(pixel, mean.transpose(1, 2), out=cosine).max(dim=2).indices  # (B, HW)
        if torch.equal(nearest, label):
            break
        label = nearest
    return label.view(batch, height, width)  # (B, H, W)
