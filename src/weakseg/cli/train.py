"""Train from the marks of a data folder.

Every value of the recipe can be changed by the flag of its name, such as
--training.steps 100 or --data.marks=[points]. Without --recipe it is fast, or small with a
--method that trains step by step. Defaults shown are those of an empty recipe; `weakseg recipes
NAME` shows a recipe in full.
"""

from __future__ import annotations

from argparse import SUPPRESS

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, defaults_of, given, given_besides, out, print_table
from weakseg.recipes.recipe import Recipe
from weakseg.support.machine import is_first_process

USAGE = "DATA [--recipe NAME] [--out RUN] [options]"
STOPPED = "what was done is kept; the same command with --resume goes on"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    defaults = defaults_of("train")
    parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
    parser.add_argument(
        "--recipe",
        type=str,
        default=defaults["recipe"],
        help="recipe, by name or as a YAML file; by default the run's where it is resumed, or else "
        "fast",
    )
    parser.add_argument("--out", type=str, default=defaults["out"], help="the run folder")
    add_flag(parser, "--resume", "continue an existing run, also for more steps")
    add_flag(parser, "--overwrite", "replace an existing run")
    parser.add_class_arguments(Recipe, None)
    (root,) = (action for action in parser._actions if action.dest == "data.root")
    root.help = SUPPRESS  # DATA names it


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.train import train
    from weakseg.report.score_table import score_table

    overrides = given(options, kind=Recipe)
    result = train(options.DATA, overrides=overrides, **given_besides(options, Recipe))
    if not is_first_process():
        return 0
    if result.scores is not None and result.protocol is not None:
        print_table(score_table(result.scores, result.protocol))
    out.print(f"Run: {escape(str(result.run))} (open report.html in it)")
    return 0
