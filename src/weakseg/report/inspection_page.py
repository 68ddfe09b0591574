"""One HTML file that shows what a data set holds and what is wrong with it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from weakseg.images.reading import opened
from weakseg.inspection.counts import Inspection
from weakseg.report.inspection_words import (
    agreement_lines,
    class_columns,
    class_rows,
    findings_by_kind,
    headline,
    verdict,
)
from weakseg.report.pages import page_template
from weakseg.support.files import replacing

_SHOWN = 50  # findings of each kind
_QUALITY = 85


def write_page(
    path: Path, inspection: Inspection, sheets: Sequence[Path] = (), *, title: str = "Inspection"
) -> None:
    """Write an inspection as one HTML file that needs no network.

    Args:
        path: The file; replaced in one step if it is there.
        inspection: The inspection.
        sheets: Its contact sheets; they become part of the page.
        title: Heading of the page.

    Raises:
        DataError: A sheet cannot be read.
        RunError: The file cannot be written.
    """
    html = render_page(inspection, sheets, title=title)
    with replacing(path) as beside:
        beside.write_text(html, encoding="utf-8", errors="replace")


def render_page(
    inspection: Inspection, sheets: Sequence[Path] = (), *, title: str = "Inspection"
) -> str:
    """Give the HTML of `write_page`."""
    findings = [
        (title, count, kept[:_SHOWN]) for title, count, kept in findings_by_kind(inspection)
    ]
    return page_template("inspection.html.j2").render(
        title=title,
        verdict=verdict(inspection),
        inspection=inspection,
        figures=headline(inspection),
        columns=class_columns(inspection),
        rows=class_rows(inspection),
        agreement=agreement_lines(inspection),
        findings=findings,
        sheets=[_embedded(sheet) for sheet in sheets],
    )


def _embedded(sheet: Path) -> str:
    """Give a picture as a ``data:`` address."""
    stream = io.BytesIO()
    with opened(sheet) as picture:
        # Full colour resolution: thin coloured marks would fade.
        picture.convert("RGB").save(stream, "jpeg", quality=_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
