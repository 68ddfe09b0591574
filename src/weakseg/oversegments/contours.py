"""Pictures of regions: their contours drawn over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

_COLOUR = (255, 225, 25)
_PIXELS_PER_WIDTH = 1000  # lines widen with every so many pixels of the longer side


def overlay_contours(image: NDArray[np.uint8], regions: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Draw the contours of regions over their image.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        regions: Region ids, (H, W).

    Returns:
        A picture of the same size; lines are 2 pixels wide, wider in large images.

    Raises:
        ValueError: The two differ in size.

    Examples:
        >>> drawn = overlay_contours(np.zeros((1, 4, 3), np.uint8), np.array([[0, 0, 1, 1]]))
        >>> drawn[0, :, 0].tolist()
        [0, 255, 255, 0]
    """
    if image.shape[:2] != regions.shape:
        raise ValueError(
            f"Expected `regions` to be {image.shape[:2]} as the image is, but got {regions.shape}."
        )
    drawn = image.copy()
    step = max(1, round(max(regions.shape) / _PIXELS_PER_WIDTH))
    lines = find_boundaries(regions[::step, ::step], mode="thick")  # type: ignore[no-untyped-call]
    lines = lines.repeat(step, axis=0).repeat(step, axis=1)
    drawn[lines[: regions.shape[0], : regions.shape[1]]] = _COLOUR
    return drawn
