"""HTML pages of one style, each in one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from weakseg.report.kit.formats import percent
from weakseg.report.kit.pictures import picture_url
from weakseg.support.durations import NOTHING, duration
from weakseg.support.files import replacing


def render_page(
    template: str, title: str, facts: Mapping[str, str], *, summary: str = "", **content: Any
) -> str:
    """Render the HTML of a page.

    Args:
        template: Template below this package; it extends ``kit/base.html.j2``.
        title: Title and heading of the page.
        facts: Short facts below the title, by name.
        summary: A sentence or two between them.
        content: Values for the template, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("weakseg.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, duration=duration, picture_url=picture_url)
    environment.globals.update(nothing=NOTHING)
    return environment.get_template(template).render(
        title=title, facts=facts, summary=summary, **content
    )


def write_page(path: Path, html: str) -> None:
    """Write a page; one that exists is replaced in one step.

    Raises:
        RunError: The file cannot be written.
    """
    with replacing(path) as beside:
        beside.write_text(html, encoding="utf-8", errors="replace")
