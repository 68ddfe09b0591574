"""Turn a checkpoint that the paper's authors released into a run.

The run labels by the classifier: it has no memory of training images. The authors' ImageNet
weights need no conversion; `weakseg train … --model.weights FILE` reads them as they are.
"""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, defaults_of, given, out

USAGE = "CHECKPOINT [--recipe NAME] [--out RUN] [options]"
STOPPED = "the same command with --overwrite starts again"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    defaults = defaults_of("convert_checkpoint", "convert")
    parser.add_argument("CHECKPOINT", type=str, help="the authors' file, model-….pth")
    parser.add_argument(
        "--recipe",
        type=str,
        default=defaults["recipe"],
        help="recipe that it was trained with, by name or as a YAML file",
    )
    parser.add_argument(
        "--classes",
        type=str,
        metavar="FILE",
        help="file with one class name a line; by default PASCAL VOC's 21 or DensePose's 15",
    )
    parser.add_argument("--out", type=str, default=defaults["out"], help="the run folder")
    add_flag(parser, "--overwrite", "replace an existing run")


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.convert import convert_checkpoint

    folder = convert_checkpoint(options.CHECKPOINT, **given(options))
    out.print(f"Run: {escape(str(folder))} (`weakseg predict` labels images with it)")
    return 0
