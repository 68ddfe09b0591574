"""Run lengths of masks as COCO writes them, checked before anything is unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weakseg.formats.readers.by_datumaro.fields import check_size, take, whole_number
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.marks.drawing import Size


def check_run_lengths(mask: Any, where: Where) -> Size:
    """Check a mask in COCO's run lengths; the libraries that unpack them do not.

    Args:
        mask: An object with `size`, height and width, and `counts`, as a list or as a text.
        where: Where it stands.

    Returns:
        Height and width.

    Raises:
        DataError: The runs do not fill the frame, or the frame is too large.
    """
    return read_run_lengths(mask, where)[0]


def read_run_lengths(mask: Any, where: Where) -> tuple[Size, list[int]]:
    """Take a mask in COCO's run lengths out of a file.

    Args:
        mask: An object with `size`, height and width, and `counts`, as a list or as a text.
        where: Where it stands.

    Returns:
        Height and width; and lengths of the runs of pixels, column by column, outside and inside in
        turn, beginning with outside.

    Raises:
        DataError: The runs do not fill the frame, or the frame is too large.
    """
    frame = take(mask, "size", list, where)
    if len(frame) != 2:
        raise where.error(f"expected height and width as 'size', but got {frame!r:.60}")
    height, width = (whole_number(number, "size of a mask", where) for number in frame)
    check_size((height, width), where)
    counts = take(mask, "counts", (list, str), where)
    try:
        runs = unpack_counts(counts) if isinstance(counts, str) else counts
        check_runs(runs, (height, width), where)
    except ValueError as error:
        raise where.error(f"expected run lengths as 'counts', but got {error}") from None
    return (height, width), runs


def check_runs(runs: Sequence[Any], size: Size, where: Where) -> None:
    """Check that run lengths fill a frame.

    Raises:
        DataError: They do not.
    """
    wrong = [run for run in runs if not isinstance(run, int) or run < 0]
    if wrong:
        raise where.error(f"expected lengths of runs, but got {wrong[0]!r:.60}")
    if sum(runs) != size[0] * size[1]:
        raise where.error(
            f"expected runs over {size[0]} × {size[1]} pixels, but got {sum(runs)} pixels"
        )


def unpack_counts(text: str) -> list[int]:
    r"""Give the run lengths that COCO packs into a text.

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
