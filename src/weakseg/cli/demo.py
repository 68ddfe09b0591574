"""`weakseg demo`."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, flag, out


class Demo:
    """Make a small set, train from each kind of mark, and report."""

    usage = "[options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("--out", type=str, help="folder for data, runs and report (demo)")
        parser.add_argument(
            "--steps", type=int, help="steps of each training, in place of the recipe's"
        )
        parser.add_argument("--seed", type=int, help="seed of data and trainings (0)")
        add_flag(parser, "--overwrite", "replace a demo that is there")

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.demo import demo

        given = {key: options[key] for key in ("steps", "seed") if key in options}
        result = demo(options.get("out", "demo"), overwrite=flag(options, "overwrite"), **given)
        out.print(result.table)
        out.print(f"Report: {escape(str(result.report))}")
        return 0
