"""Mapillary Vistas, by its masks of instances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from weakseg.formats.class_tables import MAPILLARY as NAMES
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.images.reading import image_name, is_image
from weakseg.marks.classes import ClassFinder
from weakseg.marks.kinds import Marks, Region
from weakseg.marks.label_values import VOID
from weakseg.marks.pixel_runs import read_values
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below
from weakseg.support.json_files import read_json

_VERSIONS = ("v2.0", "v1.2")


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    splits = _splits(path) if path.is_dir() else []
    if not splits:
        raise Entry(path).error("expected folders with images and v2.0/instances or v1.2/instances")
    for split, masks in splits:
        ids = _class_ids(split, masks, classes)
        split_name = None if split == path else split.name
        images = [file for file in files_below(split / "images") if is_image(file)]
        for image in images:
            written = image.relative_to(split / "images")
            mask = (masks / written).with_suffix(".png")
            name = image_name(written.as_posix())
            if mask.is_file():
                regions, size = _read_instances(mask, ids)
                marks = Marks(regions=regions)
                yield Annotated(name, marks, image, size, mask, None, split_name)
            else:
                yield Annotated(name, Marks(), image, None, image, None, split_name)


def _splits(root: Path) -> list[tuple[Path, Path]]:
    """Find the folder of each split, and in it the folder of masks, of the newest version."""
    found = []
    for split in [folder for folder in (root, *files_below(root, "*")) if folder.is_dir()]:
        masks = [split / version / "instances" for version in _VERSIONS]
        if _config(split, _VERSIONS):  # there is nothing else to tell a plain folder by
            masks.append(split / "instances")
        newest = next((folder for folder in masks if folder.is_dir()), None)
        if newest is not None and (split / "images").is_dir():
            found.append((split, newest))
    return found


def _config(split: Path, versions: Sequence[str]) -> Path | None:
    names = [f"config_{version}.json" for version in versions]
    files = (folder / name for name in names for folder in (split, split.parent))
    return next((file for file in files if file.is_file()), None)


def _class_ids(split: Path, masks: Path, classes: ClassFinder) -> list[int]:
    """Return the class ids by their number in the masks."""
    versions = [masks.parent.name] if masks.parent.name in _VERSIONS else list(_VERSIONS)
    config = _config(split, versions)
    names: Sequence[str] = NAMES[versions[0]]
    if config is not None:
        file = Entry(config)
        listed = file.list(file.object(read_json(config), "the content").get("labels"), "labels")
        names = [_name_of(label, file.part(f"label {n}")) for n, label in enumerate(listed)]
    return [
        VOID if name.startswith("void--") else classes.find(name, Entry(config or masks))
        for name in names
    ]


def _name_of(label: object, entry: Entry) -> str:
    return entry.text(entry.object(label, "a label").get("name"), "name")


def _read_instances(mask: Path, ids: Sequence[int]) -> tuple[tuple[Region, ...], tuple[int, int]]:
    """Read a mask whose values are the number of a class × 256 + that of an instance."""
    runs = read_values(mask)
    values = runs.counts()
    unknown = next((value >> 8 for value in values if not 0 <= value >> 8 < len(ids)), None)
    if unknown is not None:
        raise DataError(
            f"class number {unknown} is not among the {len(ids)} of the data set", path=mask
        )
    objects = {value: (ids[value >> 8], value & 255 or None) for value in values}
    return runs.objects(objects), runs.size


def _recognises(path: Path) -> bool:
    return path.is_dir() and bool(_splits(path))


MAPILLARY = Format(
    "mapillary", "Mapillary Vistas: folders with images and masks of instances", _recognises, _read
)
