"""Scores as JSON files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.variants import Variant
from weakseg.support.errors import DataError
from weakseg.support.files import replacing


def write_scores(path: Path, scores: Scores, protocol: Protocol) -> None:
    """Write scores, as fractions 0 to 1, with their protocol, as `scores.json` of a run.

    Raises:
        RunError: The file cannot be written.
    """
    _write(path, _as_json(scores, protocol))


def write_variants(path: Path, variants: Sequence[Variant]) -> None:
    """Write the scores of several variants, as an object with one list, ``variants``.

    Each is written as by `write_scores`, after its ``name``.

    Raises:
        RunError: The file cannot be written.
    """
    listed = [
        {"name": variant.name, **_as_json(variant.scores, variant.protocol)} for variant in variants
    ]
    _write(path, {"variants": listed})


def read_scores(path: Path) -> tuple[Scores, Protocol]:
    """Read scores that `write_scores` wrote.

    Returns:
        The scores, computed from the stored counts, and their protocol. What older versions did
        not count is NaN.

    Raises:
        DataError: The file cannot be read as scores.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        protocol = {**data["protocol"]}
        protocol.pop("description", None)
        return Scores.from_json(data), Protocol.from_json(protocol)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, DataError) as error:
        raise DataError(
            f"Expected scores as `weakseg evaluate` writes them, but got: {error}", path=path
        ) from error


def _as_json(scores: Scores, protocol: Protocol) -> dict[str, Any]:
    return {
        "protocol": {"description": protocol.describe(), **protocol.to_json()},
        **scores.to_json(),
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
