"""Cityscapes, with its fine or its coarse masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from weakseg.formats.class_tables import CITYSCAPES as TABLE
from weakseg.formats.class_tables import ClassTable, read_label_colours
from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.pixel_runs import PixelRuns, colour_code, read_colours, read_values
from weakseg.support.entries import Entry
from weakseg.support.folders import files_below, nearest_files

_FOLDERS = ("gtFine", "gtCoarse")
_IMAGES = "leftImg8bit"
_KINDS = ("labelIds", "labelTrainIds", "instanceIds", "color")  # the plainest first
_IGNORED = 255  # of labelTrainIds; no class, wherever it is


def _recognises(path: Path) -> bool:
    folder = _mask_folder(path)
    return folder is not None and any(_kind(file) for file in nearest_files(folder))


def _mask_folder(path: Path) -> Path | None:
    folders = (path if path.name == name else path / name for name in _FOLDERS)
    return next((folder for folder in folders if folder.is_dir()), None)


def _kind(mask: Path) -> str | None:
    endings = {f"_{folder}_{kind}.png": kind for folder in _FOLDERS for kind in _KINDS}
    return next((kind for end, kind in endings.items() if mask.name.endswith(end)), None)


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    folder = _mask_folder(path)
    masks = _masks(folder) if folder else {}
    if folder is None or not masks:
        raise Entry(path).error(
            f"expected masks NAME_gtFine_labelIds.png below {' or '.join(_FOLDERS)}"
        )
    root, images = folder.parent, folder.parent / _IMAGES
    table = read_label_colours(root, TABLE.void, black_first=False) or TABLE
    ids = table.ids(classes, root)
    options = replace(options, images=(images, *options.images))
    for name, mask in masks.items():
        split, _, short = f"{name}_{_IMAGES}".partition("/")
        picture = find_picture(f"{name}_{_IMAGES}", root, options)
        collector = Collector(Entry(mask))
        runs, by_value = _values(mask, table, ids)
        _add_regions(runs, by_value, mask, collector)
        yield collector.annotated(image_name(short), picture, runs.size, split)
    for image in files_below(images, f"**/*_{_IMAGES}.*"):
        written = image.relative_to(images)
        if written.with_suffix("").as_posix().removesuffix(f"_{_IMAGES}") not in masks:
            split, _, short = written.as_posix().partition("/")
            yield Annotated(image_name(short or split), Marks(), image, None, image, None, split)


def _masks(folder: Path) -> dict[str, Path]:
    """Find the plainest mask of each image, by the path of the image."""
    found: dict[str, dict[str, Path]] = {}
    for mask in files_below(folder, f"**/*_{folder.name}_*.png"):
        kind = _kind(mask)
        if kind:
            name = mask.relative_to(folder).as_posix().removesuffix(f"_{folder.name}_{kind}.png")
            found.setdefault(name, {})[kind] = mask
    return {name: min(of.items(), key=_plainness)[1] for name, of in sorted(found.items())}


def _plainness(item: tuple[str, Path]) -> int:
    return _KINDS.index(item[0])


def _values(mask: Path, table: ClassTable, ids: list[int]) -> tuple[PixelRuns, dict[int, int]]:
    """Read a mask, and return with it the class ids by its values."""
    # In a coarse mask, what is not marked is unlabelled.
    rest = UNLABELLED if "_gtCoarse_" in mask.name else ids[0]
    kind = _kind(mask)
    if kind == "color":
        by_colour = table.ids_by_colour(ids).items()
        return read_colours(mask), {colour_code(c): i for c, i in by_colour} | {0: rest}
    runs = read_values(mask)
    if kind == "instanceIds":  # of a class, or of a class × 1000 + an object
        runs = replace(runs, values=np.where(runs.values < 1000, runs.values, runs.values // 1000))
    train = [name for name in TABLE.names if name not in TABLE.void]
    if kind == "labelTrainIds" and set(train) <= set(table.names):
        by_value = {number: ids[table.names.index(name)] for number, name in enumerate(train)}
        return runs, by_value | {_IGNORED: rest}
    ignored = UNLABELLED if rest == UNLABELLED else VOID
    return runs, {_IGNORED: ignored} | dict(enumerate(ids)) | {0: rest}


def _add_regions(runs: PixelRuns, ids: Mapping[int, int], mask: Path, collector: Collector) -> None:
    """Add the areas of a mask's classes; values of no class are void, and found."""
    strange = [value for value in runs.counts() if value not in ids]
    collector.add(*runs.regions({**dict.fromkeys(strange, VOID), **ids}, "mask"))
    if strange:
        shown = [f"#{value:06x}" if _kind(mask) == "color" else str(value) for value in strange]
        collector.note("unknown", f"the values {', '.join(shown)} are no classes; left out")


CITYSCAPES = Format(
    "cityscapes", "Cityscapes: gtFine or gtCoarse, and leftImg8bit", _recognises, _read
)
