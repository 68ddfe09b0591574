"""`weakseg train`."""

from __future__ import annotations

from dataclasses import fields

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, flag, out
from weakseg.recipes.recipe import Recipe
from weakseg.support.machine import is_first_process


class Train:
    """Train from the marks of a data folder.

    Every value of the recipe can be changed by the flag of its name, such as
    --training.steps 100 or --data.marks=[points]. Defaults shown are those of a recipe that says
    nothing; `weakseg recipes NAME` shows a recipe in full.
    """

    usage = "DATA [--recipe NAME] [--out RUN] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
        parser.add_argument("--recipe", type=str, help="recipe, by name or as a YAML file (small)")
        parser.add_argument("--out", type=str, help="the run folder (run)")
        add_flag(parser, "--resume", "go on with the run that is there")
        add_flag(parser, "--overwrite", "replace the run that is there")
        parser.add_class_arguments(Recipe, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.train import train
        from weakseg.report.score_table import score_table

        recipe_keys = {item.name for item in fields(Recipe)}
        tree = {key: value for key, value in options.as_dict().items() if key in recipe_keys}
        result = train(
            options.DATA,
            recipe=options.get("recipe", "small"),
            out=options.get("out", "run"),
            resume=flag(options, "resume"),
            overwrite=flag(options, "overwrite"),
            overrides=tree,
        )
        if not is_first_process():
            return 0
        if result.scores is not None and result.protocol is not None:
            out.print(score_table(result.scores, result.protocol))
        out.print(f"Run: {escape(str(result.run))} (report.html shows it)")
        return 0
