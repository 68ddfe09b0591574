"""Make a small data set, train from each kind of mark, and report."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, defaults_of, given, out

USAGE = "[options]"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    defaults = defaults_of("demo")
    parser.add_argument(
        "--out", type=str, default=defaults["out"], help="folder for data, runs and report"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="steps of each training, in place of the recipe's"
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=defaults["seed"],
        help="seed of data and trainings",
    )
    add_flag(parser, "--overwrite", "replace an existing demo")


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.demo import demo
    from weakseg.report.score_table import comparison_table

    result = demo(**given(options))
    out.print(comparison_table(result.rows))
    out.print(f"Report: {escape(str(result.report))}")
    return 0
