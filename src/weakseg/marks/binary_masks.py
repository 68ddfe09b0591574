"""Full masks of 0 and 255, in which 255 may be the object and not void."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from weakseg.marks.label_values import VOID


def binary_question(values: Collection[int], classes: Sequence[str]) -> str | None:
    """Return what to ask of a data set whose full masks hold 0 and 255 alone; else None.

    Args:
        values: All values in all masks.
        classes: Names of the classes; with more than two, nothing is asked.

    Examples:
        >>> binary_question({0, 1, 255}, ["background", "cat"])
        >>> print(binary_question({0, 255}, ["background", "cat"])[:63])
        the full masks hold 0 and 255 alone, and 255 means void, so tha
    """
    if set(values) != {0, VOID} or len(classes) > 2:
        return None
    first, last = classes[0], classes[-1] if len(classes) == 2 else "NAME"
    return (
        f"the full masks hold 0 and 255 alone, and 255 means void, so that they mark {first!r} and "
        f"nothing else. Is 255 {last!r}? Then import the masks anew: weakseg import MASKS --images "
        f"IMAGES --format label-pngs --class-map '0={first}' '255={last}'"
    )
