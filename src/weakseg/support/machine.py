"""What a run ran on: processor, GPU, versions."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def machine_name() -> str:
    """Name the processor, its cores and the GPU."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{_processor()}, {cores} core{'' if cores == 1 else 's'}"
    if torch.cuda.is_available():
        text += f"; {torch.cuda.get_device_name()} × {torch.cuda.device_count()}"
    return text


def is_first_process() -> bool:
    """On several devices each has a process that runs the whole command; one of them writes."""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


def version_of(package: str) -> str | None:
    """Give the installed version of a package; None where it is not installed."""
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
