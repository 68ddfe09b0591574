"""Region maps that a user gives: as pictures, or as the lists of masks that SAM writes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from weakseg.images.reading import image_size
from weakseg.oversegments.mask_lists import read_mask_list
from weakseg.oversegments.region_maps import is_current, load_oversegment, save_oversegment
from weakseg.support.processes import in_processes
from weakseg.support.progress import progress

Images = Sequence[tuple[str, Path]]  # names, which may hold folders ("a/b"), with the image files
Task = tuple[Path, Path, tuple[int, int]]  # a user's map, ours, the image's height and width


def own_region_maps(
    images: Images, folder: Path, cache_dir: Path, *, workers: int | None = None
) -> Path:
    """Give a folder that holds a user's maps of all images as pictures.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        folder: Folder of maps NAME.png, or of lists of masks NAME.json where there is no picture.
        cache_dir: Where a folder is made if there are lists of masks.
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Returns:
        The user's folder, or the one made.

    Raises:
        DataError: A list of masks is damaged, or of another size than its image; or, if there is
            any list, a picture is.
        RunError: The disk is full, or the folder may not be written.
    """
    own = [_own_map(folder, name) for name, _ in images]
    if all(path.suffix == ".png" for path in own):
        return folder
    made = cache_dir / f"own-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    tasks: list[Task] = []
    for (name, image), path in zip(images, own, strict=True):
        target, size = made / f"{name}.png", image_size(image)
        if not is_current(target, path, size):
            tasks.append((path, target, size))
    work = in_processes(_make, tasks, doing="reads masks", workers=workers)
    with closing(work) as done:
        for _ in progress(done, "Reading masks", len(tasks)):
            pass
    return made


def check_own_maps(images: Images, folder: Path) -> list[str]:
    """Read the region maps that a user gives.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        folder: Folder of maps NAME.png.

    Returns:
        Names of images whose map has one region only, and so says nothing.

    Raises:
        DataError: A map is missing, damaged, no region map, or of another size than its image.
    """

    def several(item: tuple[str, Path]) -> bool:
        name, image = item
        found = load_oversegment(folder / f"{name}.png", image_size(image))
        return bool((found != found.flat[0]).any())

    answers = progress(map(several, images), "Checking region maps", len(images))
    return [name for (name, _), answer in zip(images, answers, strict=True) if not answer]


def _own_map(folder: Path, name: str) -> Path:
    """Give the picture, or the list of masks where there is no picture."""
    picture, masks = folder / f"{name}.png", folder / f"{name}.json"
    return masks if masks.is_file() and not picture.is_file() else picture


def _make(task: Task) -> None:
    path, target, size = task
    read = load_oversegment if path.suffix == ".png" else read_mask_list
    save_oversegment(target, read(path, size))
