"""The commands of the command line, one file each."""

from __future__ import annotations

from typing import Protocol

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.convert import Convert
from weakseg.cli.demo import Demo
from weakseg.cli.doctor import Doctor
from weakseg.cli.evaluate import Evaluate
from weakseg.cli.import_ import Import
from weakseg.cli.inspect import Inspect
from weakseg.cli.label import Label
from weakseg.cli.oversegment import Oversegment
from weakseg.cli.predict import Predict
from weakseg.cli.recipes import Recipes
from weakseg.cli.simulate import Simulate
from weakseg.cli.train import Train


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
