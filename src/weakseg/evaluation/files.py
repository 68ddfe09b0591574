"""Scores on disk."""

from __future__ import annotations

import json
from pathlib import Path

from weakseg.errors import DataError
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.files import replacing


def write_scores(path: Path, scores: Scores, protocol: Protocol) -> None:
    """Write scores with their protocol, as `scores.json` of a run.

    Args:
        path: The file.
        scores: What was measured; stored as fractions, 0 to 1.
        protocol: How it was measured.

    Raises:
        RunError: The file cannot be written.
    """
    data = {
        "protocol": {"description": protocol.describe(), **protocol.to_json()},
        **scores.to_json(),
    }
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def read_scores(path: Path) -> tuple[Scores, Protocol]:
    """Read what `write_scores` wrote.

    Args:
        path: The file.

    Returns:
        The scores, computed again from the stored confusion matrix, and their protocol.

    Raises:
        DataError: The file cannot be read as scores.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        protocol = {**data["protocol"]}
        protocol.pop("description", None)
        return Scores.from_json(data), Protocol.from_json(protocol)
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise DataError(
            f"Expected scores as `weakseg evaluate` writes them, but got: {error}", path=path
        ) from error
