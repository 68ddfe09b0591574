"""Counts of each class that add up over images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Counts of C classes; every field is a read-only array, (C,), integers by default.

    Raises:
        ValueError: The fields differ in shape, or a count is negative or NaN.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.array(getattr(self, field.name), field.metadata.get("dtype", np.int64))
            values.setflags(write=False)
            object.__setattr__(self, field.name, values)
        shapes = {values.shape for values in self._arrays()}
        # not (values < 0).any(), so that NaN is refused too
        sound = all((values >= 0).all() for values in self._arrays())
        if [len(shape) for shape in shapes] != [1] or not sound:
            raise ValueError(f"Expected counts, 0 or more, one a class in each, but got {self}.")

    @classmethod
    def none(cls, classes: int) -> Self:
        """Return the counts of no image."""
        return cls(*(np.zeros(classes) for _ in fields(cls)))

    def __add__(self, other: Self) -> Self:
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return type(self)(*(own + its for own, its in pairs))

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return len(self._arrays()[0])

    def to_json(self) -> dict[str, Any]:
        """Return the counts as values that `json.dump` takes."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild counts from the result of `to_json`.

        Raises:
            KeyError: A count is missing.
            TypeError: The counts are no lists of numbers.
            ValueError: The counts are inconsistent.
        """
        return cls(*(data[field.name] for field in fields(cls)))

    def _arrays(self) -> list[NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)]
