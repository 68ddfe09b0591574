"""`weakseg.predict`: masks of images, by a trained run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from weakseg.formats.exports import (
    MaskFormat,
    check_format,
    check_targets,
    export_masks,
    export_paths,
    write_overlay,
)
from weakseg.images.reading import IMAGE_SUFFIXES, find_images
from weakseg.inference import Segmenter
from weakseg.marks.label_maps import LabelMap
from weakseg.support.errors import DataError
from weakseg.support.files import as_paths
from weakseg.support.progress import progress


def predict(
    run: str | Path,
    images: str | Path | Iterable[str | Path],
    out: str | Path = "masks",
    *,
    format: MaskFormat = "png",
    prefix: str = "",
    overlay: bool = False,
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
        prefix: Prefix of the images' names in files of coco and label-studio.
        overlay: Write ``<name>.overlay.jpg`` beside each mask: the mask over its image.
        overwrite: Replace existing masks.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``labels="classifier"``.

    Returns:
        The files of masks.

    Raises:
        DataError: An image cannot be read, there is none, or two would have one mask.
        RunError: A mask exists already, or the run is incomplete.
    """
    check_format(format)
    names = {path: name for name, path in _image_names(as_paths(images)).items()}
    targets = export_paths(names.values(), Path(out), format)
    check_targets(targets, overwrite=overwrite)
    segmenter = Segmenter.load(run, device=device, **options)

    def masks() -> Iterator[tuple[str, Path, LabelMap]]:
        for made in progress(segmenter.predict_files(names), "Predicting", len(names)):
            name = names[made.path]
            if overlay:
                write_overlay(Path(out) / f"{name}.overlay.jpg", made.image, made.mask)
            yield name, made.path, made.mask

    export_masks(masks(), Path(out), segmenter.classes, format, prefix=prefix)
    return targets


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
            if name in names and names[name] != path:
                raise DataError(
                    f"would have the same mask as {names[name]}: predict them into two folders",
                    path=path,
                )
            names[name] = path
    if not names:
        raise DataError("there is no image to predict", path=", ".join(map(str, items)) or None)
    return names
