"""An inspection from a path to a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weakseg.formats.source import SourceOptions
from weakseg.inspection.counts import Inspection
from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.inspection.sources import opened_data
from weakseg.recipes.options import DataOptions
from weakseg.report.inspection.page import render_inspection
from weakseg.report.inspection.sheets import contact_sheets
from weakseg.report.kit.pages import write_page


def inspect_data(
    path: str | Path,
    *,
    out: str | Path | None = None,
    data: DataOptions | None = None,
    decode: bool = False,
    least_images: int = 5,
    format: str | None = None,
    images: Sequence[str | Path] = (),
    unlabelled: int | None = None,
    void: int | None = None,
    palette: str | Path | None = None,
) -> Inspection:
    """Count what a data set holds, find what is wrong with it, and draw its marks.

    Args:
        path: A data folder, a PASCAL VOC folder, a data.yaml, or files of an annotation tool.
        out: Folder for page.html and sheets of pictures; None writes nothing.
        data: Which marks of a data folder count and how marks are drawn, as in
            ``{"point_radius": 3}``: keys of `data` in a recipe, which win over data.yaml.
        decode: Decode every image, which finds damaged ones.
        least_images: How many images a class should have.
        format: The format, where the content does not tell.
        images: Folders in which images of a tool's files are looked for.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means "leave out".
        palette: File that says which colour of a mask is which class.

    Returns:
        Counts and findings.

    Raises:
        DataError: The data cannot be read at all; what is wrong with one image is a finding.
        RunError: The page cannot be written.
    """
    options = SourceOptions(
        images=tuple(map(Path, images)),
        unlabelled=unlabelled,
        void=void,
        palette=None if palette is None else Path(palette),
    )
    with opened_data(Path(path), data or {}, options, format) as source:
        inspection = inspect_marks(
            source.images,
            source.classes,
            min_images=least_images,
            boxes_complete=source.config.boxes_complete,
            decode=decode,
            point_radius=source.config.point_radius,
            scribble_dilation=source.config.scribble_dilation,
            total=source.total,
        )
        if out is not None:
            sheets = contact_sheets(inspection, source.classes, Path(out))
            html = render_inspection(inspection, sheets, title=f"Marks of {path}")
            write_page(Path(out) / "page.html", html)
    return inspection
