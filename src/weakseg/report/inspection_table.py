"""An inspection as tables for the terminal: counts, then findings."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from weakseg.inspection.counts import Inspection
from weakseg.report.inspection.summary import (
    agreement_lines,
    class_columns,
    class_rows,
    findings_by_kind,
    headline,
    verdict,
)
from weakseg.report.kit.formats import one_line

_EXAMPLES = 3


def inspection_table(inspection: Inspection) -> RenderableType:
    """Return an inspection for the terminal.

    Returns:
        Main figures, a table of classes, the first findings of each kind, and as the last line
        "clean" or the number of findings.
    """
    parts: list[RenderableType] = [_figures(inspection), _classes(inspection)]
    parts += [_line(line) for line in agreement_lines(inspection)]
    for title, count, findings in findings_by_kind(inspection):
        lines = [str(finding) for finding in findings[:_EXAMPLES]]
        lines += ["…"] if count > _EXAMPLES else []
        parts += [Text(), _line(f"{title}: {count:,}", style="bold")]
        parts += [_line(line, indent=3) for line in lines]
    style = "bold green" if inspection.is_clean else "bold yellow"
    return Group(*parts, Text(), _line(verdict(inspection), style=style))


def _line(text: str, *, style: str = "", indent: int = 1) -> Text:
    return Text(" " * indent + one_line(text), style=style)  # never cut where no terminal ends it


def _figures(inspection: Inspection) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for name, figure in headline(inspection).items():
        table.add_row(name, Text(one_line(figure)))
    return table


def _classes(inspection: Inspection) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class")
    for heading in class_columns(inspection):
        table.add_column(heading, justify="right")
    for name, cells in class_rows(inspection):
        table.add_row(Text(one_line(name)), *(cell.text for cell in cells))
    return table
