"""Multinomial logistic regression, fitted by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_ROUND = 5  # iterations between two checks of convergence
_CONVERGED = 1e-5  # fraction of the loss by which a round must lower it


class Regression(NamedTuple):
    """Coefficients of a multinomial logistic regression.

    Args:
        weight: (K, D).
        bias: (K,).
    """

    weight: Tensor
    bias: Tensor

    def logits(self, vector: Tensor) -> Tensor:
        """Return the logits of vectors (N, D), as (N, K)."""
        return F.linear(vector, self.weight, self.bias)


def fit_regression(
    vector: Tensor,
    target: Tensor,
    share: Tensor,
    *,
    num_classes: int,
    l2: float,
    iterations: int,
    start: Regression | None = None,
    on_round: Callable[[int, float], None] = lambda step, loss: None,
) -> Regression:
    """Fit a multinomial logistic regression.

    It minimises the weighted mean of the cross-entropy and l2 / 2 times the squared coefficients,
    biases left out.

    Args:
        vector: What is classified, (N, D).
        target: Classes, (N,), or their probabilities, (N, K).
        share: Weights of the vectors, (N,), whose sum is 1.
        num_classes: Classes K.
        l2: Weight of the squared coefficients, more than 0.
        iterations: Maximum number of iterations.
        start: Coefficients to begin with; zeros by default.
        on_round: Called with the number of iterations and the loss, every few iterations.

    Returns:
        The coefficients.

    Examples:
        >>> vector = torch.tensor([[-1.0], [-2.0], [1.0], [3.0]])
        >>> found = fit_regression(vector, torch.tensor([0, 0, 1, 1]), torch.full((4,), 0.25),
        ...                        num_classes=2, l2=1e-3, iterations=20)
        >>> found.logits(vector).argmax(dim=1).tolist()
        [0, 0, 1, 1]
    """
    if start is None:
        start = Regression(
            vector.new_zeros(num_classes, vector.shape[1]), vector.new_zeros(num_classes)
        )

    def loss(weight: Tensor, bias: Tensor) -> Tensor:
        each = F.cross_entropy(F.linear(vector, weight, bias), target, reduction="none")  # (N,)
        return (each * share).sum() + l2 / 2 * weight.square().sum()

    return minimise(loss, start, iterations, on_round)


def minimise(
    loss: Callable[[Tensor, Tensor], Tensor],
    start: tuple[Tensor, Tensor],
    iterations: int,
    on_round: Callable[[int, float], None] = lambda step, loss: None,
) -> Regression:
    """Minimise a convex loss of weight and bias by L-BFGS.

    Args:
        loss: Of weight (K, D) and bias (K,).
        start: Weight and bias to begin with.
        iterations: Maximum number of iterations; it ends earlier where the loss stays.
        on_round: Called with the number of iterations and the loss, every few iterations.
    """
    weight, bias = (part.detach().clone().requires_grad_() for part in start)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_ROUND, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        total = loss(weight, bias)
        total.backward()  # type: ignore[no-untyped-call]
        return total.item()

    before = float("inf")
    for step in range(0, iterations, _ROUND):
        optimizer.param_groups[0]["max_iter"] = min(_ROUND, iterations - step)
        now = optimizer.step(closure)  # type: ignore[no-untyped-call]  # the loss before these
        on_round(step, now)
        if before - now < _CONVERGED * now:
            break
        before = now
    return Regression(weight.detach(), bias.detach())
