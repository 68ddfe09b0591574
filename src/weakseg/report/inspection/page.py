"""One HTML page of a data set: its classes, its marks, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weakseg.images.reading import opened
from weakseg.inspection.counts import Inspection
from weakseg.report.inspection.summary import (
    agreement_lines,
    class_columns,
    class_rows,
    findings_by_kind,
    headline,
    verdict,
)
from weakseg.report.kit.pages import render_page
from weakseg.report.kit.pictures import data_url

_SHOWN = 50  # findings of each kind


def render_inspection(
    inspection: Inspection, sheets: Sequence[Path] = (), *, title: str = "Inspection"
) -> str:
    """Render an inspection as HTML, with its contact sheets in the page.

    Raises:
        DataError: A sheet cannot be read.
    """
    return render_page(
        "inspection/page.html.j2",
        f"{title}: {verdict(inspection)}",
        headline(inspection),
        columns=class_columns(inspection),
        rows=class_rows(inspection),
        agreement=agreement_lines(inspection),
        pairs=inspection.pairs,
        findings=[(kind, n, kept[:_SHOWN]) for kind, n, kept in findings_by_kind(inspection)],
        sheets=[_sheet_url(sheet) for sheet in sheets],
    )


def _sheet_url(sheet: Path) -> str:
    with opened(sheet) as picture:
        return data_url(picture.convert("RGB"))
