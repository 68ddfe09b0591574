"""Run lengths of masks as COCO writes them, checked before anything is unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakseg.images.reading import read_size
from weakseg.marks.drawing import Size
from weakseg.marks.kinds import Region
from weakseg.support.entries import Entry

_MAX_DIGITS = 7  # of 5 bits, of a packed number


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


def region_of_runs(
    class_id: int, runs: Sequence[int], size: Size, instance: int | None = None
) -> Region:
    """Turn run lengths into an area, of which only the bounding box is unpacked.

    Args:
        class_id: The class.
        runs: Lengths of the runs of pixels, column by column, outside and inside in turn.
        size: Height and width, which they fill.
        instance: Number of the object.

    Examples:
        >>> region = region_of_runs(1, [7, 1, 2, 2, 3], (3, 5))
        >>> region.x, region.y, region.mask().astype(int).tolist()
        (2, 1, [[1, 1], [0, 1]])
    """
    height, _ = size
    ends = np.cumsum(runs)
    painted = np.flatnonzero(runs[1::2]) * 2 + 1
    if not painted.size:
        return Region(class_id, *size, (height * size[1],), instance=instance)
    first, last = ends[painted - 1], ends[painted] - 1  # pixels of each run
    left, right = int(first[0]) // height, int(last[-1]) // height
    top, bottom = int((first % height).min()), int((last % height).max())
    if (first // height != last // height).any():  # a run goes on at the top of the next column
        top, bottom = 0, height - 1
    begin, end = left * height, (right + 1) * height
    within = np.diff(ends.clip(begin, end), prepend=begin)
    columns = np.repeat(np.arange(len(within)) % 2 == 1, within).reshape(-1, height)
    mask = columns[:, top : bottom + 1].T
    return Region.from_mask(class_id, mask, left, top, instance=instance)


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
    digits = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(int) - 48
    last = np.flatnonzero((digits & 32) == 0)  # digits of the numbers
    first = np.concatenate([[0], last + 1])
    within = np.arange(len(digits)) - np.repeat(first, np.diff(first, append=len(digits)))
    wrong = np.flatnonzero((digits < 0) | (digits >= 64) | (within >= _MAX_DIGITS))
    if wrong.size:
        raise ValueError(f"the character {text[wrong[0]]!r}")
    if first[-1] < len(digits):
        raise ValueError("a text that is cut off")
    if not text:
        return []
    numbers = np.add.reduceat((digits & 31) << 5 * within, first[:-1])
    numbers -= ((digits[last] & 16) > 0) * (1 << 5 * (within[last] + 1))
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    runs: list[int] = numbers.tolist()
    return runs
