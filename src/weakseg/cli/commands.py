"""The commands of the command line, one module each."""

from __future__ import annotations

from typing import Protocol

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli import (
    convert,
    demo,
    doctor,
    evaluate,
    import_,
    inspect,
    label,
    oversegment,
    predict,
    recipes,
    simulate,
    train,
)


class Command(Protocol):
    """A module of a command; its docstring is the command's help.

    Heavy packages are imported where they are needed, so that help appears at once.
    """

    __doc__: str | None
    USAGE: str
    STOPPED: str
    """What is left after Ctrl-C or SIGTERM, and what to do."""

    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options to the command's parser."""
        ...

    def run(self, options: Namespace) -> int:
        """Run the command and return the exit code."""
        ...


COMMANDS: dict[str, Command] = {
    "demo": demo,
    "train": train,
    "predict": predict,
    "evaluate": evaluate,
    "label": label,
    "import": import_,
    "inspect": inspect,
    "simulate": simulate,
    "oversegment": oversegment,
    "convert": convert,
    "recipes": recipes,
    "doctor": doctor,
}
