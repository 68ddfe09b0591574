"""Exports of annotation tools that lose the rotation of boxes, which the tools' own files have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

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


def rotation_of(attributes: Any) -> float:
    """Return by how many degrees a box is rotated clockwise, by its attributes as CVAT writes them.

    Args:
        attributes: Values by the attributes' names, numbers perhaps as texts; 0 where there is no
            number as "rotation", which may be an attribute of the user.

    Examples:
        >>> rotation_of({"rotation": "30.0"}), rotation_of({"rotation": "left"}), rotation_of(None)
        (30.0, 0.0, 0.0)
    """
    angle = attributes.get("rotation") if isinstance(attributes, dict) else None
    try:
        degrees = 0.0 if isinstance(angle, bool) else float(angle or 0)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return degrees if abs(degrees) <= sys.float_info.max else 0.0
