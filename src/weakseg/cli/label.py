"""`weakseg label`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import (
    add_device,
    add_flag,
    add_mask_options,
    flag,
    given,
    inference_options,
    out,
    say_written,
)
from weakseg.recipes.recipe import DataConfig, InferenceConfig


class Label:
    """Make full masks of images that are marked in part.

    Marked pixels keep their class, and no class appears in an image that its marks do not name.
    Images without a mark are labelled freely. confidence.csv lists the images, those to look at
    first on top.
    """

    usage = "RUN DATA [--out MASKS] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("RUN", type=str, help="run folder")
        parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
        add_mask_options(parser)
        parser.add_argument("--split", type=str, help="split to label (all images)")
        add_flag(parser, "--confidence", "write how sure each pixel is, NAME.confidence.png")
        add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)
        parser.add_class_arguments(DataConfig, "data", skip=_NOT_ASKED)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.label import label

        folder = options.get("out", "masks")
        data = options.data.as_dict() if "data" in options else {}
        done = label(
            options.RUN,
            options.DATA,
            folder,
            config=data,
            confidence=flag(options, "confidence"),
            overlay=flag(options, "overlay"),
            overwrite=flag(options, "overwrite"),
            **inference_options(options),
            **given(options, None, "format", "prefix", "split"),
        )
        say_written(done.files, folder)
        out.print(f"To review, least sure first: {escape(str(Path(folder) / 'confidence.csv'))}")
        return 0


_NOT_ASKED = {"root", "cache", "train_split", "val_split", "point_radius", "scribble_dilation"}
