"""Features of a frozen backbone: rounded to half precision, and kept on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import safetensors
import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

from weakseg.support.errors import NonFiniteError, RunError
from weakseg.support.files import replacing

SETTINGS_FILE = "features.json"
"""File beside features that names the network they are of."""

_log = logging.getLogger(__name__)
_MAX_HALF = torch.finfo(torch.float16).max
_RECOUNT = 64  # files after which the folder is measured again, as other processes write too


@contextmanager
def naming(image: str) -> Iterator[None]:
    """Put the name of an image before the message of an error about its features.

    Raises:
        NonFiniteError: A feature is NaN or infinite.
    """
    try:
        yield
    except NonFiniteError as error:
        raise NonFiniteError(f"{image}: {error}") from error


def rounded_features(maps: Sequence[Tensor], size: tuple[int, int]) -> list[Tensor]:
    """Bring maps that are finer than the embedding down to its size, and round to half precision.

    Args:
        maps: Feature maps (B, channels_i, h_i, w_i).
        size: Height and width of the embedding.

    Returns:
        Maps of type float16, clamped to its range.

    Raises:
        NonFiniteError: A feature is NaN or infinite.
    """
    rounded = []
    for features in maps:
        if not torch.isfinite(features).all():
            raise NonFiniteError(
                "a feature of the backbone is NaN or infinite. Are its weights (model.weights) "
                "damaged?"
            )
        if features.shape[-2] > size[0]:
            features = F.adaptive_avg_pool2d(features, size)  # (B, channels_i, h, w)
        rounded.append(features.clamp(-_MAX_HALF, _MAX_HALF).half())
    return rounded


def cut_window(
    maps: Sequence[Tensor], strides: Sequence[int], corner: tuple[int, int], side: int
) -> list[Tensor]:
    """Cut a square window of the image out of its feature maps.

    Args:
        maps: Feature maps (channels_i, h_i, w_i).
        strides: Pixels of the image per cell of each map.
        corner: Top and left of the window, in pixels, multiples of every stride.
        side: Its side, in pixels, a multiple of every stride.

    Returns:
        Maps (channels_i, side / stride_i, side / stride_i); beyond the image, its border goes on.

    Examples:
        >>> cut_window([torch.arange(6.0).view(1, 2, 3)], [8], (0, 8), 16)[0].tolist()
        [[[1.0, 2.0], [4.0, 5.0]]]
        >>> cut_window([torch.arange(6.0).view(1, 2, 3)], [8], (8, 8), 16)[0].tolist()
        [[[4.0, 5.0], [4.0, 5.0]]]
    """
    windows = []
    for features, stride in zip(maps, strides, strict=True):
        top, left, cells = corner[0] // stride, corner[1] // stride, side // stride
        part = features[:, top : top + cells, left : left + cells]
        beyond = (0, cells - part.shape[2], 0, cells - part.shape[1])
        windows.append(F.pad(part, beyond, mode="replicate") if any(beyond) else part)
    return windows


class FeatureCache:
    """Features of images on disk, found by the content of the image.

    A folder that cannot be written, and a budget that is used up, cost time alone: features that
    are not there are computed.

    Args:
        root: Folder of the features of all networks, each in a folder of its own.
        network: All that features depend on beside the image; its hash names the network's folder.
        budget: Bytes that `root` may hold. To make room, folders of other networks are removed,
            those first that were not used for the longest time.
    """

    def __init__(self, root: Path, network: Mapping[str, Any], budget: int) -> None:
        self.root = root
        self.budget = budget
        self._network = json.dumps(network, indent=1, sort_keys=True)
        self.folder = root / hashlib.blake2b(self._network.encode(), digest_size=8).hexdigest()
        self._is_open = True  # to writing
        self._used = 0  # bytes in `root`
        self._written = 0  # files
        if self.folder.is_dir():
            with suppress(OSError):
                os.utime(self.folder)

    def features(self, pixels: Tensor, compute: Callable[[], list[Tensor]]) -> list[Tensor]:
        """Return an image's features; those that are missing or damaged are computed and kept.

        Args:
            pixels: The image, (3, H, W), 8 bits.
            compute: Function that computes its features, of type float16.
        """
        path = self.folder / f"{_content_hash(pixels)}.safetensors"
        maps = _read(path)
        if maps is None:
            maps = compute()
            if self._is_open:
                self._write(path, maps)
        return maps

    def _write(self, path: Path, maps: Sequence[Tensor]) -> None:
        content = save({str(level): each.cpu().contiguous() for level, each in enumerate(maps)})
        try:
            if not self._make_room(len(content)):
                _log.info(
                    "%s: data.feature_budget (%.3g GiB) is used up; features of further images "
                    "are computed again for each use",
                    self.root,
                    self.budget / 2**30,
                )
                self._is_open = False
                return
            if not (self.folder / SETTINGS_FILE).is_file():
                self._report_others()
                with replacing(self.folder / SETTINGS_FILE) as beside:
                    beside.write_text(self._network, encoding="utf-8")
            with replacing(path) as beside:
                beside.write_bytes(content)
        except (OSError, RunError) as error:
            _log.warning("features are not kept, but computed again for each use: %s", error)
            self._is_open = False

    def _make_room(self, size: int) -> bool:
        """Whether there is room for a file, after folders of other networks have made way."""
        if self._written % _RECOUNT == 0:
            self._used = _folder_size(self.root)
        while self._used + size > self.budget:
            others = self._other_folders()
            if not others or _folder_size(self.folder) + size > self.budget:
                return False
            oldest = min(others, key=_last_used)
            self._used -= _folder_size(oldest)
            shutil.rmtree(oldest, ignore_errors=True)
            if oldest.exists():
                return False
            _log.info("%s: removed, to make room for the features of another network", oldest)
        self._used += size
        self._written += 1
        return True

    def _report_others(self) -> None:
        """Log that there are features, but of other networks."""
        if self._other_folders():
            _log.info(
                "%s: the features there are of another backbone, other weights or another timm "
                "(%s in each folder names them), so they are computed anew; the old ones stay "
                "while data.feature_budget (%.3g GiB) has room",
                self.root,
                SETTINGS_FILE,
                self.budget / 2**30,
            )

    def _other_folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        folders = (path.parent for path in self.root.glob(f"*/{SETTINGS_FILE}"))
        return [folder for folder in folders if folder != self.folder]


def weights_hash(module: nn.Module) -> str:
    """Return a hash of a module's parameters and buffers, the same on every device."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(content.numpy().tobytes())
    return digest.hexdigest()


def _content_hash(pixels: Tensor) -> str:
    digest = hashlib.blake2b(str(tuple(pixels.shape)).encode(), digest_size=16)
    digest.update(pixels.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> list[Tensor] | None:
    """Read an entry; none where it is missing or damaged."""
    try:
        tensors = load(path.read_bytes())
        return [tensors[str(level)] for level in range(len(tensors))]
    except (OSError, KeyError, safetensors.SafetensorError):
        return None


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _folder_size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # another process removed it
            size += path.stat().st_size if path.is_file() else 0
    return size
