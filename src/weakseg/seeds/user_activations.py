"""Activation maps supplied by the user: `.npy` files with a dictionary of class to map.

Other projects (PSA, SEAM, IRN's first step) write them as a pickled dictionary. A pickle can
execute code; this one is read with access to numpy's array builders alone.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.classes import ClassList
from weakseg.seeds.activations import Activations, load_activations
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.wording import shortened

_EXPECTED = "expected a .npy file with a dictionary of class to map (H, W)"
_BUILDERS = {"_reconstruct", "scalar", "_frombuffer"}


def user_activations(
    folder: Path, name: str, size: tuple[int, int], classes: ClassList
) -> Activations:
    """Read the user's activation maps of an image.

    Args:
        folder: Folder of NAME.npy, or of NAME.npz as written by the stage `seeds` of another run.
        name: Name of the image.
        size: Its height and width.
        classes: The classes.

    Raises:
        DataError: The file is missing, damaged, or of another content.
    """
    of_run = folder / f"{name}.npz"
    if of_run.is_file():
        return load_activations(of_run)
    return read_npy_activations(folder / f"{name}.npy", size, classes)


def read_npy_activations(path: Path, size: tuple[int, int], classes: ClassList) -> Activations:
    """Read the activation maps of an image from a `.npy` file.

    Args:
        path: The file. Keys are names of classes, or numbers from 0 that leave the background out,
            as in PSA and SEAM.
        size: Height and width of the image.
        classes: The classes.

    Returns:
        The maps, 0 to 1: negative values become 0, and a map that exceeds 1 is scaled down.

    Raises:
        DataError: The file is missing, damaged or of another content; a class is unknown; a map is
            of another size or not finite.
    """
    found: dict[int, NDArray[np.float32]] = {}
    for key, value in _read_dictionary(path).items():
        entry = Entry(path, f"class {key!r}")
        class_id = _class_of(key, classes, entry)
        found[class_id] = _checked(value, size, entry)
    ids = sorted(found)
    maps = np.stack([found[i] for i in ids]) if ids else np.zeros((0, *size), np.float32)
    return Activations(np.array(ids, np.uint8), maps)


def _checked(value: Any, size: tuple[int, int], entry: Entry) -> NDArray[np.float32]:
    try:
        array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise entry.error(f"{_EXPECTED}, but got {type(value).__name__}") from None
    if array.shape != size:
        raise entry.error(f"the map (H, W) is {array.shape} while its image is {size}")
    if not np.isfinite(array).all():
        raise entry.error("the map holds NaN or infinite values")
    positive = np.maximum(array, 0)
    scaled = positive / max(1.0, float(positive.max(initial=0)))
    return scaled.astype(np.float32)


def _class_of(key: Any, classes: ClassList, entry: Entry) -> int:
    if isinstance(key, str):
        return classes.find(key, entry)
    first = 1 if classes.has_background else 0
    if isinstance(key, int | np.integer) and 0 <= int(key) < len(classes) - first:
        return int(key) + first
    raise entry.error(
        f"expected a class name or a number from 0 to {len(classes) - first - 1}, which leaves the "
        "background out"
    )


def _read_dictionary(path: Path) -> dict[Any, Any]:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = header(file)
            if shape != () or not dtype.hasobject:
                raise DataError(f"{_EXPECTED}, but got an array {shape} of {dtype}", path=path)
            content = _Unpickler(file).load()
    except FileNotFoundError:
        raise DataError("there are no activation maps for this image", path=path) from None
    except DataError:
        raise
    except Exception as error:  # a damaged pickle fails anywhere
        raise DataError(
            f"{_EXPECTED}, but it cannot be read ({shortened(str(error))})", path=path
        ) from error
    value = content.item() if isinstance(content, np.ndarray) and content.ndim == 0 else content
    if not isinstance(value, dict):
        raise DataError(f"{_EXPECTED}, but got {type(value).__name__}", path=path)
    return value


class _Unpickler(pickle.Unpickler):
    """Unpickler of arrays and plain values alone."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in _BUILDERS | {"ndarray", "dtype"}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in activation maps")
