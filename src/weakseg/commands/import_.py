"""`weakseg import`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.markup import escape

from weakseg.commands.findings import print_findings
from weakseg.commands.options import add_flag, flag, given, out
from weakseg.datasets.import_settings import ImportSettings


class Import:
    """Make a data folder from the files of annotation tools.

    Formats are told by their content: labelme, Label Studio, PASCAL VOC, ScribbleSup, clicks and
    tables, label maps as PNG, and through datumaro CVAT, COCO, Cityscapes, CamVid, ADE20K,
    Mapillary, Open Images and YOLO. Several files are joined by the images' names. Your files are
    only read.
    """

    usage = "FILES... --out DATA [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("FILES", type=str, nargs="+", help="files or folders of marks, or zips")
        parser.add_argument("--out", type=str, help="the data folder to make (data)")
        add_flag(parser, "--overwrite", "replace the data folder that is there")
        parser.add_class_arguments(ImportSettings, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.datasets.importer import import_marks

        done = import_marks(
            [Path(file) for file in options.FILES],
            Path(options.get("out", "data")),
            ImportSettings(**given(options, ImportSettings)),
            overwrite=flag(options, "overwrite"),
        )
        print_findings(done.findings, done.counts)
        kinds = ", ".join(f"{kind} on {images}" for kind, images in sorted(done.marks.items()))
        splits = ", ".join(f"{count} in {name}" for name, count in done.splits.items())
        out.print(f"{done.images} images ({splits}); marks: {kinds or 'none'}")
        out.print(f"{len(done.classes)} classes: {escape(', '.join(done.classes))}")
        out.print(f"Next: weakseg inspect {escape(str(done.root))}; "
                  f"weakseg train {escape(str(done.root))} --out run")  # fmt: skip
        return 0
