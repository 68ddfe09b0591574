"""Random walk: scores propagated over an image along the affinity of its embedding.

Source: SPML (arXiv 2105.00957), refinement of seeds; the walk is that of PSA (arXiv 1803.10464).
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakseg.method.vectors import full_precision, unit_length

_ROWS = 256  # rows of the affinity matrix in a block, at most
_BLOCK = 2**22  # affinities in a block, at most


@torch.no_grad()
def random_walk(
    scores: Tensor,
    embedding: Tensor,
    *,
    sharpness: float = 100.0,
    steps: int = 64,
    max_bytes: int = 256 * 2**20,
) -> Tensor:
    """Replace scores by their mean over pixels of similar embedding, step by step.

    The affinity of two pixels is A = exp(sharpness · (cosine − 1)), of a pixel with itself 1. A
    step is the mean over all pixels, weighted by affinity: T = D⁻¹A with D the sums of A's rows.
    The result is T^steps applied to the scores, up to the precision of float32.

    Neither T^steps nor, on large images, A is ever stored as a whole: memory beyond `max_bytes` is
    small, and blocks that do not fit into it are recomputed at each step, which takes longer.

    Args:
        scores: (C, h, w), 0 or more. A class that is 0 everywhere costs no time.
        embedding: (D, h, w) of any length; normalised here. Vectors of several views that are
            concatenated along D have as their cosine the mean of the views' cosines.
        sharpness: Decay of the affinity with the angle, 0 or more. SPML: exp(5(cosine − 1))^20.
        steps: Steps of the walk, 0 or more. SPML: 2^6.
        max_bytes: Memory for affinities.

    Returns:
        (C, h, w) float32, or float64 where an input is.

    Raises:
        ValueError: Sizes do not fit, a value is not finite, a score or an option is negative.

    Source: SPML, refinement of activation maps and of predictions.

    Examples:
        >>> import torch
        >>> embedding = torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]])
        >>> random_walk(torch.tensor([[[0.2, 0.6, 0.9]]]), embedding)
        tensor([[[0.4000, 0.4000, 0.9000]]])
    """
    _check(scores, embedding, sharpness, steps)
    dtype = torch.promote_types(full_precision(scores).dtype, full_precision(embedding).dtype)
    walked = scores.to(dtype).flatten(1).clone()  # (C, N)
    present = walked.any(dim=1)  # (C,)
    if bool(present.any()):
        unit = unit_length(embedding.to(dtype).flatten(1).T)  # (N, D)
        with torch.autocast(scores.device.type, enabled=False):
            affinity = _Affinity(unit, sharpness, max_bytes)
            walked[present] = _walk(walked[present], affinity, steps)
    return walked.view(scores.shape)  # (C, h, w)


def _walk(scores: Tensor, affinity: _Affinity, steps: int) -> Tensor:
    """Apply T^steps in about 4·√steps products with T.

    The eigenvalues of T lie in [0, 1]. Written as (1 + cos θ) / 2 = cos²(θ/2), they are those of
    t = 2T − 1 as cos θ, and cos²ⁿ(θ/2) = Σ wₖ cos(kθ): so Tⁿ = Σ wₖ Chebyshevₖ(t), of which all but
    the first few terms are negligible.
    """
    sums = affinity.times(torch.ones_like(scores[:1]))  # (1, N)
    weights = _cosine_weights(steps, negligible=torch.finfo(scores.dtype).eps)
    before, now = scores, scores
    walked = weights[0] * scores
    for order, weight in enumerate(weights[1:], start=1):
        product = 2 * affinity.times(now) / sums - now  # (C, N)
        before, now = now, (product if order == 1 else 2 * product - before)
        walked += weight * now
    # A mean lies in the range of its values; rounding may exceed it.
    return walked.clamp(scores.amin(dim=1, keepdim=True), scores.amax(dim=1, keepdim=True))


def _cosine_weights(steps: int, *, negligible: float) -> list[float]:
    """Return w of cos²ⁿ(θ/2) = Σ wₖ cos(kθ): w₀ : wₖ = C(2n, n) : 2 C(2n, n − k)."""
    weights = [1.0]
    ratio = 1.0
    for order in range(1, steps + 1):
        ratio *= (steps - order + 1) / (steps + order)
        if 2 * ratio < negligible * sum(weights):
            break
        weights.append(2 * ratio)
    total = sum(weights)
    return [weight / total for weight in weights]


class _Affinity:
    """The symmetric matrix A, of which the upper triangle is computed in blocks of rows.

    Args:
        unit: (N, D), length one or zero.
        sharpness: Decay of the affinity with the angle.
        max_bytes: Memory for stored blocks.
    """

    def __init__(self, unit: Tensor, sharpness: float, max_bytes: int) -> None:
        self._unit = unit
        self._sharpness = sharpness
        self._rows = max(1, min(_ROWS, _BLOCK // len(unit)))
        self._kept: dict[int, Tensor] = {}
        for start in self._starts():
            size = self._rows * (len(unit) - start) * unit.element_size()
            if size <= max_bytes:
                max_bytes -= size
                self._kept[start] = self._block(start)

    def times(self, values: Tensor) -> Tensor:
        """Return, for each pixel, the affinity-weighted sum of all pixels' values, (C, N)."""
        result = torch.zeros_like(values)
        for start in self._starts():
            block = self._kept[start] if start in self._kept else self._block(start)
            end = start + len(block)
            result[:, start:] += values[:, start:end] @ block  # (C, N - start)
            result[:, start:end] += values[:, end:] @ block[:, len(block) :].T  # (C, rows)
        return result

    def _starts(self) -> range:
        return range(0, len(self._unit), self._rows)

    def _block(self, start: int) -> Tensor:
        """Return the affinities of a block of rows with themselves and all later ones."""
        cosine = self._unit[start : start + self._rows] @ self._unit[start:].T  # (rows, N - start)
        block = cosine.sub_(1).mul_(self._sharpness).exp_()
        block.diagonal().fill_(1)  # also of a zero vector
        return block


def _check(scores: Tensor, embedding: Tensor, sharpness: float, steps: int) -> None:
    if scores.ndim != 3 or embedding.ndim != 3 or scores.shape[1:] != embedding.shape[1:]:
        raise ValueError(
            "Expected arguments `scores` and `embedding` to be (C, h, w) and (D, h, w), "
            f"but got {tuple(scores.shape)} and {tuple(embedding.shape)}"
        )
    if not (sharpness >= 0 and steps >= 0):
        raise ValueError(
            "Expected arguments `sharpness` and `steps` to be 0 or more, "
            f"but got {sharpness} and {steps}"
        )
    if not bool(torch.isfinite(embedding).all()):
        raise ValueError("Expected argument `embedding` to be finite, but some of it is not")
    if not bool((torch.isfinite(scores) & (scores >= 0)).all()):
        raise ValueError("Expected argument `scores` to be finite and 0 or more, but some are not")
