"""Ground truth: full masks, and maps of instances where there are any."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from weakseg.marks.instance_maps import InstanceMap, read_instance_map
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.support.errors import DataError
from weakseg.support.wording import counted

_FOLDERS = ("SegmentationObject", "instances")


def find_instance_maps(
    data: Path, names: Collection[str], folder: Path | None = None
) -> dict[str, Path]:
    """Find maps of instances.

    Args:
        data: A data folder, or a PASCAL VOC folder.
        names: Names of the images.
        folder: Folder of the maps ``NAME.png``; by default ``SegmentationObject`` or ``instances``
            of the data, where it exists.

    Returns:
        The files, by name of the image.

    Raises:
        DataError: The given folder does not exist, or holds a map of none of the images.
    """
    if folder is not None and not folder.is_dir():
        raise DataError("expected a folder of instance maps, but there is none", path=folder)
    where = folder or next((data / name for name in _FOLDERS if (data / name).is_dir()), None)
    if where is None:
        return {}
    paths = {name: where / f"{name}.png" for name in names}
    found = {name: path for name, path in paths.items() if path.is_file()}
    if folder and not found:
        raise DataError(f"expected maps of {len(names)} images, but got none", path=folder)
    return found


def instance_note(given: int, images: int) -> str:
    """Return the note of a protocol on the instances.

    Examples:
        >>> instance_note(0, 9), instance_note(9, 9)
        ('instances are connected regions', 'instances as given')
    """
    if not given:
        return "instances are connected regions"
    missing = images - given
    return "instances as given" + (
        f", connected regions in {counted(missing, 'image')} without" if missing else ""
    )


def read_truth(
    name: str,
    mask: Path,
    num_classes: int,
    instances: Mapping[str, Path],
    image_size: tuple[int, int] | None = None,
) -> tuple[LabelMap, InstanceMap | None]:
    """Read the full mask of an image, and its map of instances where there is one.

    Returns:
        Label map and ids of instances, (H, W) both.

    Raises:
        DataError: A file cannot be read, is of another size, or holds an id of no class.
    """
    truth = read_label_map(mask, num_classes=num_classes, image_size=image_size)
    own = instances.get(name)
    return truth, None if own is None else read_instance_map(own, truth.shape)
