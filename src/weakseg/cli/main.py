"""The command line: options come from the same dataclasses as recipes."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.commands import COMMANDS
from weakseg.cli.help import HelpFormatter
from weakseg.cli.options import err
from weakseg.recipes.messages import plain_message
from weakseg.support.errors import RecipeError, WeaksegError
from weakseg.support.files import is_full_disk
from weakseg.support.stopping import Stop, Terminated, stoppable
from weakseg.support.version import __version__
from weakseg.support.wording import shortened


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words after `weakseg`; by default those of the shell.

    Returns:
        0, or 1 on failure, 2 on bad usage, 130 on Ctrl-C, 143 on SIGTERM.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    chosen = COMMANDS.get(arguments[0]) if arguments else None
    try:
        with stoppable() as stop:
            return _run(arguments, stop)
    except KeyboardInterrupt as stopped:
        is_signal = isinstance(stopped, Terminated)
        how = "SIGTERM" if is_signal else "Ctrl-C"
        err.print(f"weakseg: stopped by {how}{f'; {chosen.STOPPED}' if chosen else ''}")
        return 143 if is_signal else 130


def _run(arguments: Sequence[str], stop: Stop) -> int:
    parser = build_parser(arguments[0] if arguments else None)
    if not arguments:
        parser.print_help()
        return 2
    try:
        # Without defaults, only what the user typed is left; verbs and recipes have the defaults.
        options = parser.parse_args(arguments, defaults=False)
    except SystemExit as ended:
        return int(ended.code or 0)
    command = options.subcommand
    _set_up_messages()
    return _guarded(COMMANDS[command].run, options[command], stop)


_RENAMED = {"--least_images": "--min_images", "--least_area": "--min_area"}


class _Parser(ArgumentParser):
    """A parser whose complaints are one line and a hint, without the whole usage."""

    command: str | None = None

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        text = plain_message(message, prefix="--")
        for command in COMMANDS:
            # The parser names what is nested with its command: "train.seed", not "relabel.seed".
            text = re.sub(rf"\b{command}\.", "", text)
        for old, new in _RENAMED.items():
            text = re.sub(rf".*{old}\b.*", f"{old} is called {new} now", text)
        _complain(text)
        program = f"weakseg {self.command}" if self.command else "weakseg"
        err.print(f"Run `{program} --help` for the options.")
        sys.exit(2)


def build_parser(chosen: str | None = None) -> ArgumentParser:
    """Build the parser of all commands.

    Args:
        chosen: The command whose options are added; those of the others would take time.
    """
    parser = _Parser(
        prog="weakseg",
        version=__version__,
        description="Train a semantic segmenter from tags, boxes, points, scribbles or masks, in "
        "any mix.",
        epilog="`weakseg COMMAND --help` lists a command's options. To try it out: `weakseg demo`.",
        formatter_class=HelpFormatter,
    )
    parser.command = chosen if chosen in COMMANDS else None
    commands = parser.add_subcommands(
        required=True, title="commands", description=None, metavar="COMMAND"
    )
    for name, command in COMMANDS.items():
        text = command.__doc__ or ""
        own = _Parser(
            description=text, usage=f"weakseg {name} {command.USAGE}", formatter_class=HelpFormatter
        )
        own.command = name
        if name == chosen:
            command.add_options(own)
        commands.add_subcommand(name, own, help=text.partition("\n")[0])
    return parser


def _guarded(run: Callable[[Namespace], int], options: Namespace, stop: Stop) -> int:
    try:
        return run(options)
    except WeaksegError as error:
        _complain(str(error))
        return 2 if isinstance(error, RecipeError) else 1
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # a bug: a message, never a traceback
        if stop:
            stop.raise_it()  # some libraries turn the exception of a stop into one of their own
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
    if is_full_disk(error):
        path = getattr(error, "filename", None) or "a file"
        return f"{path}: the disk is full. Free some space and try again."
    if isinstance(error, PermissionError):
        return f"{error.filename or 'a file'}: this user may not read it, or not write it."
    return (
        f"unexpected {type(error).__name__}: {shortened(str(error), 1000)}\n"
        "This looks like a bug of weakseg. WEAKSEG_TRACEBACK=1 shows where it happened."
    )


def _complain(message: str) -> None:
    err.print(f"[bold red]weakseg: error:[/] {escape(message)}")


def _set_up_messages() -> None:
    """Show the messages of weakseg, and hide warnings of its libraries."""
    logger = logging.getLogger("weakseg")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(_ConsoleHandler())
    warnings.filterwarnings("ignore", category=UserWarning, module="torch|lightning|timm")


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = escape(record.getMessage())
        err.print(f"[yellow]note:[/] {text}" if record.levelno >= logging.WARNING else text)
