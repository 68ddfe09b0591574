"""Show what marks there are and what is wrong with them.

DATA is a data folder, a PASCAL VOC folder, or files of an annotation tool, as for `import`.
Writes page.html and pictures of the marks. The exit code is 0 where all is well, 3 where
something is odd.
"""

from __future__ import annotations

import json
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import (
    add_flag,
    add_images,
    defaults_of,
    given,
    given_besides,
    out,
    print_table,
)
from weakseg.recipes.recipe import DataConfig

USAGE = "DATA [--out FOLDER] [options]"
STOPPED = "nothing was written"
_FOLDER = "inspection"
_FINDINGS = 3  # the exit code, so that a pipeline can stop


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("DATA", type=str, help="folder or file of marks")
    parser.add_argument(
        "--out", type=str, default=_FOLDER, help="folder for the page and its pictures"
    )
    add_flag(parser, "--json", "print what was found as JSON, and write no page without --out")
    add_flag(parser, "--decode", "decode every image, which finds damaged ones; slower")
    parser.add_argument(
        "--min_images",
        type=int,
        metavar="N",
        default=defaults_of("inspect_data", "inspect")["min_images"],
        help="smallest number of images that a class should have",
    )
    parser.add_argument(
        "--format", type=str, metavar="NAME", help="format, where the content does not show it"
    )
    add_images(parser)
    parser.add_argument(
        "--unlabelled", type=int, metavar="N", help="label maps' value for not labelled"
    )
    parser.add_argument("--void", type=int, metavar="N", help="label maps' value for left out")
    parser.add_argument(
        "--palette", type=str, metavar="FILE", help="file that maps the colours of masks to classes"
    )
    parser.add_argument(
        "--crowd", choices=("void", "object"), help="what COCO's crowds are; see `weakseg import`"
    )
    parser.add_class_arguments(DataConfig, None, skip={"root", "cache"})


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.inspect import inspect_data
    from weakseg.report.inspection_table import inspection_table

    chosen = given_besides(options, DataConfig)
    as_json = chosen.pop("json", False)
    folder = chosen.pop("out", None if as_json else _FOLDER)
    data = given(options, kind=DataConfig)
    inspection = inspect_data(options.DATA, out=folder, data=data, **chosen)
    if as_json:
        out.print_json(json.dumps(inspection.to_json()))
    else:
        print_table(inspection_table(inspection))
        out.print(f"Page: {escape(str(Path(folder) / 'page.html'))}")
    return 0 if inspection.is_clean else _FINDINGS
