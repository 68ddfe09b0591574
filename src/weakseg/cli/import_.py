"""`weakseg import`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.api.import_ import ImportSettings
from weakseg.cli.findings import print_findings
from weakseg.cli.options import add_flag, flag, given, out
from weakseg.support.errors import RecipeError


class Import:
    """Make a data folder from the files of annotation tools.

    Formats are recognised by their content: labelme, Label Studio, CVAT, COCO, YOLO, PASCAL VOC,
    ScribbleSup, Open Images, Datumaro, clicks and tables, label maps as PNG, Cityscapes, CamVid,
    ADE20K, Mapillary Vistas. Several files are joined by the images' names. Your files are only
    read.
    """

    usage = "FILES... --out DATA [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("FILES", type=str, nargs="+", help="files or folders of marks, or zips")
        parser.add_argument("--out", type=str, help="the data folder to make (data)")
        add_flag(parser, "--overwrite", "replace the data folder that is there")
        parser.add_argument(
            "--images",
            type=str,
            nargs="+",
            metavar="FOLDER",
            help="folders in which images are looked for, beside where the files say",
        )
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
            "--drop", type=str, nargs="+", metavar="CLASS", help="classes that are not wanted"
        )
        parser.add_argument(
            "--complete",
            type=str,
            nargs="+",
            metavar="KIND",
            help="boxes or masks leave no object out: what none of them holds is background",
        )
        parser.add_class_arguments(ImportSettings, None, skip=_BY_HAND)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.import_ import import_marks

        said = given(options, ImportSettings)
        if "class_map" in said:
            said["class_map"] = dict(map(_pair, said["class_map"]))
        done = import_marks(
            [Path(file) for file in options.FILES],
            Path(options.get("out", "data")),
            ImportSettings(**said),
            overwrite=flag(options, "overwrite"),
        )
        print_findings(done.findings, done.counts)
        kinds = ", ".join(f"{kind} on {images}" for kind, images in sorted(done.marks.items()))
        splits = ", ".join(f"{count} in {name}" for name, count in done.splits.items())
        out.print(f"{done.images} images ({splits}); marks: {kinds or 'none'}")
        out.print(f"{len(done.classes)} classes: {escape(', '.join(done.classes))}")
        if done.lacks_background:
            out.print(_NO_BACKGROUND)
        out.print(
            f"Next: weakseg inspect {escape(str(done.root))}; "
            f"weakseg train {escape(str(done.root))} --out run"
        )
        return 0


_NO_BACKGROUND = (
    "[yellow]note:[/] nothing is marked as background, so a network would find it nowhere. If what "
    "is not marked is background, say --complete masks."
)
# Names are easier to type as OLD=NEW than as a dictionary.
_BY_HAND = {"images", "class_map", "drop", "complete"}


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise RecipeError(f"class_map: expected OLD=NEW, but got {text!r}")
    return old.strip(), new.strip()
