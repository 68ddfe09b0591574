"""A backbone on trial: its feature maps, its cost on one image, and where its weights are."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from weakseg.models.backbone import Backbone, create_backbone, timm_model_name
from weakseg.models.bodies import chosen_maps
from weakseg.models.weights import local_weights
from weakseg.support.errors import RecipeError


@dataclass(frozen=True)
class BackboneTrial:
    """What a backbone returns and costs.

    Args:
        name: Its name in timm.
        strides: Pixels of the image per pixel of each level, the finest first.
        channels: Channels of each level.
        sizes: Height and width of each level for the image.
        last_stride: Stride of the map that a head reads alone.
        images: Which sizes of images the network takes.
        parameters: Number of parameters.
        seconds: Of one image, forward, after a first one.
        peak_memory: Bytes: of the GPU during the image, else the process's largest so far;
            None where the system does not count it.
        device: Where it ran.
        weights: Weights it ran with.
        found: Where pretrained weights are on this machine; None: they are not.
    """

    name: str
    strides: tuple[int, ...]
    channels: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    last_stride: int
    images: str
    parameters: int
    seconds: float
    peak_memory: int | None
    device: str
    weights: str
    found: str | None


def try_backbone(
    name: str,
    *,
    weights: str | Path = "auto",
    size: int = 512,
    output_stride: Literal[8, 16] = 16,
    patch_stride: int = 0,
) -> BackboneTrial:
    """Build a backbone and run one image.

    Args:
        name: As in `create_backbone`.
        weights: "auto" for ImageNet weights where they are on this machine, else random ones;
            "none" or a file.
        size: Pixels a side of the image.
        output_stride: As in `create_backbone`.
        patch_stride: As in `create_backbone`.

    Returns:
        What it returns and costs.

    Raises:
        RecipeError: The backbone is unknown or unsuitable, or `size` is not positive.
        WeightsError: The file of weights does not fit.
    """
    if size < 1:
        raise RecipeError(f"Expected `size` to be at least 1, but got {size}.")
    found = local_weights(timm_model_name(name))
    source = str(weights)
    if weights == "auto":
        weights, source = ("none", "random") if found is None else (found.path, "ImageNet")
    elif weights == "none":
        source = "random"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = create_backbone(
        name,
        output_stride=output_stride,
        weights=weights,
        all_levels=True,
        patch_stride=patch_stride,
    ).to(device)
    sizes, seconds, memory = _run(backbone.eval(), size, device)
    return BackboneTrial(
        name=timm_model_name(name),
        strides=backbone.level_strides,
        channels=backbone.level_channels,
        sizes=sizes,
        last_stride=_last_stride(backbone),
        images=backbone.geometry.sizes_taken(),
        parameters=sum(parameter.numel() for parameter in backbone.parameters()),
        seconds=seconds,
        peak_memory=memory,
        device=str(device),
        weights=source,
        found=None if found is None else f"{found.source}: {found.path}",
    )


def _last_stride(backbone: Backbone) -> int:
    return backbone.level_strides[chosen_maps(backbone.level_strides, all_levels=False)[0]]


def _run(
    backbone: Backbone, size: int, device: torch.device
) -> tuple[tuple[tuple[int, int], ...], float, int | None]:
    """Return the levels' sizes, the seconds of the second of two runs, and the peak memory."""
    image = torch.zeros(1, 3, size, size, device=device)
    with torch.inference_mode():
        backbone.levels(image)  # the first run allocates
        _wait(device)
        started = time.perf_counter()
        maps = backbone.levels(image)
        _wait(device)
    seconds = time.perf_counter() - started
    return tuple((m.shape[-2], m.shape[-1]) for m in maps), seconds, _peak_memory(device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024  # Linux counts in KiB
