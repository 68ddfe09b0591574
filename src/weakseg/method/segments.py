"""Segments of pixels, their prototypes and their labels.

A segment s is the part of a k-means cluster inside one oversegment and one annotation; its
prototype is the mean direction of its pixels' embeddings, u_s = Σ_{i ∈ s} v_i / ‖Σ_{i ∈ s} v_i‖.

Source: SPML (arXiv 2105.00957), after SegSort (arXiv 1910.06962).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from weakseg.method.features import location_features
from weakseg.method.kmeans import cluster_directions
from weakseg.method.vectors import full_precision, unit_length


class Segments(NamedTuple):
    """The N pixels of a batch that are not void, and the segment each belongs to.

    Pixels are ordered by image, then in raster order. Segments are numbered 0 … P - 1 without gaps
    and ordered by image, so that the pixels and the segments of an image are one slice each.
    """

    pixel: Tensor
    """(N, D), unit length, with gradient."""
    pixel_with_location: Tensor
    """(N, D + L), unit length, with gradient."""
    annotation: Tensor
    """(N,) class id, or any other value where unlabelled; constant inside a segment."""
    oversegment: Tensor
    """(N,) constant inside a segment."""
    segment: Tensor
    """(N,) number of the pixel's segment."""
    image: Tensor
    """(N,) position of the pixel's image in the batch."""

    @property
    def num_segments(self) -> int:
        """P."""
        return _count(self.segment)

    def of_segment(self, values: Tensor) -> Tensor:
        """Reduce values that are constant inside each segment, (N,), to one per segment, (P,)."""
        out = values.new_empty(self.num_segments)  # (P,)
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
    """Group the pixels of each image into segments.

    Clusters, found by spherical k-means on the embedding and `local`, are split by annotation and
    oversegment.

    Args:
        embedding: (B, D, H, W), of any length: it is normalised here.
        annotation: (B, H, W) int label map.
        oversegment: (B, H, W) int, ids of closed regions; images may share ids.
        grid: (rows, columns) of the cells from which k-means starts.
        iterations: Rounds of k-means.
        local: (B, H, W, L) or (H, W, L), appended to the embedding; location by default.
        embedding_scale: Factor on the embedding in `pixel_with_location`, not in k-means
            (DensePose: 0.1).
        ignore_index: Annotation of void pixels, which are left out.

    Returns:
        The N pixels that are not void, with their segments.

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
        local = location_features(height, width, embedding.device)  # (H, W, 2)
    local = local.to(embedding.device).expand(batch, height, width, -1)  # (B, H, W, L)
    valid = annotation != ignore_index  # (B, H, W), N of them True
    with torch.autocast(embedding.device.type, enabled=False):
        unit = unit_length(full_precision(embedding).permute(0, 2, 3, 1))  # (B, H, W, D)
        local = local.to(unit.dtype)
        placed = unit_length(torch.cat([embedding_scale * unit, local], dim=-1))  # (B, H, W, D + L)
        plain = placed.detach()
        if embedding_scale != 1:
            plain = unit_length(torch.cat([unit.detach(), local], dim=-1))
        cluster = cluster_directions(plain, grid, iterations, valid)
        pixel, with_location = (_rows(vectors, valid) for vectors in (unit, placed))  # N of each
    image = torch.arange(batch, device=embedding.device)[:, None, None]  # (B, 1, 1)
    maps = (image.expand_as(valid), cluster, annotation, oversegment)  # (B, H, W) each
    columns = [_rows(values[..., None], valid)[:, 0].long() for values in maps]  # (N,) each
    image, _, annotation, oversegment = columns
    return Segments(pixel, with_location, annotation, oversegment, _number_rows(columns), image)


def _rows(vectors: Tensor, valid: Tensor) -> Tensor:
    """Return the vectors (B, H, W, D) of valid pixels, (N, D)."""
    return vectors.reshape(-1, vectors.shape[-1]) if bool(valid.all()) else vectors[valid]


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


def _number_rows(columns: list[Tensor]) -> Tensor:
    """Number the distinct rows of several (N,) columns 0, 1, …, in lexicographic order."""
    number = torch.zeros_like(columns[0])
    for column in columns:
        # Renumbering at each step keeps the product of the two far below 2^63.
        _, column = torch.unique(column, return_inverse=True)
        _, number = torch.unique(number * (column.numel() + 1) + column, return_inverse=True)
    return number


def segment_prototypes(pixel: Tensor, segment: Tensor, num_segments: int | None = None) -> Tensor:
    """Return the mean direction of each segment.

    Args:
        pixel: (N, D).
        segment: (N,) int, 0 … P - 1.
        num_segments: P; the largest id plus one by default.

    Returns:
        (P, D) of unit length, zeros for a segment without pixels. Gradient flows to `pixel`.

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
    total = pixel.new_zeros(count, pixel.shape[1]).index_add(0, segment, pixel)  # (P, D)
    return unit_length(total)


def majority_label(
    segment: Tensor,
    label: Tensor,
    *,
    num_classes: int,
    num_segments: int | None = None,
    unlabelled: int = 254,
) -> Tensor:
    """Return the most frequent label of each segment.

    Args:
        segment: (N,) int, 0 … P - 1.
        label: (N,) int; labels outside 0 … num_classes - 1 are not counted.
        num_classes: C.
        num_segments: P; the largest id plus one by default.
        unlabelled: Label of a segment without counted pixels.

    Returns:
        (P,) int64; the lowest class wins a tie.

    Source: SPML, inference: a prototype of the memory takes its segment's majority label.

    Examples:
        >>> import torch
        >>> segment, label = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([1, 2, 2, 3, 0, 254])
        >>> majority_label(segment, label, num_classes=4)
        tensor([  2,   0, 254])
    """
    count = _count(segment) if num_segments is None else num_segments
    counted = (label >= 0) & (label < num_classes)
    cell = segment[counted].long() * num_classes + label[counted].long()  # (counted,)
    votes = torch.bincount(cell, minlength=count * num_classes)  # (P·C,)
    votes = votes.view(count, num_classes)  # (P, C)
    return votes.argmax(dim=1).masked_fill(votes.sum(dim=1) == 0, unlabelled)
