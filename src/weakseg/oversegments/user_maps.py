"""Region maps supplied by the user: as pictures, or as the lists of masks that SAM writes."""

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
Task = tuple[Path, Path, tuple[int, int]]  # the user's file, our map, the image's (H, W)


def user_region_maps(
    images: Images, folder: Path, cache_dir: Path, *, workers: int | None = None
) -> Path:
    """Return a folder with the user's region maps of all images as pictures.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        folder: Folder of maps NAME.png, or of lists of masks NAME.json where there is no picture.
        cache_dir: Where lists of masks are converted to pictures.
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Returns:
        The user's folder, or that of the converted maps.

    Raises:
        DataError: A list of masks is damaged, or of another size than its image; or, if there is
            any list, a picture is.
        RunError: The disk is full, or the folder may not be written.
    """
    files = [_user_file(folder, name) for name, _ in images]
    if all(file.suffix == ".png" for file in files):
        return folder
    converted = cache_dir / f"own-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    tasks: list[Task] = []
    for (name, image), file in zip(images, files, strict=True):
        target, size = converted / f"{name}.png", image_size(image)
        if not is_current(target, file, size):
            tasks.append((file, target, size))
    work = in_processes(_convert, tasks, doing="reads masks", workers=workers)
    with closing(work) as done:
        for _ in progress(done, "Reading masks", len(tasks)):
            pass
    return converted


def check_region_maps(images: Images, folder: Path) -> list[str]:
    """Check that the region maps of all images can be read.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        folder: Folder of maps NAME.png.

    Returns:
        Names of images whose map is a single region, and therefore carries no information.

    Raises:
        DataError: A map is missing, damaged, no region map, or of another size than its image.
    """
    single = []
    for name, image in progress(images, "Checking region maps", len(images)):
        regions = load_oversegment(folder / f"{name}.png", image_size(image))
        if (regions == regions.flat[0]).all():
            single.append(name)
    return single


def _user_file(folder: Path, name: str) -> Path:
    """Return the picture of an image's regions, or the list of masks where there is no picture."""
    picture, masks = folder / f"{name}.png", folder / f"{name}.json"
    return masks if masks.is_file() and not picture.is_file() else picture


def _convert(task: Task) -> None:
    file, target, size = task
    read = load_oversegment if file.suffix == ".png" else read_mask_list
    save_oversegment(target, read(file, size))
