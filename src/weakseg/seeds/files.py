"""Activation maps on disk, a few kilobytes an image."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from weakseg.seeds.activations import Activations
from weakseg.support.errors import DataError
from weakseg.support.files import replacing


def save_activations(path: Path, activations: Activations) -> None:
    """Write the maps of an image's classes, quantised to steps of 1/255.

    Args:
        path: The file, `.npz`; it appears only once it is whole.
        activations: The maps.
    """
    levels = np.rint(activations.maps * 255).astype(np.uint8)
    with replacing(path) as beside:
        np.savez_compressed(beside, class_ids=activations.class_ids, levels=levels)


def load_activations(path: Path) -> Activations:
    """Read the maps that `save_activations` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as entries:
            ids, levels = entries["class_ids"], entries["levels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"is missing or damaged ({error}); --resume makes it anew", path=path
        ) from error
    return Activations(ids, levels.astype(np.float32) / 255)
