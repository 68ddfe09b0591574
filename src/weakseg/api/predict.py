"""`weakseg.predict`: masks of images, by a trained run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from weakseg.formats.exports import (
    RESUMABLE,
    MaskFormat,
    PngColours,
    check_format,
    check_targets,
    export_masks,
    export_paths,
    missing_masks,
    overlay_path,
    write_overlay,
)
from weakseg.images.names import name_fault
from weakseg.images.reading import IMAGE_SUFFIXES, find_images
from weakseg.inference import Segmenter
from weakseg.marks.label_maps import LabelMap
from weakseg.support.errors import DataError, RunError
from weakseg.support.files import as_paths
from weakseg.support.inside import check_apart
from weakseg.support.locks import writing_in
from weakseg.support.progress import progress
from weakseg.support.wording import counted

_LISTED = 50  # images that could not be read
_log = logging.getLogger("weakseg")


def predict(
    run: str | Path,
    images: str | Path | Iterable[str | Path],
    out: str | Path = "masks",
    *,
    format: MaskFormat = "png",
    png: PngColours = "palette",
    prefix: str = "",
    overlay: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    **options: Any,
) -> list[Path]:
    """Label images and write the masks, as PNG with the class palette or for an annotation tool.

    Args:
        run: The run folder.
        images: Image files, or folders of images; one or several.
        out: Folder of masks, ``<name>.png``, or of the tool's files.
        format: png, coco, coco-rle, labelme or label-studio.
        png: Whether PNGs have the class palette or are grey: both hold class ids, but OpenCV and
            others read colours out of a palette.
        prefix: Prefix of the images' names in files of coco and label-studio.
        overlay: Write ``<name>.overlay.jpg`` beside each mask: the mask over its image.
        resume: Leave existing masks as they are, and make those that are missing.
        overwrite: Replace existing masks.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``labels="classifier"``.

    Returns:
        The files of masks.

    Raises:
        DataError: There is no image, or two would have one mask; or images cannot be read, which
            is raised once the masks of all others are written.
        RunError: A mask exists already, or the run is incomplete.
    """
    check_format(format, png)
    folder = Path(out)
    check_apart(folder, [path for path in as_paths(images) if path.is_dir()])
    names = {path: name for name, path in _image_names(as_paths(images)).items()}
    targets = export_paths(names.values(), folder, format)
    if resume and overwrite:
        raise RunError("--resume and --overwrite exclude each other: choose one.")
    with writing_in(folder, "weakseg predict"):
        overlays = [overlay_path(folder, name) for name in names.values()] if overlay else []
        check_targets(
            [*targets, *overlays],
            overwrite=overwrite or resume,
            resumable=format in RESUMABLE,
            read=names,
        )
        if resume:
            missing = missing_masks(names.values(), folder, format, overlay=overlay)
            _log.info("%d of %d masks are there already", len(names) - len(missing), len(names))
            names = {path: name for path, name in names.items() if name in missing}
        if not names:
            return targets
        segmenter = Segmenter.load(run, device=device, **options)
        failures: list[DataError] = []

        def masks() -> Iterator[tuple[str, Path, LabelMap]]:
            predictions = segmenter.predict_files(names, failed=failures.append)
            for made in progress(predictions, "Predicting", len(names)):
                name = names[made.path]
                if overlay:
                    write_overlay(overlay_path(folder, name), made.image, made.mask)
                yield name, made.path, made.mask

        export_masks(masks(), folder, segmenter.classes, format, prefix=prefix, png=png)
    if failures:
        raise _unread(failures, len(names))
    return targets


def _unread(failures: Sequence[DataError], images: int) -> DataError:
    """Return one error of all images that could not be read."""
    if len(failures) == images == 1:
        return failures[0]
    lines = [f"  {failure}" for failure in failures[:_LISTED]]
    more = len(failures) - _LISTED
    return DataError(
        "\n".join(
            [
                f"{len(failures)} of {counted(images, 'image')} could not be read; "
                f"{counted(images - len(failures), 'mask was', 'masks were')} made:",
                *lines,
                *([f"  … and {more} more"] if more > 0 else []),
            ]
        )
    )


def _image_names(items: Iterable[Path]) -> dict[str, Path]:
    """Find the images by the names of their masks."""
    names: dict[str, Path] = {}
    for item in items:
        if item.is_dir():
            found = find_images(item)
        elif item.suffix.lower() in IMAGE_SUFFIXES and item.is_file():
            found = {item.stem: item}
        elif item.exists():
            raise DataError(f"expected an image ({', '.join(IMAGE_SUFFIXES)})", path=item)
        else:
            raise DataError("there is no such image or folder", path=item)
        for name, path in found.items():
            if fault := name_fault(name):
                raise DataError(fault, path=path)
            if name in names and names[name] != path:
                raise DataError(
                    f"would have the same mask as {names[name]}: predict them into two folders",
                    path=path,
                )
            names[name] = path
    if not names:
        raise DataError("there is no image to predict", path=", ".join(map(str, items)) or None)
    return names
