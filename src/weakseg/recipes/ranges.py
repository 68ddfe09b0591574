"""Ranges of a dataclass's fields, which stand beside them, and their check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_KEY = "range"


@dataclass(frozen=True)
class Range:
    """Values that a field may have.

    Args:
        expected: What is expected, for the message.
        holds: Whether a value, of the field's type, is among them.
    """

    expected: str
    holds: Callable[[Any], bool]


POSITIVE = Range("more than 0", lambda value: value > 0)
NOT_NEGATIVE = Range("0 or more", lambda value: value >= 0)
AT_LEAST_1 = Range("at least 1", lambda value: value >= 1)
AT_LEAST_2 = Range("at least 2", lambda value: value >= 2)
FRACTION = Range("0 to 1", lambda value: 0 <= value <= 1)
NULL_OR_FRACTION = Range("null or 0 to 1", lambda value: value is None or 0 <= value <= 1)
COSINE = Range("from -1 to 1", lambda value: -1 <= value <= 1)
BELOW_1 = Range("from 0 to below 1", lambda value: 0 <= value < 1)
AUTO_OR_AT_LEAST_1 = Range("auto or at least 1", lambda value: value == "auto" or value >= 1)
GRID = Range("two numbers of at least 1", lambda value: min(value) >= 1)
INTERVAL = Range("two positive numbers, the smaller first", lambda value: 0 < value[0] <= value[1])
SCALES = Range("one or more positive numbers", lambda value: len(value) > 0 and min(value) > 0)
ALL_AT_LEAST_1 = Range("numbers of at least 1", lambda value: min(value, default=1) >= 1)
PAIRS = Range("pairs of class names", lambda value: all(len(pair) == 2 for pair in value))


def ranged(default: Any, allowed: Range) -> Any:
    """Declare a field of a dataclass with its default, which may be a list, and its range."""
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata={_KEY: allowed})
    return field(default=default, metadata={_KEY: allowed})


def range_problems(config: DataclassInstance, prefix: str = "") -> Iterator[str]:
    """Yield a message for each value out of range, in a dataclass and those inside it."""
    literals = _literals(type(config))
    for item in fields(config):
        value = getattr(config, item.name)
        allowed = literals.get(item.name) or item.metadata.get(_KEY)
        if is_dataclass(value) and not isinstance(value, type):
            yield from range_problems(value, f"{prefix}{item.name}.")
        elif allowed is not None and not _holds(allowed, value):
            yield f"{prefix}{item.name}: expected {allowed.expected}, but got {value!r:.200}"


def _holds(allowed: Range, value: Any) -> bool:
    """Whether a value is in a range; one of another type, such as null for a number, is not."""
    try:
        return allowed.holds(value)
    except TypeError:
        return False


@cache
def _literals(kind: type) -> dict[str, Range]:
    """Return the ranges of the fields whose type lists their values."""
    hints = get_type_hints(kind).items()
    values = {name: get_args(hint) for name, hint in hints if get_origin(hint) is Literal}
    return {
        name: Range(" or ".join(map(str, each)), each.__contains__) for name, each in values.items()
    }
