"""Class activation maps of one image, summed over scales and flips; kept on disk."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from weakseg.seeds.classifier import AnyTagClassifier
from weakseg.support.errors import DataError
from weakseg.support.files import replacing, why_unreadable


@dataclass(frozen=True)
class Activations:
    """Activation maps of the classes of one image.

    Args:
        class_ids: The classes, (K,).
        maps: Their activations, (K, h, w), 0 to 1, at any size.
    """

    class_ids: NDArray[np.uint8]
    maps: NDArray[np.float32]

    def only(self, class_ids: Collection[int]) -> Activations:
        """Return the maps of some classes."""
        kept = np.isin(self.class_ids, list(class_ids))
        return Activations(self.class_ids[kept], self.maps[kept])

    def resized(self, size: tuple[int, int]) -> Activations:
        """Return the maps at another height and width, by bilinear interpolation."""
        if self.maps.shape[1:] == size or not len(self.maps):
            return Activations(self.class_ids, self.maps.reshape(len(self.maps), *size))
        maps = torch.from_numpy(self.maps)[None]  # (1, K, h, w)
        resized = F.interpolate(maps, size, mode="bilinear", align_corners=False)[0]  # (K, H, W)
        return Activations(self.class_ids, resized.numpy())


@torch.inference_mode()
def class_activations(
    classifier: AnyTagClassifier,
    image: Tensor,
    *,
    side: int,
    scales: Sequence[float],
    flip: bool,
    stride: int = 8,
) -> Tensor:
    """Sum an image's class activations over scales and flips.

    Args:
        classifier: The tag classifier, in evaluation mode.
        image: RGB, (3, H, W), 0 to 1.
        side: Longer side of the image at scale 1, in pixels.
        scales: Scales.
        flip: Add those of the horizontally flipped image.
        stride: Stride of the result, in pixels at scale 1.

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
        views = torch.cat([scaled, scaled.flip(-1)]) if flip else scaled  # (V, 3, H', W')
        for flipped, maps in enumerate(classifier(views).float().relu()):  # (C, h', w') each
            maps = (maps.flip(-1) if flipped else maps)[None]  # (1, C, h', w')
            maps = F.interpolate(maps, size, mode="bilinear", align_corners=False)  # (1, C, h, w)
            total = total + maps[0]  # (C, h, w)
    return total


def select_classes(activations: Tensor, class_ids: Sequence[int], *, first: int) -> Activations:
    """Return the maps of an image's classes, each scaled to a maximum of 1.

    Args:
        activations: Of every class that can be a tag, 0 or more, (C, h, w).
        class_ids: Classes of the image.
        first: Class of entry 0 of `activations`: 1 where class 0 is background.

    Returns:
        The maps; zeros for a class without activation.
    """
    ids = np.array(sorted(class_ids), dtype=np.uint8)
    maps = activations[[int(i) - first for i in ids]].cpu().numpy().astype(np.float32)  # (K, h, w)
    return Activations(ids, normalise_by_class(maps, minimum=1e-12))


def normalise_by_class(scores: NDArray[np.float32], *, minimum: float) -> NDArray[np.float32]:
    """Divide the scores of every class by their maximum in the image.

    A class named by a tag is somewhere, however faint; without this the background takes all of a
    small object.

    Args:
        scores: 0 or more, (C, H, W).
        minimum: Smallest divisor, so that noise of an absent class is not amplified.

    Returns:
        Scores, (C, H, W).

    Examples:
        >>> scores = np.array([[[0.8, 0.4]], [[0.2, 0.3]], [[0.0, 0.03]]], np.float32)
        >>> normalise_by_class(scores, minimum=0.15)[:, 0].round(2).tolist()
        [[1.0, 0.5], [0.67..., 1.0], [0.0, 0.2...]]

    Source: SPML (arXiv 2105.00957), the authors' inference for pseudo-labels.
    """
    largest = scores.max(axis=(1, 2), keepdims=True, initial=0)  # (C, 1, 1)
    normalised: NDArray[np.float32] = (scores / np.maximum(largest, minimum)).astype(np.float32)
    return normalised


def save_activations(path: Path, activations: Activations) -> None:
    """Write the maps of an image's classes, quantised to steps of 1/255.

    Args:
        path: The file, `.npz`; it appears only once it is whole.
        activations: The maps.
    """
    levels = np.rint(activations.maps * 255).astype(np.uint8)
    with replacing(path) as beside:
        np.savez_compressed(beside, class_ids=activations.class_ids, levels=levels)


def load_activations(path: Path) -> Activations:
    """Read the maps that `save_activations` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as entries:
            ids, levels = entries["class_ids"], entries["levels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"is missing or damaged ({why_unreadable(error)}); --resume makes it anew", path=path
        ) from error
    return Activations(ids, levels.astype(np.float32) / 255)
