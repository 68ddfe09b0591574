"""Random changes of a training image, the same for the image and its label maps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
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
    """

    image: Tensor
    annotation: Tensor
    oversegment: Tensor


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
        # Padding is grey in the image; a void label keeps it out of every loss.
        self.crop = v2.RandomCrop(
            config.crop, pad_if_needed=True, fill={tv_tensors.Image: 128, tv_tensors.Mask: VOID}
        )
        self.swap = torch.arange(256, dtype=torch.uint8)
        self.swap[: len(classes)] = torch.tensor(classes.mirrored(config.mirror_swap))

    def __call__(self, sample: Sample) -> Sample:
        """Change a sample at random, from torch's global generator."""
        image = tv_tensors.Image(sample.image)
        annotation = tv_tensors.Mask(sample.annotation[None])
        oversegment = tv_tensors.Mask(sample.oversegment[None])
        low, high = self.config.scale
        scale = low + (high - low) * torch.rand(()).item()
        if self.fit:
            scale *= self.config.crop / max(image.shape[-2:])
        size = [max(1, round(side * scale)) for side in image.shape[-2:]]
        image, annotation, oversegment = (
            TF.resize(item, size, antialias=True) for item in (image, annotation, oversegment)
        )
        image, annotation, oversegment = self.crop(image, annotation, oversegment)
        if self.config.mirror and torch.rand(()).item() < 0.5:
            image, annotation, oversegment = (
                TF.horizontal_flip(item) for item in (image, annotation, oversegment)
            )
            annotation = self.swap[annotation.long()]
        return Sample(
            image.as_subclass(Tensor),
            annotation.as_subclass(Tensor)[0],
            oversegment.as_subclass(Tensor)[0],
        )


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
