"""Label every pixel of images with a trained run."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import (
    add_device,
    add_flag,
    add_inference_options,
    add_mask_options,
    defaults_of,
    given,
    print_written,
)

USAGE = "RUN IMAGES... [--out MASKS] [options]"
STOPPED = "the masks that were made are kept; the same command with --resume makes the others"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("RUN", type=str, help="run folder")
    parser.add_argument("IMAGES", type=str, nargs="+", help="images, or folders of images")
    add_mask_options(parser, defaults_of("predict"))
    add_flag(parser, "--resume", "make only the masks that are missing")
    add_device(parser)
    add_inference_options(parser)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.predict import predict

    written = predict(options.RUN, options.IMAGES, **given(options))
    print_written(written, options.get("out", defaults_of("predict")["out"]))
    return 0
