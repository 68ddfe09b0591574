"""Notes of a labelling under way, from which it goes on after a stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weakseg.support.errors import RunError
from weakseg.support.files import replacing, unwritable

NOTES_FILE = ".weakseg-label"
"""File in a folder of masks while it is filled: the settings, then a line for each image."""


@dataclass(frozen=True)
class Review:
    """What to know about the mask of an image.

    Args:
        image: The image's name.
        confidence: Mean confidence of its pixels, 0 to 1.
        missing: Classes that a mark names and no pixel got.
        is_marked: A mark names a class.
        is_complete: All pixels were marked.
        stamp: Hash of the image and its marks.
    """

    image: str
    confidence: float
    missing: tuple[str, ...]
    is_marked: bool
    is_complete: bool
    stamp: str = ""


def read_notes(folder: Path, settings: Mapping[str, Any]) -> dict[str, Review]:
    """Read which masks are done, by the images' names; a line that was cut off is passed over.

    Args:
        folder: Folder of masks.
        settings: What the masks depend on, as JSON.

    Raises:
        RunError: They were begun with other settings.
    """
    text = (folder / NOTES_FILE).read_text(encoding="utf-8", errors="replace")
    first, *lines = text.split("\n")
    try:
        before = dict(json.loads(first)["settings"])
    except (ValueError, KeyError, TypeError, RecursionError):
        before = {}
    differences = [
        f"{key}: {before.get(key)!r} → {value!r}"
        for key, value in json.loads(json.dumps(settings)).items()
        if before.get(key) != value
    ]
    if differences:
        raise RunError(
            f"{folder}: its masks were begun with other settings, so --resume cannot go on with "
            "these:\n  " + "\n  ".join(differences) + "\nRepeat the former settings, choose "
            "another --out, or replace the masks with --overwrite."
        )
    return {review.image: review for line in lines if (review := _parsed(line)) is not None}


@contextmanager
def noting(
    folder: Path, settings: Mapping[str, Any], kept: Iterable[Review]
) -> Iterator[Callable[[Review], None]]:
    """Write notes anew, with what is kept of them.

    Yields:
        A function that notes an image, once all of its files are written.

    Raises:
        RunError: The disk is full, or the folder may not be written.
    """
    path = folder / NOTES_FILE
    with replacing(path) as beside:
        lines = [json.dumps({"settings": settings}), *map(_line, kept)]
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with path.open("ab", buffering=0) as file:

        def add(review: Review) -> None:
            try:
                file.write(f"{_line(review)}\n".encode())
            except OSError as error:
                raise RunError(unwritable(path, error)) from error

        yield add


def _line(review: Review) -> str:
    return json.dumps(asdict(review))


def _parsed(line: str) -> Review | None:
    try:
        tree = json.loads(line)
        values = {"confidence": float(tree["confidence"]), "missing": tuple(tree["missing"])}
        return Review(**(tree | values))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
