"""Label maps and colour-coded masks of other conventions -> painted areas, one a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from weakseg.images.reading import map_size
from weakseg.marks.kinds import Marks, Region
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette_files import Colour, Palette
from weakseg.marks.pixel_runs import (
    TRANSPARENT,
    Kind,
    PixelRuns,
    code_colour,
    colour_code,
    describe_values,
    read_colours,
    read_values,
)
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError


def known_regions(
    runs: PixelRuns, ids: Mapping[int, int], kind: Kind, expected: str, path: Path
) -> tuple[Region, ...]:
    """Return the area of each class of a label map whose values must all be known.

    Args:
        runs: The label map.
        ids: Class ids by value.
        kind: Whether it is a full mask or scribbles.
        expected: Which values are known, for the message.
        path: Its file.

    Raises:
        DataError: It holds another value.
    """
    unknown = [value for value in runs.counts() if value not in ids]
    if unknown:
        raise DataError(f"{describe_values(runs, unknown)}; expected {expected}", path=path)
    return runs.regions(ids, kind)


def label_map_marks(path: Path, ids: Sequence[int], kind: Kind, *, as_areas: bool = False) -> Marks:
    """Return a label map as marks: as it is where its class ids are those in use.

    Args:
        path: Indexed or grey picture; 254 is unlabelled and 255 void.
        ids: Class ids in use, by the ids of the file.
        kind: Whether it is a full mask or scribbles.
        as_areas: Return areas in any case.

    Raises:
        DataError: It is to be areas, or its ids are others, and it cannot be read or holds an id of
            no class.
    """
    if not as_areas and list(ids) == list(range(len(ids))):
        return Marks(mask=path) if kind == "mask" else Marks(scribbles=path)
    by_value = {**dict(enumerate(ids)), UNLABELLED: UNLABELLED, VOID: VOID}
    expected = f"0 to {len(ids) - 1}, {UNLABELLED} (unlabelled) or {VOID} (void)"
    return Marks(regions=known_regions(read_values(path), by_value, kind, expected, path))


def areas_size(
    marks: Marks, name: str, label_maps: Sequence[Mapping[str, Path]]
) -> tuple[int, int] | None:
    """Return the size of the label map that marks were read from as areas, which have none.

    Args:
        marks: All marks of an image; a label map that is kept as it is has its own size.
        name: Name of the image.
        label_maps: Files of label maps by image.
    """
    if marks.mask or marks.scribbles or not marks.regions:
        return None
    return next((map_size(files[name]) for files in label_maps if name in files), None)


def coloured_regions(
    path: Path, palette: Palette, ids: Mapping[Colour, int], kind: Kind
) -> tuple[Region, ...]:
    """Read a colour-coded mask; what is wholly transparent is unlabelled.

    Args:
        path: Picture of any mode with colours, an indexed one too.
        palette: Names by colour.
        ids: Class ids by colour.
        kind: Whether it is a full mask or scribbles.

    Raises:
        DataError: The file cannot be read or holds a colour that is not in the palette.
    """
    runs = read_colours(path)
    by_code = {colour_code(colour): class_id for colour, class_id in ids.items()}
    by_code[TRANSPARENT] = UNLABELLED
    for code, pixels in runs.counts().items():
        if code not in by_code:
            x, y = runs.first(code)
            colour = code_colour(code)
            near = min(palette, key=lambda known: _distance(known, colour))
            raise Entry(path).error(
                f"colour {colour} (first at x={x}, y={y}; {pixels} pixels) is not in the palette; "
                f"the nearest there is {near}, {palette[near]!r}"
            )
    return runs.regions(by_code, kind)


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
