"""The commands of the command line, one file each."""

from __future__ import annotations

from typing import Protocol

from jsonargparse import ArgumentParser, Namespace

from weakseg.commands.convert import Convert
from weakseg.commands.demo import Demo
from weakseg.commands.doctor import Doctor
from weakseg.commands.evaluate import Evaluate
from weakseg.commands.import_ import Import
from weakseg.commands.inspect import Inspect
from weakseg.commands.label import Label
from weakseg.commands.oversegment import Oversegment
from weakseg.commands.predict import Predict
from weakseg.commands.recipes import Recipes
from weakseg.commands.simulate import Simulate
from weakseg.commands.train import Train


class Command(Protocol):
    """A command; its docstring is its help."""

    usage: str

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options to its parser."""
        ...

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it.

        Returns:
            The exit code.
        """
        ...


COMMANDS: dict[str, type[Command]] = {
    "demo": Demo,
    "train": Train,
    "predict": Predict,
    "evaluate": Evaluate,
    "label": Label,
    "import": Import,
    "inspect": Inspect,
    "simulate": Simulate,
    "oversegment": Oversegment,
    "convert": Convert,
    "recipes": Recipes,
    "doctor": Doctor,
}
