"""Region maps supplied by the user: as pictures, or as the lists of masks that SAM writes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from weakseg.images.reading import image_size
from weakseg.oversegments.mask_lists import read_mask_list
from weakseg.oversegments.region_maps import is_current, load_oversegment, save_oversegment
from weakseg.support.inside import inside
from weakseg.support.processes import in_processes
from weakseg.support.progress import progress

_log = logging.getLogger(__name__)

Images = Sequence[tuple[str, Path]]  # names, which may hold folders ("a/b"), with the image files
Task = tuple[Path, Path, tuple[int, int]]  # the user's file, our map, the image's (H, W)


def user_region_maps(
    images: Images, folder: Path, cache_dir: Path, *, workers: int | None = None
) -> Path:
    """Return a folder with the user's region maps of all images as pictures, each region whole.

    LSC, felzenszwalb, quickshift and SEEDS give one id to several pieces, and leave ids out. Such
    maps are converted, each piece to a region of its own, and that is logged.

    Args:
        images: Names, which may hold folders ("a/b"), with the image files.
        folder: Folder of maps NAME.png, or of lists of masks NAME.json where there is no picture.
        cache_dir: Where maps are converted.
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Returns:
        The user's folder, or that of the converted maps.

    Raises:
        DataError: A map is damaged, or of another size than its image.
        RunError: The disk is full, or the folder may not be written.
    """
    files = [_user_file(folder, name) for name, _ in images]
    pictures = [file for file in files if file.suffix == ".png"]
    broken = [file for file in pictures if file.is_file() and not _is_whole(load_oversegment(file))]
    if broken:
        _log.warning(
            "%d of %d region maps have ids in several pieces or gaps between ids; each piece is a "
            "region of its own (the first: %s)",
            len(broken),
            len(files),
            broken[0],
        )
    if len(pictures) == len(files) and not broken:
        return folder
    converted = cache_dir / f"own-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    tasks: list[Task] = []
    for (name, image), file in zip(images, files, strict=True):
        target, size = inside(converted, name, ".png"), image_size(image)
        if not is_current(target, file, size):
            tasks.append((file, target, size))
    work = in_processes(_convert, tasks, doing="reads masks", workers=workers)
    with closing(work) as done:
        for _ in progress(done, "Reading masks", len(tasks)):
            pass
    return converted


def whole_regions(regions: NDArray[np.int32]) -> NDArray[np.int32]:
    """Make each connected piece of a region a region of its own, numbered without gaps.

    Args:
        regions: Region ids, (H, W).

    Returns:
        Region ids, (H, W), from 0 on.

    Examples:
        >>> whole_regions(np.array([[4, 9, 4]], np.int32)).tolist()
        [[0, 1, 2]]
    """
    pieces: NDArray[np.int32] = label(regions, background=-1, connectivity=1)  # type: ignore[no-untyped-call]
    return pieces.astype(np.int32) - 1


def _is_whole(regions: NDArray[np.int32]) -> bool:
    """Whether each id, from 0 on, is one connected region."""
    ids = np.unique(regions)
    return ids[-1] + 1 == ids.size and int(whole_regions(regions).max()) + 1 == ids.size


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
    if file.suffix == ".png":
        save_oversegment(target, whole_regions(load_oversegment(file, size)), made_from=file)
    else:
        save_oversegment(target, read_mask_list(file, size), made_from=file)
