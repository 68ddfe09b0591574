"""Cityscapes, with its fine or its coarse masks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.formats.readers.by_datumaro import files
from weakseg.formats.readers.by_datumaro.entry import Entry, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.source import SourceOptions, find_picture
from weakseg.images.reading import opened
from weakseg.support.errors import DataError

_FOLDERS = ("gtFine", "gtCoarse")
_IMAGES = "leftImg8bit"
_LABELS_FILE = "label_colors.txt"
_KINDS = ("labelIds", "labelTrainIds", "instanceIds")  # the plainest first

# The classes that the data set's makers leave out of training and scores, by datumaro's names.
_VOID = {
    "unlabeled",
    "egovehicle",
    "rectificationborder",
    "outofroi",
    "static",
    "dynamic",
    "ground",
    "parking",
    "railtrack",
    "guardrail",
    "bridge",
    "tunnel",
    "polegroup",
    "caravan",
    "trailer",
    "licenseplate",
}


def recognises(path: Path) -> bool:
    """Tell whether this is a folder with masks that are named as in Cityscapes."""
    masks = _mask_folder(path)
    return masks is not None and any(_kind(file) for file in files.nearest_files(masks))


def _mask_folder(path: Path) -> Path | None:
    folders = (path if path.name == name else path / name for name in _FOLDERS)
    return next((folder for folder in folders if folder.is_dir()), None)


def _kind(mask: Path) -> str | None:
    endings = {f"_{folder}_{kind}.png": kind for folder in _FOLDERS for kind in _KINDS}
    return next((kind for end, kind in endings.items() if mask.name.endswith(end)), None)


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the masks, then the images that have none."""
    folder = _mask_folder(path)
    masks = _masks(folder) if folder else {}
    if folder is None or not masks:
        raise DataError(
            f"expected masks NAME_gtFine_labelIds.png below {' or '.join(_FOLDERS)}", path=path
        )
    root = folder.parent
    labels = _labels(root)
    options = replace(options, images=(root / _IMAGES, *options.images))
    for name, mask in masks.items():
        yield _entry(name, mask, labels, root, options)
    for image in sorted((root / _IMAGES).rglob(f"*_{_IMAGES}.*")):
        relative = image.relative_to(root / _IMAGES)
        if relative.with_suffix("").as_posix().removesuffix(f"_{_IMAGES}") not in masks:
            yield Entry(
                "/".join(relative.parts[1:]),
                Where(root),
                labels,
                None,
                image,
                split=relative.parts[0],
            )


def _masks(folder: Path) -> dict[str, Path]:
    """Give one mask for each image, the plainest, by the path of the image."""
    found: dict[str, Path] = {}
    for kind in reversed(_KINDS):
        ending = f"_{folder.name}_{kind}.png"
        for mask in sorted(folder.rglob(f"*{ending}")):
            found[mask.relative_to(folder).as_posix().removesuffix(ending)] = mask
    return dict(sorted(found.items()))


def _labels(root: Path) -> tuple[str | None, ...]:
    """Give the names of classes by their number in the masks, from the folder's own list if any."""
    stated = root / _LABELS_FILE
    with Where(stated).reading("a list of labels"):
        names = plugin("cityscapes", "parse_label_map")(stated) if stated.is_file() else None
        categories = plugin("cityscapes", "make_cityscapes_categories")(names)
    listed = categories[plugin("cityscapes", "AnnotationType").label]
    return tuple(None if one.name in _VOID else one.name for one in listed)


def _entry(
    name: str, mask: Path, labels: tuple[str | None, ...], root: Path, options: SourceOptions
) -> Entry:
    where = Where(mask)
    size = files.mask_size(mask)
    ids, strange = _label_ids(mask, labels)
    findings = (
        [
            where.finding(
                "unknown", f"the values {', '.join(map(str, strange))} are no classes; left out"
            )
        ]
        if strange
        else []
    )

    def lay_out(folder: Path) -> Any:
        (folder / _IMAGES / "one").mkdir(parents=True, exist_ok=True)
        masks = folder / "gtFine" / "one"
        masks.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids).save(masks / "1_gtFine_instanceIds.png", compress_level=1)
        if (root / _LABELS_FILE).is_file():
            shutil.copyfile(root / _LABELS_FILE, folder / _LABELS_FILE)
        return files.without_numbers(plugin("cityscapes", "CityscapesBase")(str(masks)))

    split, _, short = f"{name}_{_IMAGES}".partition("/")
    picture = find_picture(f"{name}_{_IMAGES}", root, options)
    # In a coarse mask, what is not marked is unlabelled.
    rest = None if "_gtCoarse_" in mask.name else 0
    return Entry(short, where, labels, lay_out, picture, size, split, rest, findings)


def _label_ids(mask: Path, labels: Sequence[str | None]) -> tuple[NDArray[np.uint8], list[int]]:
    """Read a mask as numbers of labels, and give the values that are no label.

    datumaro reads the other two kinds of masks as if they held such numbers, and so loses the road
    of the one and every object of the other.
    """
    with opened(mask, what="mask") as picture:
        values = np.asarray(picture).astype(np.int32)
    if values.ndim != 2:
        raise DataError(
            f"expected a mask of one channel, but got {values.ndim} dimensions", path=mask
        )
    kind, train = _kind(mask), list(plugin("cityscapes", "TRAIN_CITYSCAPES_LABEL_MAP"))[:19]
    if kind == "instanceIds":
        values = np.where(values < 1000, values, values // 1000)
    elif kind == "labelTrainIds" and set(train) <= set(labels):
        number = np.array([labels.index(name) for name in train])
        values = np.where(values < len(train), number[values.clip(0, len(train) - 1)], 0)
    known = (values >= 0) & (values < len(labels))
    strange = sorted(set(np.unique(values[~known]).tolist()) - {255})
    return np.where(known, values, 0).astype(np.uint8), strange
