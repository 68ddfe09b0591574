"""Learning rate schedule.

Source: SPML (arXiv 2105.00957), training: polynomial decay with power 0.9, after a warm-up.
"""

from __future__ import annotations

_WARMUP_START = 0.1


def polynomial_decay(step: int, *, max_steps: int, warmup: int = 0, power: float = 0.9) -> float:
    """Return the factor on the learning rate: 0.1 up to 1, then (1 − step / max_steps)^power.

    Args:
        step: Steps already taken, at least 0.
        max_steps: Steps of the training, at least 1; from there on the factor is 0.
        warmup: Steps of the linear warm-up; the decay still counts from step 0.
        power: Exponent of the decay.

    Returns:
        The factor, in [0, 1].

    Raises:
        ValueError: A count is out of range.

    Examples:
        >>> [round(polynomial_decay(s, max_steps=100, warmup=10), 3) for s in (0, 5, 10, 55, 100)]
        [0.1, 0.55, 0.91, 0.487, 0.0]
    """
    if step < 0 or max_steps < 1 or warmup < 0:
        raise ValueError(
            "Expected arguments `step` ≥ 0, `max_steps` ≥ 1 and `warmup` ≥ 0, "
            f"but got {step}, {max_steps} and {warmup}"
        )
    if step < warmup:
        return _WARMUP_START + (1 - _WARMUP_START) * step / warmup
    return float(max(0.0, 1 - step / max_steps) ** power)
