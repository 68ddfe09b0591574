"""`weakseg predict`."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import (
    add_device,
    add_mask_options,
    flag,
    given,
    inference_options,
    say_written,
)
from weakseg.recipes.recipe import InferenceConfig


class Predict:
    """Label every pixel of images with a trained run."""

    usage = "RUN IMAGES... [--out MASKS] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("RUN", type=str, help="run folder")
        parser.add_argument("IMAGES", type=str, nargs="+", help="images, or folders of images")
        add_mask_options(parser)
        add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.predict import predict

        folder = options.get("out", "masks")
        written = predict(
            options.RUN,
            options.IMAGES,
            folder,
            overlay=flag(options, "overlay"),
            overwrite=flag(options, "overwrite"),
            **inference_options(options),
            **given(options, None, "format", "prefix"),
        )
        say_written(written, folder)
        return 0
