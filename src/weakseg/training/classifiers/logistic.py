"""Multinomial logistic regression, fitted by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.training.classifiers.cells import Cells

_ROUND = 5  # iterations between two checks of convergence
_CONVERGED = 1e-5  # fraction of the loss by which a round must lower it
_ABSENT = -1e4  # bias of a class without a cell: its probability is 0


def fit_logistic(
    cells: Cells,
    num_classes: int,
    *,
    l2: float,
    iterations: int,
    on_round: Callable[[int, float], None] = lambda step, loss: None,
) -> nn.Conv2d:
    """Fit a multinomial logistic regression.

    It minimises the weighted mean of the cells' cross-entropy and l2 / 2 times the squared
    coefficients, biases left out.

    Args:
        cells: The cells.
        num_classes: Classes C; those without a cell are never predicted.
        l2: Weight of the squared coefficients, more than 0.
        iterations: Maximum number of iterations.
        on_round: Called with the number of iterations and the loss, every few iterations.

    Returns:
        The regression as a 1×1 convolution, (B, D, h, w) -> (B, C, h, w), logits.
    """
    present, label = torch.unique(cells.label, return_inverse=True)  # (K,), (N,)
    weight = cells.vector.new_zeros(len(present), cells.vector.shape[1], requires_grad=True)
    bias = cells.vector.new_zeros(len(present), requires_grad=True)
    share = cells.weight / cells.weight.sum()  # (N,)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_ROUND, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        logits = F.linear(cells.vector, weight, bias)  # (N, K)
        each = F.cross_entropy(logits, label, reduction="none")  # (N,)
        total = (each * share).sum() + l2 / 2 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total.item()

    before = float("inf")
    for step in range(0, iterations, _ROUND):
        optimizer.param_groups[0]["max_iter"] = min(_ROUND, iterations - step)
        now = optimizer.step(loss)  # type: ignore[no-untyped-call]  # the loss before these
        on_round(step, now)
        if before - now < _CONVERGED * now:
            break
        before = now
    return _as_convolution(weight.detach(), bias.detach(), present, num_classes)


def _as_convolution(weight: Tensor, bias: Tensor, present: Tensor, num_classes: int) -> nn.Conv2d:
    convolution = nn.Conv2d(weight.shape[1], num_classes, 1).to(weight.device)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.fill_(_ABSENT)  # type: ignore[union-attr]
        convolution.weight[present] = weight[:, :, None, None]  # (C, D, 1, 1)
        convolution.bias[present] = bias  # type: ignore[index]
    return convolution
