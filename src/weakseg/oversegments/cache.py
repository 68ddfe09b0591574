"""Oversegments of many images, computed once and cached on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.images.reading import image_size, read_image
from weakseg.oversegments.boundaries import gradient_boundaries
from weakseg.oversegments.hed_weights import find_weights
from weakseg.oversegments.region_maps import is_current, save_oversegment
from weakseg.oversegments.regions import closed_regions
from weakseg.oversegments.settings import OversegmentSettings
from weakseg.support.files import replacing
from weakseg.support.inside import inside
from weakseg.support.processes import in_processes
from weakseg.support.progress import progress

SETTINGS_FILE = "settings.json"
"""File beside region maps with the settings they were made with."""

Picture = NDArray[np.uint8]  # (H, W, 3)
Strength = NDArray[np.float32]  # (h, w)
Task = tuple[Path, Path]  # the image, its region map
DetectedTask = tuple[Strength, tuple[int, int], Task]  # boundaries, the image's size


def oversegment_image(
    image: Picture, settings: OversegmentSettings, *, device: str = "auto"
) -> NDArray[np.int32]:
    """Cut one image into closed regions.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        settings: Boundaries and number of regions.
        device: Device of the boundary network, if there is one: a torch device, or auto.

    Returns:
        Region ids from 0 without gaps, (H, W).

    Raises:
        WeightsError: The network's weights cannot be found or read.
    """
    detect = _detector(settings, device)
    height, width = image.shape[:2]
    return _cut(detect(_shrunk(image, settings.effective_max_side)), (height, width), settings)


def oversegment_images(
    images: Sequence[tuple[str, Path]],
    settings: OversegmentSettings,
    cache_dir: Path,
    *,
    workers: int | None = None,
    device: str = "auto",
) -> Path:
    """Call `write_region_maps` on the settings' own folder, `<cache_dir>/<settings.key()>`.

    Returns:
        That folder.
    """
    folder = cache_dir / settings.key()
    write_region_maps(images, settings, folder, workers=workers, device=device)
    return folder


def write_region_maps(
    images: Sequence[tuple[str, Path]],
    settings: OversegmentSettings,
    folder: Path,
    *,
    workers: int | None = None,
    device: str = "auto",
) -> None:
    """Oversegment the images without a current region map `<folder>/<name>.png`.

    A map is computed again where the image has changed, or the map is truncated.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        settings: Boundaries and number of regions, also of the maps already in the folder.
        folder: Folder for the maps, and for `settings.json`.
        workers: Processes beside this one; 0: none, None: one a core where it pays.
        device: Device of the boundary network, if there is one: a torch device, or auto.

    Raises:
        DataError: An image cannot be read, or a name leads out of the folder.
        RunError: The disk is full, the folder may not be written, or a process died.
        WeightsError: The network's weights cannot be found or read.
    """
    with replacing(folder / SETTINGS_FILE) as beside:
        beside.write_text(json.dumps(settings.resolved(), indent=2))
    tasks = [(image, inside(folder, name, ".png")) for name, image in images]
    missing = [task for task in tasks if not is_current(task[1], task[0], image_size(task[0]))]
    doing = "oversegments images"
    if settings.boundaries == "gradient":
        oversegment = partial(_oversegment_file, settings=settings)
        work = in_processes(oversegment, missing, doing=doing, workers=workers)
    else:
        cut = partial(_cut_file, settings=settings)
        detected = _DetectedTasks(missing, settings, device)
        work = in_processes(cut, detected, doing=doing, workers=workers)
    with closing(work) as done:
        for _ in progress(done, "Oversegmenting", len(missing)):
            pass


class _DetectedTasks(Sequence[DetectedTask]):
    """Tasks with their images' boundaries, detected in this process on access.

    The network runs in one process only; the boundaries in memory are those for which the other
    processes wait.
    """

    def __init__(self, tasks: Sequence[Task], settings: OversegmentSettings, device: str) -> None:
        self._tasks = tasks
        self._side = settings.effective_max_side
        self._detect = _detector(settings, device) if tasks else None

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index: Any) -> Any:
        image, path = self._tasks[index]
        assert self._detect is not None
        picture = read_image(image)
        strength = self._detect(_shrunk(picture, self._side))
        return strength, picture.shape[:2], (image, path)


def _detector(settings: OversegmentSettings, device: str) -> Callable[[Picture], Strength]:
    if settings.boundaries == "gradient":
        return gradient_boundaries
    from weakseg.oversegments.hed import hed_boundaries, load_hed  # imports torch

    return partial(hed_boundaries, network=load_hed(find_weights(settings.weights), device))


def _oversegment_file(task: Task, settings: OversegmentSettings) -> None:
    image, path = task
    save_oversegment(path, oversegment_image(read_image(image), settings), made_from=image)


def _cut_file(task: DetectedTask, settings: OversegmentSettings) -> None:
    strength, size, (image, path) = task
    save_oversegment(path, _cut(strength, size, settings), made_from=image)


def _shrunk(image: Picture, side: int) -> Picture:
    height, width = image.shape[:2]
    factor = min(1.0, side / max(height, width))
    if factor == 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _cut(
    strength: Strength, size: tuple[int, int], settings: OversegmentSettings
) -> NDArray[np.int32]:
    """Cut along the boundaries and enlarge the regions, (h, w), to the image's size, (H, W)."""
    regions = closed_regions(
        strength,
        regions=settings.regions,
        threshold=settings.threshold,
        balance=settings.effective_balance,
    )
    rows, columns = (
        np.arange(large) * small // large for large, small in zip(size, regions.shape, strict=True)
    )
    enlarged: NDArray[np.int32] = regions[rows[:, None], columns]
    return enlarged
