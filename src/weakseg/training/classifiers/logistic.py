"""Logistic regression on labelled cells, as a layer of a network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from weakseg.method.regression import Regression, fit_regression
from weakseg.training.classifiers.cells import Cells

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
    found = fit_regression(
        cells.vector,
        label,
        cells.weight / cells.weight.sum(),
        num_classes=len(present),
        l2=l2,
        iterations=iterations,
        on_round=on_round,
    )
    return _as_convolution(found, present, num_classes)


def _as_convolution(found: Regression, present: Tensor, num_classes: int) -> nn.Conv2d:
    convolution = nn.Conv2d(found.weight.shape[1], num_classes, 1).to(found.weight.device)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.fill_(_ABSENT)  # type: ignore[union-attr]
        convolution.weight[present] = found.weight[:, :, None, None]  # (C, D, 1, 1)
        convolution.bias[present] = found.bias  # type: ignore[index]
    return convolution
