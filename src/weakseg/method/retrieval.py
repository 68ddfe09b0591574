"""Nearest-neighbour retrieval: new segments are labelled by their nearest memory prototypes.

Source: SPML (arXiv 2105.00957), inference by nearest-neighbour retrieval.
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakseg.method.vectors import full_precision

# Cosines computed at a time: 64 MiB in float32.
_BLOCK = 2**24


@torch.no_grad()
def nearest_labels(query: Tensor, memory: Tensor, memory_label: Tensor, *, k: int = 20) -> Tensor:
    """Return the labels of each query's k nearest prototypes.

    Args:
        query: (Q, D), unit length.
        memory: (M, D), unit length.
        memory_label: (M,) int.
        k: Neighbours, at least 1.

    Returns:
        (Q, min(k, M)), nearest first, of the type of `memory_label`.

    Raises:
        ValueError: Lengths do not fit, or `k` is below 1.

    Source: SPML, inference (k = 20).

    Examples:
        >>> import torch
        >>> memory = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> nearest_labels(torch.tensor([[0.6, 0.8]]), memory, torch.tensor([7, 5, 3]), k=2)
        tensor([[5, 7]])
    """
    if len(memory) != len(memory_label):
        raise ValueError(
            "Expected arguments `memory` and `memory_label` to be of one length, "
            f"but got {len(memory)} and {len(memory_label)}"
        )
    if k < 1:
        raise ValueError(f"Expected argument `k` to be at least 1, but got {k}")
    k = min(k, len(memory))
    if not len(query) or k == 0:
        return memory_label.new_empty(len(query), k)
    with torch.autocast(query.device.type, enabled=False):
        query, transposed = full_precision(query), full_precision(memory).T  # (D, M)
        rows = max(1, _BLOCK // len(memory))
        parts = torch.split(query, rows)  # (rows, D) each
        index = [(part @ transposed).topk(k, dim=1).indices for part in parts]  # (rows, k) each
    return memory_label[torch.cat(index)]  # (Q, k)


def vote_share(labels: Tensor, num_classes: int) -> Tensor:
    """Return the fraction of the neighbours' votes that each class gets.

    Args:
        labels: (Q, k) int; values outside 0 … num_classes - 1 do not vote.
        num_classes: C.

    Returns:
        (Q, C) float32, rows that sum to one, or to zero without a vote.

    Source: SPML, inference.

    Examples:
        >>> import torch
        >>> vote_share(torch.tensor([[2, 0, 2, 2]]), 3)
        tensor([[0.2500, 0.0000, 0.7500]])
    """
    valid = (labels >= 0) & (labels < num_classes)  # (Q, k)
    votes = torch.zeros(len(labels), num_classes, device=labels.device)  # (Q, C)
    votes.scatter_add_(1, labels.long().masked_fill(~valid, 0), valid.float())
    return votes / valid.sum(dim=1, keepdim=True).clamp(min=1)
