"""Roboflow's "Semantic Segmentation Masks": beside each image a mask, and a list of values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from weakseg.formats.chosen_files import chosen_files
from weakseg.formats.label_regions import known_regions
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Marks
from weakseg.marks.pixel_runs import read_values
from weakseg.marks.tables import first_header, read_table
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below, holds_file, split_of

_LISTS = ("_classes.csv", "*/_classes.csv")
_VALUE, _CLASS = "Pixel Value", "Class"
_ENDING = "_mask.png"


def _is_list(path: Path) -> bool:
    return {_VALUE, _CLASS} <= set(first_header(path))


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the masks of a folder, or of its folders of splits.

    Raises:
        DataError: A mask or a list is damaged, or a mask holds a value that is not in its list.
    """
    for file in chosen_files(path, _LISTS, _is_list, options):
        folder = file.parent
        ids = {
            entry.integer(row[_VALUE], _VALUE): classes.find(row[_CLASS], entry)
            for entry, row in read_table(file, (_VALUE, _CLASS))
        }
        masks = files_below(folder, f"*{_ENDING}")
        if not masks:
            raise DataError(f"expected masks NAME{_ENDING} beside this list", path=file)
        for mask in masks:
            runs = read_values(mask)
            expected = f"the values of {file.name}: {', '.join(map(str, ids))}"
            marks = Marks(regions=known_regions(runs, ids, "mask", expected, mask))
            written = mask.name.removesuffix(_ENDING)
            picture = find_picture(written, folder, options)
            split = split_of([folder.name])
            yield Annotated(image_name(written), marks, picture, runs.size, mask, None, split)


ROBOFLOW_MASKS = Format(
    "roboflow-masks",
    "Roboflow's semantic segmentation masks: NAME_mask.png and _classes.csv",
    lambda path: path.is_dir() and holds_file(path, _LISTS, _is_list),
    _read,
)
