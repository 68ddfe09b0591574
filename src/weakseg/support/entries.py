"""Places in people's files, and checked reading of the values that stand there."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.support.errors import DataError

Place = tuple[float, float]  # x, y
_NUMBERS = frozenset({int, float})


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in somebody's file.

    Its checks return the value that they are given, or raise a `DataError` that names the place;
    `what` is the value's name in the message.

    Args:
        path: The file.
        name: Where in it: a line, a key, the number of a shape.

    Examples:
        >>> shape = Entry(Path("a.json"), "image 1").part("shape 3")
        >>> shape.number("4.5", "the width")
        4.5
        >>> print(shape.expected("a circle", [1, 2]))
        a.json, image 1, shape 3: expected a circle, but got [1, 2]
    """

    path: Path | None = None
    name: str | None = None

    def part(self, name: str) -> Entry:
        """Return a place inside this one."""
        return Entry(self.path, name if self.name is None else f"{self.name}, {name}")

    def error(self, message: str) -> DataError:
        """Return an error that names the place."""
        return DataError(message, path=self.path, entry=self.name)

    def expected(self, what: str, value: Any) -> DataError:
        """Return an error about a value that is not what it should be."""
        return self.error(f"expected {what}, but got {value!r:.60}")

    def number(self, value: Any, what: str) -> float:
        """Read a finite number or its text."""
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self.expected(f"a number as {what}", value)
        return number

    def integer(self, value: Any, what: str) -> int:
        """Read a whole number or its text."""
        try:
            if isinstance(value, bool) or int(value) != float(value):
                raise ValueError
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise self.expected(f"a whole number as {what}", value) from None

    def object(self, value: Any, what: str) -> dict[str, Any]:
        """Check that a value of a JSON file is an object."""
        if not isinstance(value, dict):
            raise self.expected(f"an object as {what}", value)
        return value

    def list(self, value: Any, what: str) -> list[Any]:
        """Check that a value is a list."""
        if not isinstance(value, list):
            raise self.expected(f"a list as {what}", value)
        return value

    def optional_object(self, value: Any, what: str) -> dict[str, Any]:
        """Check that a value is an object; one that is not there, or null, is empty."""
        return {} if value is None else self.object(value, what)

    def optional_list(self, value: Any, what: str) -> Sequence[Any]:
        """Check that a value is a list; one that is not there, or null, is empty."""
        return [] if value is None else self.list(value, what)

    def text(self, value: Any, what: str) -> str:
        """Check that a value is a text."""
        if not isinstance(value, str):
            raise self.expected(f"a text as {what}", value)
        return value

    def key(self, value: Any, what: str) -> int | str:
        """Read an id: a whole number, also written as 1.0, or a text."""
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise self.expected(f"a whole number or a text as {what}", value)
        return value

    def numbers(self, value: Any, what: str) -> Sequence[float]:
        """Check that a value is a list of finite numbers."""
        if not isinstance(value, list):
            raise self.expected(f"a list of numbers in {what}", value)
        if _are_finite(value):
            return value
        for number in value:
            if type(number) not in (int, float):
                raise self.expected(f"numbers in {what}", number)
            if not abs(number) <= sys.float_info.max:
                raise self.expected(f"finite numbers in {what}", number)
        return value

    def corners(self, value: Any, what: str) -> tuple[Place, ...]:
        """Read places that stand in one list as x, y, x, y."""
        numbers = self.numbers(value, what)
        if len(numbers) % 2:
            message = f"expected x and y of each place in {what}, but got {len(numbers)} numbers"
            raise self.error(message)
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))

    def places(self, value: Any, what: str) -> tuple[Place, ...]:
        """Read a list of places [[x, y], …], whose numbers may be texts."""
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.expected(f"a list of places as {what}", value)
        places = []
        for place in value:
            if not isinstance(place, Sequence) or isinstance(place, str) or len(place) != 2:
                raise self.expected(f"x and y in {what}", place)
            x, y = place
            places.append((self.number(x, f"x of {what}"), self.number(y, f"y of {what}")))
        return tuple(places)


def _are_finite(values: list[Any]) -> bool:
    """Whether all of a list are surely finite numbers, found out faster than one by one."""
    try:
        return _NUMBERS.issuperset(map(type, values)) and math.isfinite(math.fsum(values))
    except (ValueError, OverflowError):  # infinities of both signs, or numbers near the largest
        return False


NOWHERE = Entry()
"""For values that come from no file."""
