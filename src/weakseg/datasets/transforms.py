"""Random changes of a training image, the same for the image and its label maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF

from weakseg.marks.classes import ClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.recipes.recipe import TransformConfig


@dataclass(frozen=True)
class Sample:
    """One image with its label maps.

    Args:
        image: RGB, (3, H, W), 8 bits.
        annotation: Label map, (H, W), 8 bits.
        oversegment: Region ids, (H, W).
        view: The whole image that this is a window of, where its features are wanted.
        corner: Top and left of the window in it.
    """

    image: Tensor
    annotation: Tensor
    oversegment: Tensor
    view: Tensor | None = None
    corner: tuple[int, int] = (0, 0)


Transform = Callable[[Sample], Sample]


_GREY = 128  # of padding, which a void label keeps out of every loss


class TrainTransform:
    """Scale, crop and mirror at random; what is padded is void.

    Args:
        config: Ranges.
        classes: The classes, for the names in ``config.mirror_swap``.
        fit: Scales are relative to the size at which the whole image just fits the crop.

    Raises:
        DataError: A name in ``mirror_swap`` is no class.
    """

    def __init__(self, config: TransformConfig, classes: ClassList, *, fit: bool = False) -> None:
        self.config = config
        self.fit = fit
        self.crop = v2.RandomCrop(
            config.crop, pad_if_needed=True, fill={tv_tensors.Image: _GREY, tv_tensors.Mask: VOID}
        )
        self.mirror = Mirror(config, classes)

    def __call__(self, sample: Sample) -> Sample:
        """Change a sample at random, from torch's global generator."""
        low, high = self.config.scale
        scale = low + (high - low) * torch.rand(()).item()
        if self.fit:
            scale *= self.config.crop / max(sample.image.shape[-2:])
        return self.mirror(_joint(_resized(sample, scale), self.crop))


class ViewTransform:
    """A view of the whole image, one of a few, and a random window of it; beyond it is void.

    The features of the views can be kept, as they are few, and features of a window are cut out
    of them, as its corner is a multiple of their stride.

    Args:
        config: Scales of the views, mirror, and side of the window.
        classes: The classes, for the names in ``config.mirror_swap``.
        stride: Of the coarsest features.

    Raises:
        DataError: A name in ``mirror_swap`` is no class.
    """

    def __init__(self, config: TransformConfig, classes: ClassList, stride: int) -> None:
        self.config = config
        self.stride = stride
        self.mirror = Mirror(config, classes)

    def __call__(self, sample: Sample) -> Sample:
        """Choose view and window at random, from torch's global generator."""
        scale = self.config.views[int(torch.randint(len(self.config.views), ()))]
        view = self.mirror(_resized(sample, scale))
        side = self.config.crop
        top, left = (self._start(length) for length in view.image.shape[-2:])
        rows, columns = slice(top, top + side), slice(left, left + side)
        return Sample(
            _padded(view.image[:, rows, columns], side, _GREY),
            _padded(view.annotation[rows, columns], side, VOID),
            _padded(view.oversegment[rows, columns], side, VOID),
            view=view.image,
            corner=(top, left),
        )

    def _start(self, length: int) -> int:
        """Return where the window starts along a side, so that every pixel can be in it."""
        steps = max(0, -(-(length - self.config.crop) // self.stride))
        return int(torch.randint(steps + 1, ())) * self.stride


class Mirror:
    """Mirror a sample at random, with the classes that swap.

    Args:
        config: Whether to mirror, and pairs of class names that swap.
        classes: The classes.

    Raises:
        DataError: A name in ``mirror_swap`` is no class.
    """

    def __init__(self, config: TransformConfig, classes: ClassList) -> None:
        self.active = config.mirror
        self.swap = torch.arange(256, dtype=torch.uint8)
        self.swap[: len(classes)] = torch.tensor(classes.mirrored(config.mirror_swap))

    def __call__(self, sample: Sample) -> Sample:
        """Mirror every second sample, from torch's global generator."""
        if not self.active or torch.rand(()).item() >= 0.5:
            return sample
        return Sample(
            sample.image.flip(-1),
            self.swap[sample.annotation.flip(-1).long()],
            sample.oversegment.flip(-1),
        )


def _joint(sample: Sample, change: Callable[..., Sequence[Tensor]]) -> Sample:
    """Change an image and its label maps together, as torchvision does."""
    image, annotation, oversegment = change(
        tv_tensors.Image(sample.image),
        tv_tensors.Mask(sample.annotation[None]),
        tv_tensors.Mask(sample.oversegment[None]),
    )
    return Sample(
        image.as_subclass(Tensor),
        annotation.as_subclass(Tensor)[0],
        oversegment.as_subclass(Tensor)[0],
    )


def _resized(sample: Sample, scale: float) -> Sample:
    if scale == 1:
        return sample
    size = [max(1, round(side * scale)) for side in sample.image.shape[-2:]]
    return _joint(sample, lambda *maps: [TF.resize(item, size, antialias=True) for item in maps])


def _padded(part: Tensor, side: int, value: int) -> Tensor:
    """Pad (…, H, W) at the right and the bottom."""
    return F.pad(part, (0, side - part.shape[-1], 0, side - part.shape[-2]), value=value)


def shrink_labels(labels: Tensor, factor: int, num_classes: int) -> Tensor:
    """Shrink label maps so that thin marks survive.

    A cell takes the most frequent class among its labelled pixels. A cell without a label is
    unlabelled, and void where void pixels are the majority.

    Args:
        labels: Label maps, (B, H, W); H and W need not be multiples of `factor`.
        factor: Side of a cell, in pixels.
        num_classes: Number of classes.

    Returns:
        Label maps, (B, ceil(H / factor), ceil(W / factor)), of type long.

    Examples:
        >>> labels = torch.full((1, 4, 4), UNLABELLED); labels[0, 1, 1] = 3
        >>> shrink_labels(labels, 2, 5)[0].tolist()
        [[3, 254], [254, 254]]
    """
    labels = labels.long()
    batch, height, width = labels.shape
    rows, columns = -(-height // factor), -(-width // factor)
    y = torch.arange(height, device=labels.device) // factor
    x = torch.arange(width, device=labels.device) // factor
    image = torch.arange(batch, device=labels.device)
    cell = (image[:, None, None] * rows + y[None, :, None]) * columns + x[None, None, :]
    kind = labels.clamp(max=num_classes)
    kind = torch.where(labels == VOID, num_classes + 1, kind)
    bins = num_classes + 2
    counts = torch.bincount((cell * bins + kind).flatten(), minlength=batch * rows * columns * bins)
    counts = counts.view(batch, rows, columns, bins)
    most, chosen = counts[..., :num_classes].max(dim=-1)
    void = counts[..., num_classes + 1] > counts[..., num_classes]
    empty = torch.where(void, VOID, UNLABELLED)
    return torch.where(most > 0, chosen, empty)


def shrink_regions(regions: Tensor, factor: int) -> Tensor:
    """Shrink maps of region ids by taking the pixel in the middle of each cell.

    Args:
        regions: Region ids, (B, H, W).
        factor: Side of a cell, in pixels.

    Returns:
        Region ids, (B, ceil(H / factor), ceil(W / factor)).
    """
    _, height, width = regions.shape
    y = (torch.arange(0, height, factor) + factor // 2).clamp(max=height - 1)
    x = (torch.arange(0, width, factor) + factor // 2).clamp(max=width - 1)
    return regions[:, y[:, None].to(regions.device), x[None, :].to(regions.device)]
