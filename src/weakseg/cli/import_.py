"""Make a data folder from the files of annotation tools.

Formats are recognised by their content: labelme, Label Studio, CVAT, COCO, YOLO, PASCAL VOC,
VGG Image Annotator, makesense.ai, Supervisely, QuPath, Labelbox, Roboflow, ScribbleSup, Open
Images, Datumaro, clicks and tables, label maps as PNG, Cityscapes, CamVid, ADE20K, Mapillary
Vistas. Several files are joined by the images' names. Your files are only
read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.cli.options import add_flag, add_images, defaults_of, err, given, given_besides, out
from weakseg.support.errors import RecipeError
from weakseg.support.wording import counted

if TYPE_CHECKING:
    from weakseg.marks.findings import Finding

USAGE = "FILES... [--out DATA] [options]"
STOPPED = "nothing was imported"
_SHOWN = 3  # findings of each kind


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    from weakseg.api.import_ import ImportSettings

    parser.add_argument("FILES", type=str, nargs="+", help="files or folders of marks, or zips")
    parser.add_argument(
        "--out",
        type=str,
        default=defaults_of("import_marks", "import_")["out"],
        help="the data folder to make",
    )
    add_flag(parser, "--overwrite", "replace an existing data folder")
    add_images(parser)
    parser.add_argument(
        "--class_map",
        "--class-map",
        type=str,
        nargs="+",
        metavar="OLD=NEW",
        help="new names of classes; several may become one, and OLD=void leaves out the pixels "
        "that its lines and areas cover",
    )
    parser.add_argument(
        "--drop", type=str, nargs="+", metavar="CLASS", help="classes whose marks are left out"
    )
    parser.add_argument(
        "--complete",
        type=str,
        nargs="+",
        metavar="KIND",
        help="boxes or masks leave no object out: what none of them holds is background",
    )
    # The others are easier to type as words than as a list or a dictionary.
    by_hand = {"images", "class_map", "drop", "complete"}
    parser.add_class_arguments(ImportSettings, None, skip=by_hand)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    from weakseg.api.import_ import ImportSettings, import_marks

    chosen = given(options, kind=ImportSettings)
    if "class_map" in chosen:
        chosen["class_map"] = _pairs(chosen["class_map"])
    settings = ImportSettings(**chosen)
    done = import_marks(options.FILES, settings=settings, **given_besides(options, ImportSettings))
    _print_findings(done.findings, done.counts)
    kinds = ", ".join(f"{kind} on {images}" for kind, images in sorted(done.marks.items()))
    splits = ", ".join(f"{count} in {name}" for name, count in done.splits.items())
    out.print(f"{counted(done.images, 'image')} ({splits}); marks: {kinds or 'none'}")
    out.print(
        f"{counted(len(done.classes), 'class', 'classes')}: {escape(', '.join(done.classes))}"
    )
    if done.lacks_background:
        out.print(
            "[yellow]note:[/] nothing is marked as background, so a network would find it nowhere. "
            "If what is not marked is background, use --complete masks."
        )
    root = escape(str(done.root))
    if done.refused:
        out.print(f"[yellow]note:[/] it cannot be trained on yet: {escape(done.refused)}")
        out.print(f"Next: weakseg inspect {root}")
    else:
        out.print(f"Next: weakseg inspect {root}; weakseg train {root} --out run")
    return 0


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read new names by the old.

    Raises:
        RecipeError: A class has two new names, or one is not written so.
    """
    names: dict[str, str] = {}
    for old, new in map(_pair, texts):
        if names.setdefault(old, new) != new:
            raise RecipeError(f"class_map: {old!r} is to be both {names[old]!r} and {new!r}")
    return names


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")  # more classes of files than new names hold one
    if not (equals and new):
        raise RecipeError(f"class_map: expected OLD=NEW, but got {text!r}")
    return old.strip(), new.strip()


def _print_findings(findings: Sequence[Finding], counts: Mapping[str, int]) -> None:
    """Print the first findings of each kind, and how many more there are."""
    for kind, count in counts.items():
        shown = [finding for finding in findings if finding.kind == kind][:_SHOWN]
        for finding in shown:
            err.print(f"[yellow]{kind}:[/] {escape(str(finding))}")
        if count > len(shown):
            err.print(f"[yellow]{kind}:[/] … and {count - len(shown)} more")
