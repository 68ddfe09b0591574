"""Findings, shown in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape

from weakseg.cli.options import err
from weakseg.marks.findings import Finding

_SHOWN = 3  # of each kind


def print_findings(findings: Sequence[Finding], counts: Mapping[str, int]) -> None:
    """Print the first findings of each kind, and how many there are."""
    for kind, count in counts.items():
        shown = [finding for finding in findings if finding.kind == kind][:_SHOWN]
        for finding in shown:
            err.print(f"[yellow]{kind}:[/] {escape(str(finding))}")
        if count > len(shown):
            err.print(f"[yellow]{kind}:[/] … and {count - len(shown)} more")
