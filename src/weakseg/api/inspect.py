"""`weakseg.inspect_data`: what a data set of marks holds and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from weakseg.datasets.records import drawing_rules
from weakseg.formats.source import SourceOptions, named_folders
from weakseg.inspection.counts import Inspection
from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.inspection.sources import opened_data
from weakseg.recipes.options import DataOptions
from weakseg.report.inspection.page import render_inspection
from weakseg.report.inspection.sheets import contact_sheets
from weakseg.report.kit.pages import write_page
from weakseg.support.files import as_paths
from weakseg.support.inside import check_apart


def inspect_data(
    path: str | Path,
    *,
    out: str | Path | None = None,
    data: DataOptions | None = None,
    decode: bool = False,
    min_images: int = 5,
    format: str | None = None,
    images: str | Path | Iterable[str | Path] = (),
    unlabelled: int | None = None,
    void: int | None = None,
    palette: str | Path | None = None,
    crowd: Literal["void", "object"] | None = None,
) -> Inspection:
    """Count what a data set holds, find what is wrong with it, and draw its marks.

    Args:
        path: A data folder, a PASCAL VOC folder, a data.yaml, or files of an annotation tool.
        out: Folder for page.html and sheets of pictures; None writes nothing.
        data: Which marks of a data folder are used and how marks are drawn, as in
            ``{"point_radius": 3}``: keys of `data` in a recipe, which win over data.yaml.
        decode: Decode every image, which finds damaged ones.
        min_images: Smallest number of images that a class should have.
        format: Name of the format; by default recognised by the content.
        images: Folders searched for images, besides the paths in a tool's files.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means "leave out".
        palette: File that maps the colours of masks to classes.
        crowd: What COCO's crowds are; by default void in the published files of COCO and objects
            elsewhere.

    Returns:
        Counts and findings.

    Raises:
        DataError: The data cannot be read at all; what is wrong with one image is a finding.
        RunError: The page cannot be written, or `out` is a folder that is read.
    """
    folders = named_folders(as_paths(images))
    if out is not None:
        check_apart(Path(out), [Path(path), *folders], below=False)
    options = SourceOptions(
        images=folders,
        unlabelled=unlabelled,
        void=void,
        palette=None if palette is None else Path(palette),
        crowd=crowd,
    )
    with opened_data(Path(path), data or {}, options, format) as source:
        inspection = inspect_marks(
            source.images,
            source.classes,
            min_images=min_images,
            rules=drawing_rules(source.config),
            decode=decode,
            total=source.total,
        )
        if out is not None:
            sheets = contact_sheets(inspection, source.classes, Path(out))
            html = render_inspection(inspection, sheets, title=f"Marks of {path}")
            write_page(Path(out) / "page.html", html)
    return inspection
