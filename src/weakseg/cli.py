"""The command line: options come from the same dataclasses as recipes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.markup import escape

from weakseg import __version__
from weakseg.config import InferenceConfig, Recipe
from weakseg.errors import RecipeError, WeaksegError
from weakseg.machine import is_first_process
from weakseg.recipes import plain_message

_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands behind `weakseg`; by default, what the shell gave.

    Returns:
        0, or 1 on failure, 2 on bad usage, 130 on Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = build_parser()
    if not arguments:
        parser.print_help()
        return 2
    try:
        # Without defaults, what is left is what the user asked for; recipes say the rest.
        options = parser.parse_args(arguments, defaults=False)
    except SystemExit as stop:
        return int(stop.code or 0)
    command = options.subcommand
    _set_up_messages()
    return _guarded(_COMMANDS[command].run, options[command])


class _Parser(ArgumentParser):
    """A parser whose complaints are one line and a hint, without the whole usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        said = " ".join(plain_message(message).split())
        for command in _COMMANDS:
            said = said.replace(f"{command}.", "")  # the parser's own way to name what is nested
        _complain(said)
        program = self.prog.replace("[options] ", "")
        _err.print(f"Run `{program} --help` for what can be said.")
        sys.exit(2)


def build_parser() -> ArgumentParser:
    """Build the parser of all commands."""
    parser = _Parser(
        prog="weakseg",
        version=__version__,
        description="Train a semantic segmenter from tags, points, scribbles or masks, in any mix.",
        epilog="`weakseg COMMAND --help` says more. A first try: `weakseg demo`.",
    )
    commands = parser.add_subcommands(required=True, title="commands", metavar="COMMAND")
    for name, command in _COMMANDS.items():
        summary, _, more = (command.__doc__ or "").partition("\n")
        own = _Parser(description=f"{summary} {more}", usage=f"weakseg {name} {command.usage}")
        command.add_options(own)
        commands.add_subcommand(name, own, help=summary)
    return parser


class _Demo:
    """Make a small set, train from each kind of mark, and report."""

    usage = "[options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=str, help="folder for data, runs and report (demo)")
        parser.add_argument(
            "--steps", type=int, help="steps of each training, in place of the recipe's"
        )
        _add_seed(parser)
        _add_flag(parser, "--overwrite", "replace a demo that is there")

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.run_demo import demo

        given = {key: options[key] for key in ("steps", "seed") if key in options}
        result = demo(options.get("out", "demo"), overwrite=_flag(options, "overwrite"), **given)
        _out.print(result.table)
        _out.print(f"Report: {escape(str(result.report))}")
        return 0


class _Train:
    """Train from the marks of a data folder.

    Every value of the recipe can be changed by the flag of its name, such as
    --training.steps 100 or --data.marks=[points]. Defaults shown are those of a recipe that says
    nothing; `weakseg recipes NAME` shows a recipe in full.
    """

    usage = "DATA [--recipe NAME] [--out RUN] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("DATA", type=str, help="data folder, PASCAL VOC folder or data.yaml")
        parser.add_argument("--recipe", type=str, help="recipe, by name or as a YAML file (small)")
        parser.add_argument("--out", type=str, help="the run folder (run)")
        _add_flag(parser, "--resume", "go on with the run that is there")
        _add_flag(parser, "--overwrite", "replace the run that is there")
        parser.add_class_arguments(Recipe, None)

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.api import train
        from weakseg.config import flatten
        from weakseg.evaluation import score_table

        recipe_keys = {item.name for item in fields(Recipe)}
        tree = {key: value for key, value in options.as_dict().items() if key in recipe_keys}
        result = train(
            options.DATA,
            recipe=options.get("recipe", "small"),
            out=options.get("out", "run"),
            resume=_flag(options, "resume"),
            overwrite=_flag(options, "overwrite"),
            overrides=flatten(tree),
        )
        if not is_first_process():
            return 0
        if result.scores is not None and result.protocol is not None:
            _out.print(score_table(result.scores, result.protocol))
        _out.print(f"Run: {escape(str(result.run))} (report.html shows it)")
        return 0


class _Predict:
    """Label every pixel of images with a trained run."""

    usage = "RUN IMAGES... [--out MASKS] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("RUN", type=str, help="run folder")
        parser.add_argument("IMAGES", type=str, nargs="+", help="images, or folders of images")
        parser.add_argument("--out", type=str, help="folder for the masks (masks)")
        _add_flag(parser, "--overlay", "write each mask over its image too")
        _add_flag(parser, "--overwrite", "replace masks that are there")
        _add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.api import predict

        out = options.get("out", "masks")
        masks = predict(
            options.RUN, options.IMAGES, out,
            overlay=_flag(options, "overlay"), overwrite=_flag(options, "overwrite"),
            **_inference(options),
        )  # fmt: skip
        _out.print(f"{len(masks)} masks in {escape(out)}")
        return 0


class _Evaluate:
    """Score a run, or a folder of masks, against full masks."""

    usage = "RUN DATA [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("RUN", type=str, help="run folder, or folder of masks NAME.png")
        parser.add_argument("DATA", type=str, help="data with full masks")
        parser.add_argument("--split", type=str, help="split to score (the recipe's, or val)")
        parser.add_argument("--masks", type=str, help="folder of full masks, if not DATA's own")
        parser.add_argument("--out", type=str, help="write the scores to this JSON file")
        _add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.api import evaluate
        from weakseg.evaluation import score_table, write_scores

        scores, protocol = evaluate(
            options.RUN, options.DATA, split=options.get("split"), masks=options.get("masks"),
            **_inference(options),
        )  # fmt: skip
        if "out" in options:
            write_scores(Path(options.out), scores, protocol)
        _out.print(score_table(scores, protocol))
        return 0


class _Recipes:
    """List the recipes, or show one in full."""

    usage = "[NAME]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", type=str, nargs="?", help="show this one")

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.recipes import load_recipe, recipe_names, recipe_summary, recipe_yaml

        if options.get("name"):
            _out.print(recipe_yaml(load_recipe(options.name)), markup=False, end="")
            return 0
        for name in recipe_names():
            _out.print(f"{name:<12} {recipe_summary(name)}", markup=False)
        return 0


class _Doctor:
    """Show versions, devices, and the weights that are found."""

    usage = ""

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        pass

    @staticmethod
    def run(options: Namespace) -> int:
        from weakseg.doctor import doctor_table

        _out.print(doctor_table())
        return 0


_COMMANDS: dict[str, Any] = {
    "demo": _Demo,
    "train": _Train,
    "predict": _Predict,
    "evaluate": _Evaluate,
    "recipes": _Recipes,
    "doctor": _Doctor,
}


def _add_flag(parser: ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(name, action="store_true", help=text)


def _flag(options: Namespace, name: str) -> bool:
    return bool(options.get(name, False))


def _add_seed(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, help="seed of data and trainings (0)")


def _add_device(parser: ArgumentParser) -> None:
    parser.add_argument("--device", type=str, help="cpu, cuda, …; by default a GPU if there is one")


def _inference(options: Namespace) -> dict[str, Any]:
    names = {item.name for item in fields(InferenceConfig)} | {"device"}
    return {key: value for key, value in options.as_dict().items() if key in names}


def _guarded(run: Callable[[Namespace], int], options: Namespace) -> int:
    try:
        return run(options)
    except KeyboardInterrupt:
        _err.print("weakseg: stopped by Ctrl-C; what was finished is kept (train --resume goes on)")
        return 130
    except WeaksegError as error:
        _complain(str(error))
        return 2 if isinstance(error, RecipeError) else 1
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the last net: a message, never a traceback
        if os.environ.get("WEAKSEG_TRACEBACK"):
            raise
        _complain(_explain(error))
        return 1


def _explain(error: Exception) -> str:
    if "OutOfMemoryError" in type(error).__name__ or isinstance(error, MemoryError):
        return (
            "out of memory. Lower training.batch or transforms.crop for training, or --tile and "
            "--batch for prediction."
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'a file'}: the disk is full. Free some space and try again."
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "This looks like a bug of weakseg. WEAKSEG_TRACEBACK=1 shows where it happened."
    )


def _complain(message: str) -> None:
    _err.print(f"[bold red]weakseg: error:[/] {escape(message)}")


def _set_up_messages() -> None:
    """Show what weakseg itself has to say, and keep the libraries' chatter down."""
    logger = logging.getLogger("weakseg")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(_ConsoleHandler())
    warnings.filterwarnings("ignore", category=UserWarning, module="torch|lightning|timm")


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = escape(record.getMessage())
        _err.print(f"[yellow]note:[/] {text}" if record.levelno >= logging.WARNING else text)


if __name__ == "__main__":
    sys.exit(main())
