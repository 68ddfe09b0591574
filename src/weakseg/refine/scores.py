"""Class scores of one image, made even between classes before they compete."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def normalise_by_class(scores: NDArray[np.float32], *, least: float = 0.15) -> NDArray[np.float32]:
    """Divide every class's scores by its largest in the image.

    A class that is named by a tag is somewhere, however faint; without this the background takes
    all of a small object.

    Args:
        scores: 0 or more, (C, H, W).
        least: Smallest number to divide by, so that what is seen nowhere is not blown up.

    Returns:
        Scores, (C, H, W).

    Examples:
        >>> scores = np.array([[[0.8, 0.4]], [[0.2, 0.3]], [[0.0, 0.03]]], np.float32)
        >>> normalise_by_class(scores)[:, 0].round(2).tolist()
        [[1.0, 0.5], [0.67..., 1.0], [0.0, 0.2...]]

    Source: SPML (arXiv 2105.00957), the authors' inference for pseudo-labels.
    """
    largest = scores.max(axis=(1, 2), keepdims=True, initial=0)
    evened: NDArray[np.float32] = (scores / np.maximum(largest, least)).astype(np.float32)
    return evened
