"""`weakseg inspect`."""

from __future__ import annotations

import json
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, flag, given, out
from weakseg.recipes.recipe import DataConfig

_FINDINGS = 3  # the exit code, so that a pipeline can stop


class Inspect:
    """Show what marks there are and what is wrong with them.

    DATA is a data folder, a PASCAL VOC folder, or files of an annotation tool, as for `import`.
    Writes page.html and pictures of the marks. The exit code is 0 where all is well, 3 where
    something is odd.
    """

    usage = "DATA [--out FOLDER] [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("DATA", type=str, help="folder or file of marks")
        parser.add_argument("--out", type=str, help="folder for page and pictures (inspection)")
        add_flag(parser, "--json", "print what was found as JSON, and write no page without --out")
        add_flag(parser, "--decode", "decode every image, which finds damaged ones; slower")
        parser.add_argument(
            "--least_images", type=int, help="how many images a class should have (5)"
        )
        parser.add_argument("--format", type=str, help="format, where the content does not tell")
        parser.add_argument(
            "--images", type=str, nargs="+", metavar="FOLDER", help="where to look for images too"
        )
        parser.add_argument("--unlabelled", type=int, help="label maps' value for not labelled")
        parser.add_argument("--void", type=int, help="label maps' value for left out")
        parser.add_argument("--palette", type=str, help="which colour of a mask is which class")
        parser.add_class_arguments(DataConfig, None, skip={"root", "cache"})

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.inspect import inspect_data
        from weakseg.report.inspection_table import inspection_table

        as_json = flag(options, "json")
        folder = options.get("out", None if as_json else "inspection")
        inspection = inspect_data(
            Path(options.DATA),
            out=None if folder is None else Path(folder),
            data=given(options, DataConfig),
            **{key: options[key] for key in _PLAIN if key in options},
        )
        if as_json:
            out.print_json(json.dumps(inspection.to_json()))
        else:
            out.print(inspection_table(inspection))
        if folder is not None and not as_json:
            out.print(f"Page: {escape(str(Path(folder) / 'page.html'))}")
        return 0 if inspection.is_clean else _FINDINGS


_PLAIN = ("decode", "least_images", "format", "images", "unlabelled", "void", "palette")
