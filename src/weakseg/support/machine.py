"""The machine: processor, GPU, installed versions, process."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def machine_name() -> str:
    """Return the names of processor and GPU, and the number of cores."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{_processor()}, {cores} core{'' if cores == 1 else 's'}"
    if torch.cuda.is_available():
        text += f"; {torch.cuda.get_device_name()} × {torch.cuda.device_count()}"
    return text


def is_first_process() -> bool:
    """Check whether this is the process that writes, of one for each device."""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


def version_of(package: str) -> str | None:
    """Return the installed version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
