"""`weakseg predict`."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.commands.options import add_device, add_flag, flag, given, inference_options, out
from weakseg.config import InferenceConfig


class Predict:
    """Label every pixel of images with a trained run."""

    usage = "RUN IMAGES... [--out MASKS] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("RUN", type=str, help="run folder")
        parser.add_argument("IMAGES", type=str, nargs="+", help="images, or folders of images")
        parser.add_argument("--out", type=str, help="folder for the masks (masks)")
        parser.add_argument(
            "--format",
            type=str,
            help="png, or for correction coco, coco-rle, labelme or label-studio (png)",
        )
        parser.add_argument(
            "--prefix", type=str, help="what stands before images' names in coco and label-studio"
        )
        add_flag(parser, "--overlay", "write each mask over its image too")
        add_flag(parser, "--overwrite", "replace masks that are there")
        add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api import predict

        folder = options.get("out", "masks")
        written = predict(
            options.RUN, options.IMAGES, folder,
            overlay=flag(options, "overlay"), overwrite=flag(options, "overwrite"),
            **inference_options(options), **given(options, None, "format", "prefix"),
        )  # fmt: skip
        if len(written) == 1:
            out.print(f"Written: {escape(str(written[0]))}")
        else:
            out.print(f"{len(written)} masks in {escape(folder)}")
        return 0
