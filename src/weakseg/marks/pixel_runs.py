"""Pictures of few values, such as label maps, as runs of equal pixels -> painted areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weakseg.images.reading import grey_hint, opened_map
from weakseg.marks.kinds import Region
from weakseg.marks.label_values import UNLABELLED
from weakseg.support.entries import Entry

Kind = Literal["mask", "scribble"]

_VALUE_MODES = {"1", "P", "L", "I", "I;16", "I;16B"}
_LISTED = 20  # values in a message


def colour_code(colour: tuple[int, int, int]) -> int:
    """Return red, green and blue, 0 to 255, as the number 0xRRGGBB."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


def code_colour(code: int) -> tuple[int, int, int]:
    """Return red, green and blue of a number 0xRRGGBB.

    Examples:
        >>> code_colour(colour_code((1, 2, 255)))
        (1, 2, 255)
    """
    return code >> 16, code >> 8 & 255, code & 255


TRANSPARENT = -1
"""Value of pixels without colour, beside colours as numbers."""


@dataclass(frozen=True)
class PixelRuns:
    """A picture of few values, as runs of equal pixels, row by row.

    Args:
        height: Rows.
        width: Columns.
        values: Value of each run, (R,).
        lengths: Pixels of each run, (R,), height × width in all.

    Examples:
        >>> runs = PixelRuns.of(np.array([[7, 7, 0], [0, 0, 9]]))
        >>> runs.lengths.tolist()
        [2, 3, 1]
        >>> runs.counts()
        {0: 3, 7: 2, 9: 1}
    """

    height: int
    width: int
    values: NDArray[Any]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, picture: NDArray[Any]) -> PixelRuns:
        """Pack a picture of one channel, (H, W)."""
        flat = picture.ravel()
        starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
        height, width = picture.shape
        return cls(height, width, flat[starts], np.diff(starts, append=flat.size))

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def counts(self) -> dict[int, int]:
        """Return the number of pixels of each value, by value in ascending order."""
        values, run_value = np.unique(self.values, return_inverse=True)
        pixels = np.bincount(run_value, weights=self.lengths).astype(int)
        return dict(zip(values.tolist(), pixels.tolist(), strict=True))

    def first(self, value: int) -> tuple[int, int]:
        """Return x and y of the first pixel of a value."""
        run = int(np.argmax(self.values == value))
        y, x = divmod(int(self.lengths[:run].sum()), self.width)
        return x, y

    def regions(self, ids: Mapping[int, int], kind: Kind) -> tuple[Region, ...]:
        """Return the area of each class.

        Args:
            ids: Class ids by value; every value must be there. What is `UNLABELLED` is left out.
            kind: Whether the areas are full masks or scribbles.
        """
        values, run_value = np.unique(self.values, return_inverse=True)
        class_of_run = np.array([ids[value] for value in values.tolist()])[run_value]
        ends = np.cumsum(self.lengths)
        return tuple(
            Region(
                class_id,
                self.height,
                self.width,
                _alternating(class_of_run == class_id, ends),
                kind=kind,
            )
            for class_id in np.unique(class_of_run).tolist()
            if class_id != UNLABELLED
        )

    def objects(self, ids: Mapping[int, tuple[int, int | None]]) -> tuple[Region, ...]:
        """Return the area of each object, cut out of the picture.

        Args:
            ids: Class id and number of the object by value; others are left out.
        """
        values, run_value = np.unique(self.values, return_inverse=True)
        known = np.array([value in ids for value in values.tolist()])
        number = np.where(known, np.arange(1, len(values) + 1), 0)
        picture = np.repeat(number[run_value], self.lengths).reshape(self.height, self.width)
        windows = ndimage.find_objects(picture, len(values))
        areas = []
        for index, (value, window) in enumerate(zip(values.tolist(), windows, strict=True), 1):
            if window is not None:
                rows, columns = window
                covered, (class_id, instance) = picture[window] == index, ids[value]
                areas.append(
                    Region.from_mask(
                        class_id, covered, columns.start, rows.start, instance=instance
                    )
                )
        return tuple(areas)


def _alternating(inside: NDArray[np.bool_], ends: NDArray[np.intp]) -> tuple[int, ...]:
    """Join neighbouring runs into those outside and inside in turn, beginning with outside."""
    last = np.append(inside[1:] != inside[:-1], True)
    lengths = np.diff(ends[last], prepend=0).tolist()
    return (0, *lengths) if inside[0] else tuple(lengths)


def read_values(path: Path) -> PixelRuns:
    """Read the values of an indexed or grey picture, of up to 16 bits.

    Raises:
        DataError: The file cannot be read, or is a colour picture.
    """
    with opened_map(path) as picture:
        if picture.mode not in _VALUE_MODES:
            way = grey_hint(picture) or (
                "of a colour-coded mask, --format label-pngs --palette FILE says which colour is "
                "which class"
            )
            raise Entry(path).error(
                "expected an indexed or grey picture whose values are class ids, but got one of "
                f"mode {picture.mode}; {way}"
            )
        values = np.array(picture)
    return PixelRuns.of(values.astype(np.uint8) if picture.mode == "1" else values)


def read_colours(path: Path) -> PixelRuns:
    """Read a picture's colours as numbers 0xRRGGBB; -1 where it is wholly transparent.

    Raises:
        DataError: The file cannot be read.
    """
    with opened_map(path) as picture:
        red, green, blue, alpha = np.moveaxis(np.asarray(picture.convert("RGBA")), -1, 0)
    codes = red.astype(np.int32) << 16 | green.astype(np.int32) << 8 | blue
    codes[alpha == 0] = TRANSPARENT
    return PixelRuns.of(codes)


def describe_values(runs: PixelRuns, unknown: Sequence[int]) -> str:
    """Return a message about values that are no class, with all that a picture holds."""
    counts = list(runs.counts().items())
    listed = ", ".join(f"{value}: {pixels}" for value, pixels in counts[:_LISTED])
    more = f", and {len(counts) - _LISTED} more" if len(counts) > _LISTED else ""
    x, y = runs.first(unknown[0])
    return (
        f"value {unknown[0]} (first at x={x}, y={y}) is no class; pixels by value: {listed}{more}"
    )
