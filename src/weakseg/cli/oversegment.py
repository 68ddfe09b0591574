"""Cut images into closed regions, which training groups pixels by.

Training does this by itself; the command is for a look at the regions, for other numbers of
them, and for a machine that has no time later. Maps NAME.png are 16-bit, values are region ids.
"""

from __future__ import annotations

from typing import Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt
from rich.markup import escape

from weakseg.cli.options import add_device, add_flag, given, given_besides, out
from weakseg.support.errors import RecipeError

USAGE = "DATA [--boundaries hed] [--regions N | --threshold T] [--out FOLDER] [options]"
STOPPED = "the maps that were made are kept; the same command goes on"
_RECIPE_KEYS = {
    "boundaries": "boundaries",
    "weights": "hed_weights",
    "regions": "regions",
    "threshold": "threshold",
}


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    from weakseg.oversegments.settings import OversegmentSettings

    parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
    parser.add_class_arguments(OversegmentSettings, None, skip={"balance", "max_side"})
    parser.add_argument("--split", type=str, help="only the images of this split")
    parser.add_argument(
        "--out",
        type=str,
        metavar="FOLDER",
        help="folder for the maps; by default the data's cache, where training looks",
    )
    add_flag(parser, "--overlay", "write pictures of the contours beside the maps")
    add_flag(parser, "--overwrite", "replace maps of other settings")
    parser.add_argument(
        "--workers",
        type=NonNegativeInt,
        metavar="N",
        help="processes beside this one; by default one a core where that is faster",
    )
    add_device(parser)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.oversegment import oversegment
    from weakseg.oversegments.settings import OversegmentSettings

    chosen = given(options, kind=OversegmentSettings)
    _check(chosen)
    try:
        settings = OversegmentSettings(**chosen)
    except ValueError as error:
        raise RecipeError(str(error)) from None
    done = oversegment(options.DATA, settings, **given_besides(options, OversegmentSettings))
    out.print(
        f"{done.images} region maps in {escape(str(done.folder))}; "
        f"{done.mean_regions:.1f} regions on average"
    )
    flags = [f"--oversegment.{_RECIPE_KEYS[key]} {value}" for key, value in chosen.items()]
    if "out" in options:
        flags = [f"--oversegment.folder {options.out}"]
    usual = f"--oversegment.regions {settings.regions}"
    out.print(f"Next: weakseg train {escape(' '.join([options.DATA, *(flags or [usual])]))}")
    return 0


def _check(chosen: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    if "regions" in chosen and "threshold" in chosen:
        raise RecipeError("regions, threshold: expected one of them, but got both")
    if "weights" in chosen and chosen.get("boundaries") != "hed":
        raise RecipeError("weights: are of a network, so --boundaries hed is needed too")
