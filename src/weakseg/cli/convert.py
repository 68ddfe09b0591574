"""`weakseg convert`."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, flag, given, out


class Convert:
    """Turn a checkpoint that the paper's authors released into a run.

    The run labels by the classifier: it has no memory of training images. The authors' ImageNet
    weights need no conversion; `weakseg train … --model.weights FILE` reads them as they are.
    """

    usage = "CHECKPOINT [--recipe NAME] [--out RUN] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("CHECKPOINT", type=str, help="the authors' file, model-….pth")
        parser.add_argument(
            "--recipe",
            type=str,
            help="recipe that it was trained with, by name or as a YAML file (voc-scribbles)",
        )
        parser.add_argument(
            "--classes",
            type=str,
            help="file with one class name a line (PASCAL VOC's 21 or DensePose's 15)",
        )
        parser.add_argument("--out", type=str, help="the run folder (run)")
        add_flag(parser, "--overwrite", "replace the run that is there")

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.convert import convert_checkpoint

        said = given(options, None, "recipe", "classes", "out")
        run = convert_checkpoint(options.CHECKPOINT, overwrite=flag(options, "overwrite"), **said)
        out.print(f"Run: {escape(str(run))} (`weakseg predict` labels images with it)")
        return 0
