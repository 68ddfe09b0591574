"""HTML pages of one look, each in one file that needs no network."""

from __future__ import annotations

from typing import Any

import jinja2


def page_template(name: str, **filters: Any) -> jinja2.Template:
    """Load the template of a page; it includes the shared style as "page.css".

    Args:
        name: Its file.
        filters: Functions that the template applies to values, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("weakseg.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)
