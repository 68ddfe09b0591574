"""Writing of predicted masks as PNG or for annotation tools, in which people correct them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from weakseg.formats.writers.coco import write_coco
from weakseg.formats.writers.label_studio import write_label_studio
from weakseg.formats.writers.labelme import write_labelme
from weakseg.images.writing import write_jpeg
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, write_label_map
from weakseg.marks.palette import overlay_labels
from weakseg.support.errors import DataError, RecipeError, RunError
from weakseg.support.files import replacing
from weakseg.support.inside import inside

MaskFormat = Literal["png", "coco", "coco-rle", "labelme", "label-studio"]
PngColours = Literal["palette", "grey"]
Masks = Iterable[tuple[str, Path, LabelMap]]
"""For each image: its name without ending, its file, its label map."""

_ONE_FILE = {"coco": "instances.json", "coco-rle": "instances.json", "label-studio": "tasks.json"}
_URL = re.compile(r"[a-zA-Z][\w+.-]+://|/data/")
_ENDINGS = {"png": ".png", "labelme": ".json"}
RESUMABLE = frozenset(_ENDINGS)
"""Formats with a file for each image."""


def check_format(kind: Any, png: Any = "palette") -> None:
    """Check that masks can be written in a format, and in the colours of PNGs.

    Raises:
        RecipeError: They cannot.
    """
    if kind not in get_args(MaskFormat):
        raise RecipeError(f"format: expected {', '.join(get_args(MaskFormat))}, but got {kind!r}")
    if png not in get_args(PngColours):
        raise RecipeError(f"png: expected {' or '.join(get_args(PngColours))}, but got {png!r}")


def missing_masks(names: Iterable[str], out: Path, kind: MaskFormat, *, overlay: bool) -> set[str]:
    """Return the names of images whose mask, or overlay, is not there yet.

    Raises:
        RecipeError: The format has one file for all images, which is written at once.
    """
    if kind in _ONE_FILE:
        raise RecipeError(
            f"resume: needs a format with a file for each image ({', '.join(_ENDINGS)}), but "
            f"{kind} has one for all, which is made anew by --overwrite"
        )

    def is_done(name: str) -> bool:
        is_laid_over = not overlay or overlay_path(out, name).is_file()
        return inside(out, name, _ENDINGS[kind]).is_file() and is_laid_over

    return {name for name in names if not is_done(name)}


def overlay_path(out: Path, name: str) -> Path:
    """Return the file of an image's mask laid over it."""
    return inside(out, name, ".overlay.jpg")


def check_targets(
    paths: Iterable[Path],
    *,
    overwrite: bool,
    resumable: bool = False,
    read: Iterable[Path] = (),
) -> None:
    """Check that files may be written.

    Args:
        paths: The files.
        overwrite: Existing ones may be replaced.
        resumable: The caller can leave existing ones as they are, which is said.
        read: Images that are read, and so not replaced in any case.

    Raises:
        RunError: One is there, and is not to be replaced.
        DataError: One would be written twice.
    """
    paths = list(paths)
    there = [path for path in paths if path.exists()]
    images = {path.resolve() for path in read} if there else set()
    image = next((path for path in there if path.resolve() in images), None)
    if image is not None:
        raise RunError(f"{image}: is an image that is read. Choose another --out.")
    if there and not overwrite:
        goes_on = "make what is missing with --resume, or " if resumable else ""
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        raise RunError(
            f"{there[0]}: is there already{more}. Choose another --out, or "
            f"{goes_on}replace them with --overwrite."
        )
    twice = next((path for path, count in Counter(paths).items() if count > 1), None)
    if twice is not None:
        raise DataError("two images would have this one file: rename one of them", path=twice)


def write_overlay(path: Path, image: NDArray[np.uint8], labels: LabelMap) -> None:
    """Write a label map, (H, W), laid over its image, (H, W, 3), as JPEG."""
    with replacing(path) as beside:
        write_jpeg(beside, overlay_labels(image, labels), quality=90)


def export_paths(names: Iterable[str], out: Path, kind: MaskFormat) -> list[Path]:
    """List the files that `export_masks` will write."""
    if kind in _ONE_FILE:
        return [out / _ONE_FILE[kind]]
    return [inside(out, name, _ENDINGS[kind]) for name in names]


def export_masks(
    masks: Masks,
    out: Path,
    classes: ClassList,
    kind: MaskFormat,
    *,
    prefix: str = "",
    confidence: Mapping[str, float] | None = None,
    png: PngColours = "palette",
) -> None:
    """Write masks image by image.

    Background is written in PNG only: in the tools' formats it is what no area covers.

    Args:
        masks: Names, image files and label maps.
        out: The folder to write to.
        classes: The classes.
        kind: png, a label map an image; labelme, a file of polygons an image; coco or coco-rle, one
            instances.json of polygons or run lengths; label-studio, one tasks.json of predictions.
        prefix: Prefix of the images' names in coco and label-studio files, such as
            "/data/local-files/?d=photos/"; in a URL, the names are written as URLs need it.
        confidence: Confidence of each image's mask, 0 to 1, by its name, for label-studio. It is
            looked up once the image's mask has come.
        png: PNGs have the class palette, or are grey. Both hold class ids, but OpenCV and others
            read colours out of a palette.

    Raises:
        RunError: A file cannot be written.
    """
    scored = _scored(masks, prefix, {} if confidence is None else confidence)
    match kind:
        case "png":
            for name, _, labels in masks:
                write_label_map(inside(out, name, ".png"), labels, grey=png == "grey")
        case "labelme":
            for name, image, labels in masks:
                path = inside(out, name, ".json")
                # labelme finds the image from where its file is.
                seen = Path(os.path.relpath(image.resolve(), path.parent.resolve())).as_posix()
                write_labelme(path, labels, classes, image=seen, tolerance=1.0)
        case "label-studio":
            write_label_studio(out / _ONE_FILE[kind], scored, classes)
        case _:
            named = ((image, labels) for image, labels, _ in scored)
            write_coco(out / _ONE_FILE[kind], named, classes, run_lengths=kind == "coco-rle")


def _scored(
    masks: Masks, prefix: str, confidence: Mapping[str, float]
) -> Iterator[tuple[str, LabelMap, float | None]]:
    is_url = _URL.match(prefix) is not None
    for name, image, labels in masks:
        file = f"{name}{image.suffix}"
        yield f"{prefix}{quote(file) if is_url else file}", labels, confidence.get(name)
