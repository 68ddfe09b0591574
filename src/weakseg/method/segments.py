"""From pixels to segments, and from segments to prototypes.

Source: SPML (arXiv 2105.00957), after SegSort (arXiv 1910.06962).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from weakseg.method.features import full_precision, location_features, unit_length
from weakseg.method.kmeans import spherical_kmeans


class Segments(NamedTuple):
    """The N pixels of a batch that are not void, and the segment each belongs to.

    Rows run image by image in raster order. Segments are numbered 0 … P - 1 without gaps, image by
    image, so that an image's pixels and an image's segments both are one slice.
    """

    pixel: Tensor
    """(N, D), unit length, with gradient."""
    pixel_with_location: Tensor
    """(N, D + L), unit length, with gradient."""
    annotation: Tensor
    """(N,) class id, or any other value where unlabelled; one value inside a segment."""
    oversegment: Tensor
    """(N,) one value inside a segment."""
    segment: Tensor
    """(N,)"""
    image: Tensor
    """(N,) position of the pixel's image in the batch."""

    @property
    def num_segments(self) -> int:
        """P."""
        return _count(self.segment)

    def of_segment(self, values: Tensor) -> Tensor:
        """Turn values that are the same inside each segment, (N,), into one each, (P,)."""
        out = values.new_empty(self.num_segments)
        out[self.segment] = values
        return out


def _count(segment: Tensor) -> int:
    return int(segment.max()) + 1 if segment.numel() else 0


def segment_pixels(
    embedding: Tensor,
    annotation: Tensor,
    oversegment: Tensor,
    *,
    grid: tuple[int, int],
    iterations: int = 10,
    local: Tensor | None = None,
    embedding_scale: float = 1.0,
    ignore_index: int = 255,
) -> Segments:
    """Group the pixels of each image into clusters and split these by annotation and oversegment.

    Args:
        embedding: (B, D, H, W), of any length: it is normalised here.
        annotation: (B, H, W) int label map.
        oversegment: (B, H, W) int, ids of closed regions; they need not differ between images.
        grid: (rows, columns) that start k-means.
        iterations: Rounds of k-means.
        local: (B, H, W, L) or (H, W, L), what is appended to the embedding; location by default.
        embedding_scale: Shrinks the embedding beside `local` in `pixel_with_location`, not in
            k-means (DensePose: 0.1).
        ignore_index: Annotation of void pixels, which take no part.

    Returns:
        The pixels that are not void, with their segments.

    Raises:
        ValueError: Shapes do not fit.

    Source: SPML, pixel grouping; `local` and `embedding_scale`: its DensePose experiments.

    Examples:
        >>> import torch
        >>> embedding = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 2, 1, 4)
        >>> annotation = torch.tensor([[[0, 254, 254, 255]]])
        >>> oversegment = torch.zeros(1, 1, 4, dtype=torch.long)
        >>> segment_pixels(embedding, annotation, oversegment, grid=(1, 2)).segment
        tensor([0, 1, 2])
    """
    _check_maps(embedding, annotation, oversegment)
    batch, _, height, width = embedding.shape
    if local is None:
        local = location_features(height, width, embedding.device)
    local = local.to(embedding.device).expand(batch, height, width, -1)
    valid = annotation != ignore_index
    with torch.autocast(embedding.device.type, enabled=False):
        unit = unit_length(full_precision(embedding).permute(0, 2, 3, 1))  # (B, H, W, D)
        local = local.to(unit.dtype)
        cluster = spherical_kmeans(
            torch.cat([unit.detach(), local], dim=-1).permute(0, 3, 1, 2),
            grid=grid,
            iterations=iterations,
            valid=valid,
        )
        pixel = unit[valid]
        with_location = torch.cat([embedding_scale * pixel, local[valid]], dim=-1)
        with_location = unit_length(with_location)
    image = torch.arange(batch, device=embedding.device)[:, None, None].expand_as(valid)[valid]
    annotation, oversegment = annotation[valid].long(), oversegment[valid].long()
    segment = _number([image, cluster[valid], annotation, oversegment])
    return Segments(pixel, with_location, annotation, oversegment, segment, image)


def _check_maps(embedding: Tensor, annotation: Tensor, oversegment: Tensor) -> None:
    if embedding.ndim != 4:
        raise ValueError(
            "Expected argument `embedding` to be (B, D, H, W), "
            f"but got shape {tuple(embedding.shape)}"
        )
    expected = (embedding.shape[0], *embedding.shape[2:])
    for name, labels in (("annotation", annotation), ("oversegment", oversegment)):
        if tuple(labels.shape) != expected:
            raise ValueError(
                f"Expected argument `{name}` to be {expected} like the embedding, "
                f"but got shape {tuple(labels.shape)}"
            )


def _number(parts: list[Tensor]) -> Tensor:
    """Number the distinct rows of several (N,) columns 0, 1, …, in the order of the columns."""
    number = torch.zeros_like(parts[0])
    for part in parts:
        # Renumbering at each step keeps the product of the two far below 2^63.
        _, part = torch.unique(part, return_inverse=True)
        _, number = torch.unique(number * (part.numel() + 1) + part, return_inverse=True)
    return number


def segment_prototypes(pixel: Tensor, segment: Tensor, num_segments: int | None = None) -> Tensor:
    """Take the mean direction of each segment.

    Args:
        pixel: (N, D).
        segment: (N,) int, 0 … P - 1.
        num_segments: P; the largest id plus one by default.

    Returns:
        (P, D) of unit length; a segment without pixels gives zeros. Gradient flows to `pixel`.

    Raises:
        ValueError: `pixel` and `segment` differ in length.

    Source: SegSort, the prototype of a segment.

    Examples:
        >>> import torch
        >>> pixel = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
        >>> segment_prototypes(pixel, torch.tensor([0, 0, 1]))
        tensor([[0.7071, 0.7071],
                [0.0000, 1.0000]])
    """
    if len(pixel) != len(segment):
        raise ValueError(
            f"Expected arguments `pixel` and `segment` to be of one length, "
            f"but got {len(pixel)} and {len(segment)}"
        )
    pixel = full_precision(pixel)
    count = _count(segment) if num_segments is None else num_segments
    total = pixel.new_zeros(count, pixel.shape[1]).index_add(0, segment, pixel)
    return unit_length(total)


def majority_label(
    segment: Tensor,
    label: Tensor,
    *,
    num_classes: int,
    num_segments: int | None = None,
    unlabelled: int = 254,
) -> Tensor:
    """Give each segment the label that most of its pixels have.

    Args:
        segment: (N,) int, 0 … P - 1.
        label: (N,) int; labels outside 0 … num_classes - 1 are not counted.
        num_classes: C.
        num_segments: P; the largest id plus one by default.
        unlabelled: Label of a segment in which nothing was counted.

    Returns:
        (P,) int64; the lowest class wins a tie; `unlabelled` where nothing was counted.

    Source: SPML, inference: a prototype of the memory takes its segment's majority label.

    Examples:
        >>> import torch
        >>> segment, label = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([1, 2, 2, 3, 0, 254])
        >>> majority_label(segment, label, num_classes=4)
        tensor([  2,   0, 254])
    """
    count = _count(segment) if num_segments is None else num_segments
    counted = (label >= 0) & (label < num_classes)
    cell = segment[counted].long() * num_classes + label[counted].long()
    votes = torch.bincount(cell, minlength=count * num_classes).view(count, num_classes)
    return votes.argmax(dim=1).masked_fill(votes.sum(dim=1) == 0, unlabelled)
