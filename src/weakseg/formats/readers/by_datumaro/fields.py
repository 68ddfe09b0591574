"""Values in people's files, checked as they are taken out."""

from __future__ import annotations

from typing import Any

from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.marks.drawing import Size

MAX_PIXELS = 100_000_000
"""The largest mask that is unpacked: a damaged size must not fill the memory."""

_PLAIN = {list: "a list", dict: "an object", str: "a text", int: "a whole number"}


def take(tree: Any, key: str, kind: type | tuple[type, ...], where: Where) -> Any:
    """Take a field out of a JSON object.

    Args:
        tree: What should be an object.
        key: The field.
        kind: The type it must have.
        where: Where the object stands.

    Raises:
        DataError: There is no object, or no such field of that type in it.
    """
    if not isinstance(tree, dict):
        raise where.error(f"expected an object with {key!r}, but got {tree!r:.60}")
    value = tree.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        expected = " or ".join(_PLAIN[one] for one in kinds)
        raise where.error(f"expected {expected} as {key!r}, but got {value!r:.60}")
    return value


def numbers(value: Any, key: str, where: Where) -> list[float]:
    """Take a list of numbers out of a JSON object.

    Args:
        value: What stands there.
        key: Under which key.
        where: Where the object stands.

    Raises:
        DataError: It is none.
    """
    if not isinstance(value, list):
        raise where.error(f"expected a list of numbers in {key!r}, but got {value!r:.60}")
    strange = [one for one in value if not isinstance(one, int | float) or isinstance(one, bool)]
    if strange:
        raise where.error(f"expected numbers in {key!r}, but got {strange[0]!r:.60}")
    return value


def whole_number(value: Any, what: str, where: Where) -> int:
    """Take a whole number, or its text, out of a file.

    Raises:
        DataError: It is none.
    """
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise where.error(f"expected a whole number as {what}, but got {value!r:.60}") from None


def stated_size(height: Any, width: Any, where: Where) -> Size | None:
    """Take an image's size out of a file; 0, empty and missing mean that nothing is stated.

    Raises:
        DataError: It is no size.
    """
    if not height or not width:
        return None
    size = whole_number(height, "height", where), whole_number(width, "width", where)
    if min(size) < 1:
        raise where.error(
            f"expected an image of at least one pixel, but got a height of {size[0]} "
            f"and a width of {size[1]}"
        )
    return size


def check_size(size: Size, where: Where) -> None:
    """Check that a mask of a size may be unpacked.

    Raises:
        DataError: It has no pixel or too many.
    """
    height, width = size
    if not (height > 0 and width > 0 and height * width <= MAX_PIXELS):
        raise where.error(
            f"expected a mask of 1 to {MAX_PIXELS} pixels, but got one that is "
            f"{width} wide and {height} high"
        )
