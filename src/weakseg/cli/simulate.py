"""Make tags, boxes, points and scribbles from full masks.

For comparing weak supervision: one command makes one setting. Images of the train split get
the marks, those of other splits keep their masks to score on. A mix of images with one kind of
mark each is chosen by fractions: --shares.tags 0.25 --shares.points 0.75.
"""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, defaults_of, given, given_besides, out
from weakseg.support.wording import counted

USAGE = "DATA [--out WEAK] [options]"
STOPPED = "nothing was written"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    from weakseg.api.simulate import SimulationSettings

    parser.add_argument("DATA", type=str, help="data with full masks")
    parser.add_argument(
        "--out", type=str, default=defaults_of("simulate")["out"], help="the data folder to make"
    )
    add_flag(parser, "--overwrite", "replace an existing data folder")
    parser.add_class_arguments(SimulationSettings, None)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.simulate import SimulationSettings, simulate

    settings = SimulationSettings(**given(options, kind=SimulationSettings))
    more = given_besides(options, SimulationSettings)
    done = simulate(options.DATA, settings=settings, **more)
    splits = ", ".join(f"{count} in {name}" for name, count in done.splits.items())
    marks = ", ".join(
        f"{count} {kind} on {counted(done.images.get(kind, 0), 'image')}"
        for kind, count in done.marks.items()
    )
    out.print(f"{splits}; {marks}")
    out.print(f"{100 * done.labelled:.2f} % of the training pixels are labelled")
    out.print(f"Next: weakseg train {escape(str(done.root))} --out run")
    return 0
