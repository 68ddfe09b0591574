"""List the recipes, or show one in full."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import out

USAGE = "[NAME]"
STOPPED = "nothing was written"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("name", metavar="NAME", type=str, nargs="?", help="recipe to show in full")


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.recipes.reading import load_recipe, recipe_names, recipe_summary, recipe_yaml

    if options.get("name"):
        out.print(recipe_yaml(load_recipe(options.name)), markup=False, end="")
        return 0
    names = recipe_names()
    width = max(map(len, names))
    for name in names:
        out.print(f"{name:<{width}}  {recipe_summary(name)}", markup=False)
    return 0
