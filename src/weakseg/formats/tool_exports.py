"""Exports of annotation tools that lose the rotation of boxes, which the tools' own files have."""

from __future__ import annotations

from pathlib import Path

from weakseg.marks.findings import Finding

_OWN_FILES = {"CVAT": "CVAT for images 1.1", "Label Studio": "JSON"}


def rotation_hint(tool: str, loss: str, path: Path) -> Finding:
    """Return the finding that a file looks like an export in which boxes are not rotated.

    Args:
        tool: CVAT or Label Studio.
        loss: What the export does with rotated boxes.
        path: The file.

    Examples:
        >>> rotation_hint("CVAT", "leaves them out", Path("a.xml")).message.split(" import ")[1]
        '"CVAT for images 1.1" instead, for this export leaves them out'
    """
    message = (
        f"looks like an export of {tool}: if boxes were rotated, import "
        f'"{_OWN_FILES[tool]}" instead, for this export {loss}'
    )
    return Finding("unsure", message, path)
