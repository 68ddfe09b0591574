"""Label maps on disk: 8-bit PNG, whose values are class ids, 254 (unlabelled) and 255 (void)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.images.reading import grey_hint, opened_map
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.support.entries import Entry
from weakseg.support.files import replacing

LabelMap = NDArray[np.uint8]

_WAYS = (
    "of a colour-coded one, `weakseg import --palette FILE` makes masks",
    "of one with more bits, `weakseg import --format label-pngs --classes FILE` makes masks",
)


def read_label_map(
    path: Path, *, num_classes: int, image_size: tuple[int, int] | None = None
) -> LabelMap:
    """Read a label map and check it.

    Args:
        path: Grey or indexed PNG of 8 bits.
        num_classes: Number of classes; ids are smaller.
        image_size: Height and width of the image it belongs to.

    Returns:
        Label map, (H, W).

    Raises:
        DataError: The file cannot be read, is no label map, has another size than its image, or
            holds an id of no class.
    """
    with opened_map(path) as picture:
        if picture.mode not in {"P", "L", "1"}:
            way = grey_hint(picture) or _WAYS[picture.mode.startswith("I")]
            raise Entry(path).error(
                "expected an indexed or grey image of 8 bits whose values are class ids, "
                f"but got a picture of mode {picture.mode}; {way}"
            )
        labels = np.array(picture, dtype=np.uint8)
    if image_size is not None and labels.shape != image_size:
        rotated = "; is the image stored rotated (EXIF), and was the map made of it as stored?"
        raise Entry(path).error(
            f"the label map (H, W) is {labels.shape} while its image is {image_size}"
            f"{rotated if labels.shape == image_size[::-1] else ''}"
        )
    wrong = min(values_in(labels) - {*range(num_classes), UNLABELLED, VOID}, default=None)
    if wrong is not None:
        y, x = np.argwhere(labels == wrong)[0]
        raise Entry(path).error(
            f"value {wrong} (first at x={x}, y={y}) is no class: expected 0 to "
            f"{num_classes - 1}, {UNLABELLED} (unlabelled) or {VOID} (void)"
        )
    return labels


def values_in(labels: LabelMap) -> set[int]:
    """Return the values of a label map, (H, W), in a fraction of the time that sorting takes.

    Examples:
        >>> sorted(values_in(np.array([[1, 1], [0, 7]], np.uint8)))
        [0, 1, 7]
    """
    flat = labels.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return {*flat[changes].tolist(), *flat[-1:].tolist()}


def write_label_map(path: Path, labels: LabelMap, *, grey: bool = False) -> None:
    """Write a label map as a PNG with the class palette, or as a grey one.

    Args:
        path: The file; it appears only once it is whole.
        labels: Label map, (H, W).
        grey: Without a palette: OpenCV and other readers turn palettes into colours.
    """
    picture = Image.fromarray(labels)
    if not grey:
        picture.putpalette(class_palette().tobytes())
    with replacing(path) as beside:
        picture.save(beside, format="PNG")
