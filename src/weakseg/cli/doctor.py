"""Show versions, devices, and the weights that are found; or try a backbone.

With --backbone, the network is built and run on one image. The table shows its feature maps, its
cost, and whether its pretrained weights are on this machine. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import defaults_of, given, out
from weakseg.support.errors import RecipeError

if TYPE_CHECKING:
    from weakseg.api.doctor import Diagnosis
    from weakseg.models.trial import BackboneTrial

USAGE = "[--backbone NAME [--weights FILE] [--size N] [options]]"
STOPPED = "nothing was written"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    defaults = defaults_of("doctor")
    parser.add_argument("--backbone", type=str, metavar="NAME", help="a timm model to try")
    parser.add_argument(
        "--weights",
        type=str,
        default=defaults["weights"],
        help="auto (ImageNet where they are on this machine, else random), none, or a file",
    )
    parser.add_argument(
        "--size", type=int, default=defaults["size"], help="pixels a side of the image"
    )
    parser.add_argument(
        "--output_stride",
        type=Literal[8, 16],
        default=defaults["output_stride"],
        help="as model.output_stride of a recipe",
    )
    parser.add_argument(
        "--patch_stride",
        type=int,
        default=defaults["patch_stride"],
        help="as model.patch_stride of a recipe",
    )


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from weakseg.api.doctor import doctor

    chosen = given(options)
    _check_named(chosen)
    found = doctor(**chosen)
    title = "weakseg doctor" if found.backbone is None else found.backbone.name
    table = Table(box=box.SIMPLE, show_header=False, title=title, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = _rows(found) if found.backbone is None else _backbone_rows(found.backbone)
    for name, text in rows:
        table.add_row(name, Text(text))
    out.print(table)
    return 0


def _check_named(chosen: Mapping[str, Any]) -> None:
    """Refuse options of a trial where there is no backbone to try."""
    if "backbone" not in chosen and chosen:
        named = " and ".join(f"--{name}" for name in chosen)
        raise RecipeError(f"{named} need{'s' if len(chosen) == 1 else ''} --backbone NAME.")


def _backbone_rows(tried: BackboneTrial) -> Iterator[tuple[str, str]]:
    levels = zip(tried.strides, tried.channels, tried.sizes, strict=True)
    for stride, channels, (height, width) in levels:
        yield "level", f"stride {stride}, {channels} channels, {height} × {width}"
    yield "last map", f"stride {tried.last_stride}, for heads aspp and psp"
    yield "images", tried.images
    yield "parameters", f"{tried.parameters / 1e6:.1f} million"
    yield "time", f"{tried.seconds:.3f} s forward on {tried.device}"
    if tried.peak_memory is not None:
        of = "" if tried.device == "cuda" else " of the whole process"
        yield "peak memory", f"{tried.peak_memory / 2**20:.0f} MiB{of}"
    yield "ran with", f"{tried.weights} weights"
    yield "pretrained", tried.found or "not on this machine; weights: auto asks timm's hub for them"


def _rows(found: Diagnosis) -> Iterator[tuple[str, str]]:
    for package, version in found.versions.items():
        yield package, version or "is not installed"
    yield "machine", found.machine
    yield "threads", f"{found.threads} (OMP_NUM_THREADS={found.omp_num_threads or 'not set'})"
    gpus = ", ".join(f"{gpu.name} ({gpu.memory / 2**30:.0f} GiB)" for gpu in found.gpus)
    yield "GPU", gpus or "none: training and prediction run on the CPU"
    for weights in found.weights:
        yield "weights", f"{weights.backbone}: {weights.source}"
    yield "HED", found.hed
    for extra, missing in found.extras.items():
        state = f"would add {', '.join(missing)}" if missing else "installed"
        yield "extra", f"weakseg[{extra}]: {state}"
