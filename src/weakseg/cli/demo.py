"""Label a photograph from scribbles, train on a made set, and report."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, defaults_of, given, out, print_table

USAGE = "[options]"
STOPPED = "the same command with --overwrite starts again"
_NEXT = """
Next, your own images, marked in any tool:
  weakseg import MARKS --out data
  weakseg train data --out run"""


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    defaults = defaults_of("demo")
    parser.add_argument(
        "--out",
        type=str,
        default=defaults["out"],
        help="folder for data, runs and report",
    )
    parser.add_argument(
        "--all",
        dest="all_marks",
        action="store_true",
        help="compare all kinds of marks on the made set instead",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="steps of each training on the made set, in place of the recipe's",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=defaults["seed"],
        help="seed of the made set and the trainings",
    )
    add_flag(parser, "--overwrite", "replace an existing demo")


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.demo import demo
    from weakseg.report.demo.page import LESSON
    from weakseg.report.score_table import comparison_table

    result = demo(**given(options))
    print_table(comparison_table(result.rows))
    out.print(LESSON)
    for picture in result.pictures:
        out.print(f"Picture: {escape(str(picture))}")
    out.print(f"Report: {escape(str(result.report))}")
    out.print(_NEXT)
    return 0
