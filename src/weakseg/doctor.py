"""A look at what weakseg finds on this machine."""

from __future__ import annotations

import os
import platform

import torch
from rich import box
from rich.table import Table

from weakseg import __version__
from weakseg.machine import machine_name, version_of
from weakseg.models import available_weights

_PACKAGES = ("torch", "torchvision", "timm", "lightning", "torchmetrics", "higra", "jsonargparse")


def doctor_table() -> Table:
    """Give versions, devices and weights as a table."""
    table = Table(box=box.SIMPLE, show_header=False, title="weakseg doctor", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("weakseg", __version__)
    table.add_row("Python", f"{platform.python_version()}, {platform.system()}")
    for package in _PACKAGES:
        table.add_row(package, version_of(package) or "[red]is not installed[/]")
    table.add_row("machine", machine_name())
    table.add_row("threads", f"{torch.get_num_threads()} (OMP_NUM_THREADS="
                             f"{os.environ.get('OMP_NUM_THREADS', 'not set')})")  # fmt: skip
    table.add_row("GPU", _gpus())
    for found in available_weights():
        table.add_row("weights", str(found))
    return table


def _gpus() -> str:
    if not torch.cuda.is_available():
        return "none: training and prediction run on the CPU"
    return ", ".join(
        f"{torch.cuda.get_device_name(index)} "
        f"({torch.cuda.get_device_properties(index).total_memory / 2**30:.0f} GiB)"
        for index in range(torch.cuda.device_count())
    )
