"""`weakseg simulate`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.api.simulate import SimulationSettings
from weakseg.cli.options import add_flag, flag, given, out


class Simulate:
    """Make tags, boxes, points and scribbles from full masks.

    For comparing weak supervision: one command gives one setting. Images of the train split get
    the marks, those of other splits keep their masks to score on. A mix gives each image one kind,
    by shares: --shares.tags 0.25 --shares.points 0.75.
    """

    usage = "DATA [--out WEAK] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("DATA", type=str, help="data with full masks")
        parser.add_argument("--out", type=str, help="the data folder to make (simulated)")
        add_flag(parser, "--overwrite", "replace the data folder that is there")
        parser.add_class_arguments(SimulationSettings, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.simulate import simulate

        done = simulate(
            options.DATA,
            Path(options.get("out", "simulated")),
            SimulationSettings(**given(options, SimulationSettings)),
            overwrite=flag(options, "overwrite"),
        )
        splits = ", ".join(f"{count} in {name}" for name, count in done.splits.items())
        marks = ", ".join(
            f"{count} {kind} on {done.images.get(kind, 0)} images"
            for kind, count in done.marks.items()
        )
        out.print(f"{sum(done.splits.values())} images ({splits}); {marks}")
        out.print(f"{100 * done.labelled:.2f} % of the training pixels are labelled")
        out.print(f"Next: weakseg train {escape(str(done.root))} --out run")
        return 0
