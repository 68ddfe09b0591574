"""`weakseg.oversegment`: region maps of the images of a data folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.images.reading import read_image
from weakseg.images.writing import write_jpeg
from weakseg.oversegments.cache import SETTINGS_FILE, oversegment_images, write_region_maps
from weakseg.oversegments.contours import overlay_contours
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.oversegments.settings import OversegmentSettings
from weakseg.oversegments.user_maps import check_region_maps, user_region_maps
from weakseg.recipes.recipe import Recipe
from weakseg.support.devices import accelerator_device
from weakseg.support.errors import DataError, RunError
from weakseg.support.files import replacing
from weakseg.support.folders import is_litter
from weakseg.support.inside import inside
from weakseg.support.locks import reading_from, writing_in
from weakseg.support.progress import progress

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class Oversegmented:
    """Result of an oversegmentation.

    Args:
        folder: Folder of region maps NAME.png.
        images: Number of images.
        mean_regions: Mean number of regions of an image.
    """

    folder: Path
    images: int
    mean_regions: float


def oversegment(
    data: str | Path,
    settings: OversegmentSettings | None = None,
    *,
    split: str | None = None,
    out: str | Path | None = None,
    overlay: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    device: str = "auto",
) -> Oversegmented:
    """Cut the images of a data folder into closed regions and write region maps.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        settings: Boundaries and number of regions; by default 48 regions by gradient boundaries.
        split: Only the images of this split.
        out: Folder for the maps; by default the data's cache, where training looks for them.
            Existing maps of the same settings are kept.
        overlay: Write `NAME.overlay.jpg` beside each map: the contours over the image.
        overwrite: Replace region maps of other settings in `out`.
        workers: Worker processes; 0: none, None: one per core where that is faster.
        device: Device of the network of HED boundaries: a torch device, or auto.

    Returns:
        The folder of maps, and how many regions they have.

    Raises:
        DataError: There is no image, no such split, or an image cannot be read.
        RunError: `out` holds something else, cannot be written, or a process died.
        WeightsError: There are no weights for the boundaries.
    """
    settings = settings or OversegmentSettings()
    source = DataFolder.open(data)
    images = _images(source, split)
    folder = source.cache / "oversegments" / settings.key() if out is None else Path(out)
    with ExitStack() as held:
        held.enter_context(reading_from(source.root, "weakseg oversegment"))
        if out is not None:
            source.layout.check_apart(folder)
            held.enter_context(writing_in(folder, "weakseg oversegment"))
            _clear(folder, settings, overwrite)
        write_region_maps(images, settings, folder, workers=workers, device=device)
        return Oversegmented(folder, len(images), _mean_regions(images, folder, overlay))


def oversegment_records(recipe: Recipe, folder: DataFolder, records: Sequence[Record]) -> Path:
    """Oversegment images by a recipe, unless their maps are in the cache, and return the folder.

    Raises:
        DataError: An image or a region map of the user's own cannot be read, or is missing.
        WeightsError: There are no weights for the boundaries.
    """
    config = recipe.oversegment
    images = [(record.name, record.image) for record in records]
    cache = folder.cache / "oversegments"
    if config.folder:
        maps = user_region_maps(images, Path(config.folder), cache)
        plain = check_region_maps(images, maps)
        if plain:
            _log.warning(
                "%d region maps hold one region only, which is of no use (the first: %s)",
                len(plain),
                plain[0],
            )
        return maps
    settings = OversegmentSettings(
        boundaries=config.boundaries,
        weights=config.hed_weights or None,
        regions=config.regions,
        threshold=config.threshold,
    )
    device = str(accelerator_device(recipe.training.accelerator))
    return oversegment_images(images, settings, cache, device=device)


def _images(folder: DataFolder, split: str | None) -> list[tuple[str, Path]]:
    if split is not None:
        return [(record.name, record.image) for record in folder.split(split)]
    if not folder.images:
        raise DataError("there is no image", path=folder.layout.images)
    return list(folder.images.items())


def _clear(folder: Path, settings: OversegmentSettings, overwrite: bool) -> None:
    """Refuse a folder of something else; remove maps of other settings, where that is allowed."""
    there = _made_with(folder)
    if there is None:
        if any(not is_litter(Path(path.name)) for path in folder.iterdir()):
            raise RunError(f"{folder}: holds something else already. Choose another --out.")
        return
    if there == settings.resolved():
        return
    if not overwrite:
        raise RunError(
            f"{folder}: holds region maps of other settings. Choose another --out, or replace "
            "them with --overwrite."
        )
    for path in [*folder.rglob("*.png"), *folder.rglob("*.overlay.jpg")]:
        path.unlink()


def _made_with(folder: Path) -> dict[str, Any] | None:
    """Read the settings of the region maps in a folder; None where there are none."""
    try:
        tree = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) and "boundaries" in tree else None


def _mean_regions(images: Sequence[tuple[str, Path]], folder: Path, overlay: bool) -> float:
    total = 0
    doing = "Drawing contours" if overlay else "Counting regions"
    for name, path in progress(images, doing, len(images)):
        regions = load_oversegment(inside(folder, name, ".png"))
        total += int(regions.max()) + 1
        if overlay:
            drawn = overlay_contours(read_image(path), regions)
            with replacing(inside(folder, name, ".overlay.jpg")) as beside:
                write_jpeg(beside, drawn, quality=90)
    return total / len(images)
