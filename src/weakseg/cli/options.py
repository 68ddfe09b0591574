"""Options that several commands share, and what the user gave of them."""

from __future__ import annotations

import ast
import os
from argparse import SUPPRESS
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.recipes.recipe import InferenceConfig
from weakseg.support.terminal import Terminal
from weakseg.support.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDTH = 160  # of tables where no terminal limits it
_NARROWEST = 80  # terminal that tables are fitted to; narrower ones would cut cells
out = Terminal()
err = Terminal(stderr=True)


@cache
def defaults_of(verb: str, module: str | None = None) -> Mapping[str, Any]:
    """Read the defaults of a verb's arguments from its source, without importing torch.

    Args:
        verb: Name of a function of `weakseg.api`.
        module: Its module there, where that has another name.

    Examples:
        >>> defaults_of("train")["out"]
        'run'
    """
    spec = find_spec(f"weakseg.api.{module or verb}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (function,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == verb
    )
    own = function.args
    positional = own.args[len(own.args) - len(own.defaults) :]
    pairs = [
        *zip(positional, own.defaults, strict=True),
        *zip(own.kwonlyargs, own.kw_defaults, strict=True),
    ]
    return {argument.arg: ast.literal_eval(value) for argument, value in pairs if value is not None}


def add_flag(parser: ArgumentParser, name: str, text: str) -> None:
    """Add an option without a value."""
    parser.add_argument(name, action="store_true", help=text)


def add_images(parser: ArgumentParser) -> None:
    """Add --images."""
    parser.add_argument(
        "--images",
        type=str,
        nargs="+",
        metavar="FOLDER",
        help="folders searched for images, besides the paths in the files",
    )


def add_device(parser: ArgumentParser) -> None:
    """Add --device."""
    parser.add_argument("--device", type=str, help="cpu, cuda, …; by default a GPU if there is one")


def add_inference_options(parser: ArgumentParser) -> None:
    """Add the fields of InferenceConfig, which are as in the run's recipe where not given."""
    parser.add_class_arguments(InferenceConfig, None)
    group = parser._action_groups[-1]
    group.title = "How a new image is labelled; by default as in the run's recipe"
    for action in group._group_actions:
        action.default = SUPPRESS  # those of the class do not count here


def add_mask_options(parser: ArgumentParser, defaults: Mapping[str, Any]) -> None:
    """Add the options of written masks."""
    parser.add_argument("--out", type=str, default=defaults["out"], help="folder for the masks")
    parser.add_argument(
        "--format",
        type=str,
        default=defaults["format"],
        help="png, or for correction coco, coco-rle, labelme or label-studio",
    )
    parser.add_argument(
        "--png",
        type=str,
        default=defaults["png"],
        help="palette or grey: OpenCV and others read colours out of a palette",
    )
    parser.add_argument(
        "--prefix", type=str, help="prefix of the images' names in files of coco and label-studio"
    )
    add_flag(parser, "--overlay", "write each mask over its image too")
    add_flag(parser, "--overwrite", "replace existing masks")


def given(options: Namespace, *, kind: type | None = None) -> dict[str, Any]:
    """Return the named options that the user gave, as keyword arguments.

    Args:
        options: Parsed without defaults.
        kind: Only the fields of this dataclass.
    """
    named = {key: value for key, value in options.as_dict().items() if not key.isupper()}
    names = named.keys() if kind is None else {item.name for item in fields(kind)}
    return {key: value for key, value in named.items() if key in names}


def given_besides(options: Namespace, kind: type) -> dict[str, Any]:
    """Return the named options that the user gave and that are no fields of a dataclass."""
    own = given(options, kind=kind)
    return {key: value for key, value in given(options).items() if key not in own}


def print_table(table: RenderableType) -> None:
    """Print tables: to fit a terminal that is not too narrow, else as wide as they need to be."""
    known = out.is_terminal or "COLUMNS" in os.environ
    if known and out.width >= _NARROWEST:
        out.print(table, soft_wrap=False)
    else:
        Terminal(width=_WIDTH).print(table)


def print_written(files: Sequence[Path], folder: str) -> None:
    """Print where masks were written."""
    if len(files) == 1:
        out.print(f"Written: {escape(str(files[0]))}")
    else:
        out.print(f"{counted(len(files), 'mask')} in {escape(folder)}")
