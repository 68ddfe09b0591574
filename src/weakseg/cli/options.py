"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.markup import escape

from weakseg.recipes.recipe import InferenceConfig

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def add_flag(parser: ArgumentParser, name: str, text: str) -> None:
    """Add an option that is on where it is named."""
    parser.add_argument(name, action="store_true", help=text)


def flag(options: Namespace, name: str) -> bool:
    """Tell whether such an option was named."""
    return bool(options.get(name, False))


def add_device(parser: ArgumentParser) -> None:
    """Add --device."""
    parser.add_argument("--device", type=str, help="cpu, cuda, …; by default a GPU if there is one")


def add_mask_options(parser: ArgumentParser) -> None:
    """Add where and how masks are written."""
    parser.add_argument("--out", type=str, help="folder for the masks (masks)")
    parser.add_argument(
        "--format",
        type=str,
        help="png, or for correction coco, coco-rle, labelme or label-studio (png)",
    )
    parser.add_argument(
        "--prefix", type=str, help="what stands before images' names in coco and label-studio"
    )
    add_flag(parser, "--overlay", "write each mask over its image too")
    add_flag(parser, "--overwrite", "replace masks that are there")


def say_written(files: Sequence[Path], folder: str) -> None:
    """Say where masks were written."""
    if len(files) == 1:
        out.print(f"Written: {escape(str(files[0]))}")
    else:
        out.print(f"{len(files)} masks in {escape(folder)}")


def inference_options(options: Namespace) -> dict[str, Any]:
    """Give what was said of inference."""
    return given(options, InferenceConfig, "device")


def given(options: Namespace, kind: type | None, *more: str) -> dict[str, Any]:
    """Give what was said of a dataclass's fields, and of further options."""
    names = {*more, *(item.name for item in (fields(kind) if kind else ()))}
    return {key: value for key, value in options.as_dict().items() if key in names}
