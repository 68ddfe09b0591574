"""Class activation maps of one image, added up over scales and mirror images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from weakseg.seeds.classifier import TagClassifier


@dataclass(frozen=True)
class Activations:
    """Where the classes of one image are seen.

    Args:
        class_ids: The classes, (K,).
        maps: Their activations, (K, h, w), 0 to 1, at any size.
    """

    class_ids: NDArray[np.uint8]
    maps: NDArray[np.float32]

    def only(self, class_ids: Collection[int]) -> Activations:
        """Keep some classes."""
        kept = np.isin(self.class_ids, list(class_ids))
        return Activations(self.class_ids[kept], self.maps[kept])

    def resized(self, size: tuple[int, int]) -> Activations:
        """Give the same maps at another height and width, bilinearly."""
        if self.maps.shape[1:] == size or not len(self.maps):
            return Activations(self.class_ids, self.maps.reshape(len(self.maps), *size))
        maps = torch.from_numpy(self.maps)[None]
        larger = F.interpolate(maps, size, mode="bilinear", align_corners=False)[0]
        return Activations(self.class_ids, larger.numpy())


@torch.inference_mode()
def class_activations(
    classifier: TagClassifier,
    image: Tensor,
    *,
    side: int,
    scales: Sequence[float],
    flip: bool,
    stride: int = 8,
) -> Tensor:
    """Add up an image's class activations over scales and mirror images.

    Args:
        classifier: The tag classifier, in evaluation mode.
        image: RGB, (3, H, W), 0 to 1.
        side: At scale 1 the image's longer side has this many pixels.
        scales: Scales.
        flip: Add those of the mirrored image.
        stride: Pixels at scale 1 a cell of the result.

    Returns:
        Activations of every class, 0 or more, (C, h, w).

    Source: SEAM (arXiv 2004.04581), section 4.1.
    """
    height, width = image.shape[-2:]
    fit = side / max(height, width)
    size = [max(1, round(edge * fit / stride)) for edge in (height, width)]
    total = image.new_zeros(())
    for scale in scales:
        scaled_size = [max(16, round(edge * fit * scale)) for edge in (height, width)]
        scaled = F.interpolate(image[None], scaled_size, mode="bilinear", antialias=True)
        views = [scaled, scaled.flip(-1)] if flip else [scaled]
        for mirrored, activations in enumerate(classifier(torch.cat(views)).float().relu()):
            upright = activations.flip(-1) if mirrored else activations
            total = (
                total + F.interpolate(upright[None], size, mode="bilinear", align_corners=False)[0]
            )
    return total


def normalised(activations: Tensor, class_ids: Sequence[int], *, first: int) -> Activations:
    """Keep the classes of an image, each scaled so that its largest activation is 1.

    Args:
        activations: Of every class that can be a tag, 0 or more, (C, h, w).
        class_ids: Classes of the image.
        first: Class that entry 0 of `activations` stands for: 1 where class 0 is background.

    Returns:
        The maps; a class that is seen nowhere has zeros.
    """
    ids = np.array(sorted(class_ids), dtype=np.uint8)
    maps = activations[[int(i) - first for i in ids]].cpu().numpy().astype(np.float32)
    largest = maps.max(axis=(1, 2), keepdims=True, initial=0)
    return Activations(ids, maps / np.maximum(largest, 1e-12))
