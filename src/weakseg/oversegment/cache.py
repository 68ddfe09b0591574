"""Oversegments of many images, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.errors import DataError
from weakseg.files import replacing
from weakseg.oversegment.boundaries import gradient_boundaries
from weakseg.oversegment.region_maps import is_current, save_oversegment
from weakseg.oversegment.regions import closed_regions
from weakseg.pictures import image_size, read_image
from weakseg.processes import in_processes
from weakseg.progress import progress

ALGORITHM_VERSION = 1
"""Raise it when the same settings give other regions; cached maps are then computed anew."""

Task = tuple[Path, Path]  # the image, its region map


@dataclass(frozen=True)
class OversegmentSettings:
    """How images are cut into closed regions.

    Args:
        boundaries: Where boundary strength comes from.
        regions: Number of regions an image is cut into.
        threshold: Cut contours above this weight, 0 to 1, instead of into a number of regions.
        balance: How much the area that a contour cuts off counts; 0: strength alone.
        max_side: Larger images are shrunk to this longer side, and their regions enlarged again.

    Raises:
        ValueError: A value is out of range.
    """

    boundaries: Literal["gradient"] = "gradient"
    regions: int | None = 48
    threshold: float | None = None
    balance: float = 0.5
    max_side: int = 256

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if self.boundaries != "gradient":
            raise ValueError(
                f"Expected `boundaries` to be 'gradient', but got {self.boundaries!r}."
            )
        if self.regions is None and self.threshold is None:
            raise ValueError("Expected `regions` or `threshold`, but got neither.")
        if self.regions is not None and self.regions < 1:
            raise ValueError(f"Expected `regions` to be at least 1, but got {self.regions}.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"Expected `threshold` to be 0 to 1, but got {self.threshold}.")
        if self.balance < 0 or self.max_side < 1:
            raise ValueError(
                "Expected `balance` to be 0 or more and `max_side` at least 1, but got "
                f"{self.balance} and {self.max_side}."
            )

    def key(self) -> str:
        """Name these settings, and the algorithm's version, in 12 letters and digits."""
        said = json.dumps(asdict(self) | {"version": ALGORITHM_VERSION}, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def oversegment_image(image: NDArray[np.uint8], settings: OversegmentSettings) -> NDArray[np.int32]:
    """Cut one image into closed regions.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        settings: How.

    Returns:
        Region ids from 0 without gaps, (H, W).
    """
    height, width = image.shape[:2]
    factor = min(1.0, settings.max_side / max(height, width))
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    regions = closed_regions(
        gradient_boundaries(image),
        regions=settings.regions,
        threshold=settings.threshold,
        balance=settings.balance,
    )
    rows = np.arange(height) * regions.shape[0] // height
    columns = np.arange(width) * regions.shape[1] // width
    enlarged: NDArray[np.int32] = regions[rows[:, None], columns]
    return enlarged


def oversegment_images(
    images: Sequence[tuple[str, Path]],
    settings: OversegmentSettings,
    cache_dir: Path,
    *,
    workers: int | None = None,
) -> Path:
    """Oversegment the images that have no current region map yet.

    A map is `<cache_dir>/<settings.key()>/<name>.png`. It is computed again where the image is
    newer, has another size, or where the map is cut short.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        settings: How.
        cache_dir: Folder for region maps of any settings.
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Returns:
        The folder of these settings' maps, for `load_oversegment`.

    Raises:
        DataError: An image cannot be read, or a name leads out of the folder.
        RunError: The disk is full, the folder may not be written, or a process died.
    """
    folder = cache_dir / settings.key()
    with replacing(folder / "settings.json") as beside:
        beside.write_text(json.dumps(asdict(settings) | {"version": ALGORITHM_VERSION}, indent=2))
    tasks = [(image, folder / f"{_checked(name)}.png") for name, image in images]
    missing = [task for task in tasks if not is_current(task[1], task[0], image_size(task[0]))]
    work = partial(_oversegment_file, settings=settings)
    with closing(in_processes(work, missing, doing="oversegments images", workers=workers)) as done:
        for _ in progress(done, "Oversegmenting", len(missing)):
            pass
    return folder


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise DataError(f"expected an image name inside the data folder, but got {name!r}")
    return name


def _oversegment_file(task: Task, settings: OversegmentSettings) -> None:
    image, path = task
    save_oversegment(path, oversegment_image(read_image(image), settings))
