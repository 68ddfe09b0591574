"""Colours of classes, and pictures of label maps."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.label_values import UNLABELLED, VOID


@cache
def class_palette() -> NDArray[np.uint8]:
    """Return the colours of the 256 values of a label map.

    Class ids follow the PASCAL VOC colour map: the bits of the id, dealt out in turn to red, green
    and blue from their highest bit down. Unlabelled is dark grey, void is near white.

    Returns:
        Colours, (256, 3), 8 bits a channel; not to be written to.

    Examples:
        >>> class_palette()[:4].tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= (((ids >> (3 * bit + channel)) & 1) << (7 - bit)).astype(
                np.uint8
            )
    palette[UNLABELLED] = (64, 64, 64)
    palette[VOID] = (224, 224, 192)
    palette.setflags(write=False)
    return palette


def colour_labels(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint a label map with the class palette.

    Args:
        labels: Label map, (H, W).

    Returns:
        Picture, (H, W, 3), 8 bits a channel.
    """
    painted: NDArray[np.uint8] = class_palette()[labels]
    return painted


def overlay_labels(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], *, opacity: float = 0.6
) -> NDArray[np.uint8]:
    """Lay a label map over its image; unlabelled pixels show the image alone.

    Args:
        image: Picture, (H, W, 3), 8 bits a channel.
        labels: Label map, (H, W).
        opacity: Fraction of the label's colour, 0 to 1.

    Returns:
        Picture, (H, W, 3), 8 bits a channel.

    Raises:
        ValueError: Image and label map differ in size.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(
            f"Expected `labels` to be as large as `image`, {image.shape[:2]}, "
            f"but got {labels.shape}."
        )
    fraction = np.where(labels == UNLABELLED, 0.0, opacity)[..., None]
    mixed = image * (1 - fraction) + colour_labels(labels) * fraction
    overlaid: NDArray[np.uint8] = mixed.round().astype(np.uint8)
    return overlaid
