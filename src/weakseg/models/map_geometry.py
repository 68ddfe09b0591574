"""Strides and sizes of a network's feature maps, measured on small images.

timm lists a reduction for every map, but some families list another than they have, some floor
where others ceil, and some take sizes of their own only. A small image settles all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Extractor = Callable[[Tensor], Sequence[Tensor]]
Size = tuple[int, int]

ODD = (97, 225)
"""Odd sides of a small image, 128 apart."""

_PATCHES = (16, 14)  # and their divisors
_MAX_DOUBLED = 512  # of an image twice as wide, attention takes sixteen times the memory


class MapGeometry(NamedTuple):
    """Feature maps of a network, and the images it takes.

    Args:
        strides: Pixels of the image per pixel of each map.
        channels: Channels of each map.
        multiple: Sides of the image must be multiples of this.
        min_side: Smallest side.
        fixed: The only size the network takes; None: any.
    """

    strides: tuple[int, ...]
    channels: tuple[int, ...]
    multiple: int = 1
    min_side: int = 1
    fixed: Size | None = None

    def sizes_taken(self) -> str:
        """Describe the images that the network takes.

        Examples:
            >>> MapGeometry(strides=(14,), channels=(8,), multiple=14).sizes_taken()
            'padded to multiples of 14'
        """
        if self.fixed is not None:
            return "resized to {} × {}".format(*self.fixed)
        return f"padded to multiples of {self.multiple}" if self.multiple > 1 else "as they are"

    def of(self, indices: Sequence[int]) -> MapGeometry:
        """Return the geometry of some of the maps."""
        strides, channels = (
            tuple(values[index] for index in indices) for values in (self.strides, self.channels)
        )
        return self._replace(strides=strides, channels=channels)

    def fit(self, image: Tensor) -> Tensor:
        """Bring an image to a size that the network takes.

        It is padded with zeros at the bottom and on the right, or resized where the network takes
        one size only.

        Args:
            image: (B, C, H, W), normalised: zero is the mean colour.

        Returns:
            (B, C, H', W').
        """
        if self.fixed is not None:
            return resized(image, self.fixed)
        height, width = (self._padded(side) for side in image.shape[-2:])
        below, beside = height - image.shape[-2], width - image.shape[-1]
        return F.pad(image, (0, beside, 0, below)) if below or beside else image

    def restore(self, features: Tensor, stride: int, size: Size) -> Tensor:
        """Bring a map of a fitted image to the size it has for the image itself.

        Args:
            features: (B, D, h', w').
            stride: The map's stride s.
            size: Height H and width W of the image.

        Returns:
            (B, D, ceil(H / s), ceil(W / s)).
        """
        height, width = (ceil_divide(side, stride) for side in size)
        if self.fixed is not None:
            return resized(features, (height, width))
        # Convolutions without padding lose a border; the map is taken to cover the image.
        padded = [ceil_divide(self._padded(side), stride) for side in size]
        return resized(features, (padded[0], padded[1]))[..., :height, :width]

    def _padded(self, side: int) -> int:
        return max(ceil_divide(side, self.multiple) * self.multiple, self.min_side)


def ceil_divide(a: int, b: int) -> int:
    """Return a / b, rounded up."""
    return -(-a // b)


def resized(maps: Tensor, size: Size) -> Tensor:
    """Resize maps (B, C, H, W) bilinearly, averaging where they shrink."""
    if tuple(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)


def measure(
    network: nn.Module, native: Size, declared: Sequence[int], patch: int = 1
) -> MapGeometry:
    """Measure a network's feature maps.

    Args:
        network: Image to list of maps. It is run in evaluation mode.
        native: Size of its images in pretraining.
        declared: Strides by timm, for a network that takes one size only.
        patch: Pixels a side that the network's images may have to be a multiple of.

    Returns:
        Its geometry.

    Raises:
        Exception: Of the network, where it returns maps of no size at all.
    """
    for sides in _trials(native, patch):
        try:
            maps = run(network, sides)
        except Exception:  # each family fails in its own way at sizes it does not take
            continue
        strides = whole_strides(maps, sides)
        if strides is not None:
            channels = tuple(features.shape[1] for features in maps)
            return _any_size(network, maps, sides, MapGeometry(strides, channels))
    return _one_size(run(network, native), native, declared)


def run(network: nn.Module, sides: Size) -> list[Tensor]:
    """Return the maps of a black image, without gradient and in evaluation mode.

    Raises:
        Exception: Of the network.
        ValueError: It returns something else than maps.
    """
    was_training = network.training
    parameter = next(network.parameters(), torch.empty(0))
    network.eval()
    try:
        with torch.no_grad():
            image = torch.zeros(1, 3, *sides, device=parameter.device, dtype=parameter.dtype)
            maps = list(network(image))
    finally:
        network.train(was_training)
    for features in maps:
        if features.ndim != 4:
            raise ValueError(f"a feature of shape {tuple(features.shape)} is no map")
    return maps


def whole_strides(maps: Sequence[Tensor], sides: Size) -> tuple[int, ...] | None:
    """Return the strides of maps, or None where they are not whole numbers.

    A stride is how many pixels more the image must have for one more in the map, so that borders
    lost to convolutions without padding do not count.

    Args:
        maps: (B, C_i, h_i, w_i).
        sides: Height and width of their image, the width larger by a multiple of the strides.

    Examples:
        >>> whole_strides([torch.zeros(1, 8, 25, 57)], (97, 225))
        (4,)
    """
    strides = []
    for features in maps:
        more = features.shape[-1] - features.shape[-2]
        if more <= 0 or (sides[1] - sides[0]) % more:
            return None
        strides.append((sides[1] - sides[0]) // more)
    return tuple(strides)


def _trials(native: Size, patch: int) -> Iterator[Size]:
    yield ODD
    for side in (*_PATCHES, *([patch] if patch > 1 else [])):
        yield 8 * side, 16 * side
    if max(native) <= _MAX_DOUBLED:
        yield native[0], 2 * native[1]


def _any_size(
    network: nn.Module, maps: Sequence[Tensor], sides: Size, found: MapGeometry
) -> MapGeometry:
    """Find the multiple and the smallest side of a network that took an image of these sides."""
    common = math.lcm(*found.strides)
    if sides == ODD and _covers(maps, sides, found.strides):
        return found._replace(min_side=common)
    even = _taken(network, (3 * common, 5 * common))
    if even is None:  # windows that must be whole, for one
        return found._replace(multiple=sides[0], min_side=sides[0])
    smallest = sides[0] if _taken(network, (common, 3 * common)) is None else common
    return found._replace(
        # At odd sizes some families mix positions into the channels.
        channels=tuple(features.shape[1] for features in even),
        multiple=common,
        min_side=ceil_divide(smallest, common) * common,
    )


def _taken(network: nn.Module, sides: Size) -> list[Tensor] | None:
    """Return the maps of an image, or None where the network does not take it."""
    try:
        return run(network, sides)
    except Exception:
        return None


def _covers(maps: Sequence[Tensor], sides: Size, strides: Sequence[int]) -> bool:
    """Whether maps have a pixel for every begun stride of the image."""
    return all(
        tuple(features.shape[-2:]) == tuple(ceil_divide(side, stride) for side in sides)
        for features, stride in zip(maps, strides, strict=True)
    )


def _one_size(maps: Sequence[Tensor], native: Size, declared: Sequence[int]) -> MapGeometry:
    strides = []
    for features, reduction in zip(maps, declared, strict=True):
        fits = _covers([features], native, [reduction])
        strides.append(reduction if fits else round(native[0] / features.shape[-2]))
    channels = tuple(features.shape[1] for features in maps)
    return MapGeometry(tuple(strides), channels, fixed=native)
