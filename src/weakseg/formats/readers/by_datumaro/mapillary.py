"""Mapillary Vistas, by its masks of instances."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.json_files import read_json
from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions
from weakseg.support.errors import DataError

_VERSIONS = ("v2.0", "v1.2")


def recognises(path: Path) -> bool:
    """Tell whether this is a folder with splits that hold images and masks of instances."""
    return path.is_dir() and bool(_splits(path))


def _splits(root: Path) -> list[tuple[Path, Path]]:
    """Give the folder of each split, and in it the folder of masks, of the newest version."""
    found = []
    for split in sorted(folder for folder in (root, *root.iterdir()) if folder.is_dir()):
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


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the images of each split."""
    splits = _splits(path) if path.is_dir() else []
    if not splits:
        raise DataError(
            "expected folders with images and v2.0/instances or v1.2/instances", path=path
        )
    for split, masks in splits:
        labels = _labels(split, masks)
        images = [file for file in sorted((split / "images").rglob("*")) if files.is_image(file)]
        for image in images:
            relative = image.relative_to(split / "images")
            mask = (masks / relative).with_suffix(".png")
            name = None if split == path else split.name
            if mask.is_file():
                size = files.mask_size(mask)
                yield Entry(
                    relative.as_posix(),
                    Where(mask),
                    labels,
                    _lay_out(mask, len(labels)),
                    image,
                    size,
                    name,
                )
            else:
                yield Entry(relative.as_posix(), Where(image), labels, None, image, split=name)


def _labels(split: Path, masks: Path) -> tuple[str | None, ...]:
    """Give the names of classes by their number in the masks."""
    versions = [masks.parent.name] if masks.parent.name in _VERSIONS else _VERSIONS
    config = _config(split, versions)
    if config is None:
        names = list(plugin("mapillary_vistas.format", "MapillaryVistasLabelMaps")[versions[0]])
    else:
        where = Where(config)
        listed = fields.take(read_json(config), "labels", list, where)
        names = [fields.take(label, "name", str, where) for label in listed]
    return tuple(None if name.startswith("void--") else name for name in names)


def _lay_out(mask: Path, labels: int) -> LayOut:
    def lay_out(folder: Path) -> Any:
        split = folder / "one"
        listed = [{"name": str(number), "color": [number, 0, 0]} for number in range(labels)]
        files.write(split / "config_v2.0.json", json.dumps({"labels": listed}))
        files.write(split / "images" / "1.jpg", "")
        files.copy_mask(mask, split / "v2.0" / "instances" / "1.png")
        return plugin("mapillary_vistas.base", "MapillaryVistasInstancesBase")(str(split))

    return lay_out
