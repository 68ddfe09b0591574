"""Run lengths of masks as COCO writes them, checked before anything is unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakseg.images.reading import read_size
from weakseg.marks.drawing import Canvas, Size
from weakseg.support.entries import Entry


def read_run_lengths(value: Any, what: str, entry: Entry) -> tuple[Size, list[int]]:
    """Read a mask in COCO's run lengths.

    Args:
        value: An object with `size`, height and width, and `counts`, as a list
            or as a text.
        what: Its name in messages.
        entry: Where it stands.

    Returns:
        Height and width; and lengths of the runs of pixels, column by column, outside and inside in
        turn, beginning with outside.

    Raises:
        DataError: The runs do not fill the frame, or the frame is too large.
    """
    mask = entry.object(value, what)
    frame = entry.list(mask.get("size"), "size")
    if len(frame) != 2:
        raise entry.expected("height and width as 'size'", frame)
    height, width = frame
    size = read_size(height, width, entry, of="the mask")
    counts = mask.get("counts")
    try:
        runs = unpack_counts(counts) if isinstance(counts, str) else counts
    except ValueError as error:
        raise entry.error(f"expected run lengths as 'counts', but got {error}") from None
    runs = entry.list(runs, "counts")
    check_runs(runs, size, entry)
    return size, runs


def check_runs(runs: Sequence[Any], size: Size, entry: Entry) -> None:
    """Check that run lengths fill a frame.

    Raises:
        DataError: They do not.
    """
    wrong = [run for run in runs if type(run) is not int or run < 0]
    if wrong:
        raise entry.expected("lengths of runs", wrong[0])
    if sum(runs) != size[0] * size[1]:
        raise entry.error(
            f"expected runs over {size[0]} × {size[1]} pixels, but got {sum(runs)} pixels"
        )


def mask_of_runs(runs: Sequence[int], size: Size) -> Canvas:
    """Unpack run lengths.

    Args:
        runs: Lengths of the runs of pixels, column by column, outside and inside in turn.
        size: Height and width, which they fill.

    Examples:
        >>> mask_of_runs([1, 3, 2], (2, 3)).astype(int).tolist()
        [[0, 1, 0], [1, 1, 0]]
    """
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(size[1], size[0]).T


def unpack_counts(text: str) -> list[int]:
    r"""Unpack the run lengths that COCO packs into a text.

    Each length is split into digits of 5 bits, the lowest first, with a sixth bit that says that
    more follow; 48 is added to make a character. From the fourth on, the difference to the length
    before the last stands instead.

    Raises:
        ValueError: The text is no such text.

    Examples:
        >>> unpack_counts("52203")
        [5, 2, 2, 2, 5]
    """
    runs: list[int] = []
    number = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 30:
            raise ValueError(f"the character {character!r}")
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                number -= 1 << shift
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    if shift:
        raise ValueError("a text that is cut off")
    return runs
