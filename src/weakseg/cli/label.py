"""Make full masks of images that are marked in part.

Marked pixels keep their class, and no class appears in an image that its marks do not name.
Images without a mark are labelled freely. confidence.csv lists the images, the least confident
first.
"""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import (
    add_device,
    add_flag,
    add_inference_options,
    add_mask_options,
    defaults_of,
    given,
    out,
    print_written,
)
from weakseg.recipes.recipe import DataConfig

USAGE = "RUN DATA [--out MASKS] [options]"
STOPPED = "the masks that were made are kept; the same command with --resume makes the others"
_OF_TRAINING = {"root", "cache", "train_split", "val_split", "point_radius", "scribble_dilation"}


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("RUN", type=str, help="run folder")
    parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
    add_mask_options(parser, defaults_of("label"))
    add_flag(parser, "--resume", "go on where the same command was stopped")
    parser.add_argument("--split", type=str, help="split to label; by default all images")
    add_flag(parser, "--confidence", "write the confidence of each pixel, NAME.confidence.png")
    add_device(parser)
    add_inference_options(parser)
    parser.add_class_arguments(DataConfig, "data", skip=_OF_TRAINING)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.label import label

    chosen = given(options)
    config = chosen.pop("data", {})
    done = label(options.RUN, options.DATA, config=config, **chosen)
    folder = options.get("out", defaults_of("label")["out"])
    print_written(done.files, folder)
    out.print(f"To review, least confident first: {escape(str(Path(folder) / 'confidence.csv'))}")
    return 0
