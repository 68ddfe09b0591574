"""The whole objective: four relations between pixels and segments, one loss.

Source: SPML (arXiv 2105.00957), pixel-to-segment contrastive grouping relationships.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from weakseg.method.affinity import propagate_labels
from weakseg.method.contrastive import contrastive_loss, set_contrastive_loss
from weakseg.method.memory import MemoryBank, Prototypes
from weakseg.method.segments import Segments, segment_pixels, segment_prototypes


class Relation(NamedTuple):
    """How much a relation counts, and how sharply."""

    weight: float
    """λ, the factor on the loss."""
    concentration: float
    """κ, the factor on the cosines."""


class PixelToSegmentLoss(nn.Module):
    """Pull each pixel to the segments it belongs with, push it from the others.

    A relation that is `None` is not computed. Each is a mean over the pixels that take part:

    - `annotation`: labelled pixels; same label, among the labelled prototypes of batch and memory.
    - `cooccurrence`: pixels of images with a tag other than background; tags that meet, among the
      prototypes of batch and memory whose image has any tag. An image whose tags are not known (all
      False) takes no part; one with background alone only has others pushed from it.
    - `similarity`: all pixels; same oversegment, among the prototypes of the same image.
    - `affinity`: all pixels; label sets that meet. A prototype's set is the label of its nearest
      labelled prototypes of the same image (`propagate_labels`), or every label where none is near;
      a pixel's set is its segment's.

    Args:
        num_classes: C.
        annotation: Weight and concentration, or None.
        cooccurrence: The same.
        similarity: The same.
        affinity: The same.
        grid: (rows, columns) that start k-means.
        iterations: Rounds of k-means.
        embedding_scale: Shrinks the embedding beside the location (DensePose: 0.1).
        affinity_threshold: The least cosine, on embedding with location, that passes a label on.
        affinity_k: Neighbours that pass their label on.
        background: Class 0 is background, which nearly every image has and which therefore does not
            count as a tag in `cooccurrence`.
        similarity_on_location: `similarity` compares embedding with location (DensePose: the plain
            embedding).

    Raises:
        ValueError: A number is out of range.

    Source: SPML, the total loss, a weighted sum over the relations.

    Examples:
        >>> import torch
        >>> loss = PixelToSegmentLoss(3, annotation=Relation(1.0, 6.0), cooccurrence=None,
        ...                           similarity=Relation(0.1, 16.0), grid=(2, 2))
        >>> embedding = torch.randn(2, 8, 16, 16, requires_grad=True)
        >>> annotation = torch.randint(0, 3, (2, 16, 16))
        >>> tags = torch.ones(2, 3, dtype=torch.bool)
        >>> sorted(loss(embedding, annotation, torch.zeros_like(annotation), tags))
        ['annotation', 'similarity']
    """

    def __init__(
        self,
        num_classes: int,
        *,
        annotation: Relation | None,
        cooccurrence: Relation | None,
        similarity: Relation | None,
        affinity: Relation | None = None,
        grid: tuple[int, int] = (6, 6),
        iterations: int = 10,
        embedding_scale: float = 1.0,
        affinity_threshold: float = 0.95,
        affinity_k: int = 1,
        background: bool = True,
        similarity_on_location: bool = True,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(
                f"Expected argument `num_classes` to be at least 1, but got {num_classes}"
            )
        self.num_classes = num_classes
        self.annotation = annotation
        self.cooccurrence = cooccurrence
        self.similarity = similarity
        self.affinity = affinity
        self.grid = grid
        self.iterations = iterations
        self.embedding_scale = embedding_scale
        self.affinity_threshold = affinity_threshold
        self.affinity_k = affinity_k
        self.background = background
        self.similarity_on_location = similarity_on_location

    def forward(
        self,
        embedding: Tensor,
        annotation: Tensor,
        oversegment: Tensor,
        tags: Tensor,
        memory: MemoryBank | None = None,
        local: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the weighted loss of every active relation.

        Args:
            embedding: (B, D, H, W).
            annotation: (B, H, W) int label map; 255 (void) takes no part.
            oversegment: (B, H, W) int.
            tags: (B, C) bool, background in column 0 if there is one.
            memory: Read first; in training mode the prototypes of this step are then appended.
            local: What is appended to the embedding, location by default; see `segment_pixels`.

        Returns:
            Weighted scalars under the names of the active relations. What has nothing to compare is
            zero, with gradient.

        Raises:
            ValueError: Shapes do not fit.
        """
        if tuple(tags.shape) != (len(embedding), self.num_classes):
            raise ValueError(
                f"Expected argument `tags` to be {(len(embedding), self.num_classes)}, "
                f"but got shape {tuple(tags.shape)}"
            )
        segments = segment_pixels(
            embedding,
            annotation,
            oversegment,
            grid=self.grid,
            iterations=self.iterations,
            local=local,
            embedding_scale=self.embedding_scale,
        )
        current = _prototypes_of(segments, tags)
        past = memory.steps(embedding.device) if memory is not None else []
        everything = Prototypes.concatenate([current, *past])
        losses = {}
        if self.annotation is not None:
            losses["annotation"] = self._annotation_loss(segments, everything, self.annotation)
        if self.cooccurrence is not None:
            losses["cooccurrence"] = self._cooccurrence_loss(
                segments, everything, tags, self.cooccurrence
            )
        if self.similarity is not None:
            losses["similarity"] = self._similarity_loss(segments, current, self.similarity)
        if self.affinity is not None:
            losses["affinity"] = self._affinity_loss(segments, everything, self.affinity)
        if memory is not None and self.training:
            memory.append(current)
        return losses

    def _annotation_loss(
        self, segments: Segments, prototypes: Prototypes, relation: Relation
    ) -> Tensor:
        pixels = segments.annotation < self.num_classes
        labelled = prototypes.label < self.num_classes
        loss = contrastive_loss(
            segments.pixel[pixels],
            segments.annotation[pixels],
            _renumber(segments.segment[pixels], labelled),
            prototypes.prototype[labelled],
            prototypes.label[labelled],
            concentration=relation.concentration,
        )
        return relation.weight * loss

    def _cooccurrence_loss(
        self, segments: Segments, prototypes: Prototypes, tags: Tensor, relation: Relation
    ) -> Tensor:
        first = 1 if self.background else 0
        pixel_tags = tags[segments.image, first:]
        pixels = pixel_tags.any(dim=1)
        known = prototypes.tags.any(dim=1)
        loss = set_contrastive_loss(
            segments.pixel[pixels],
            pixel_tags[pixels],
            _renumber(segments.segment[pixels], known),
            prototypes.prototype[known],
            prototypes.tags[known, first:],
            concentration=relation.concentration,
        )
        return relation.weight * loss

    def _similarity_loss(
        self, segments: Segments, current: Prototypes, relation: Relation
    ) -> Tensor:
        if self.similarity_on_location:
            pixel, prototype = segments.pixel_with_location, current.prototype_with_location
        else:
            pixel, prototype = segments.pixel, current.prototype
        # Pixels and segments run image by image: an image is a slice of each.
        pixels = segments.image.bincount().tolist()
        prototypes = current.image.bincount().tolist()
        first, total = 0, pixel.sum() * 0
        for image in zip(
            torch.split(pixel, pixels),
            torch.split(segments.oversegment, pixels),
            torch.split(segments.segment, pixels),
            torch.split(prototype, prototypes),
            torch.split(segments.of_segment(segments.oversegment), prototypes),
            strict=True,
        ):
            vectors, label, segment, candidates, candidate_label = image
            total = total + contrastive_loss(
                vectors,
                label,
                segment - first,
                candidates,
                candidate_label,
                concentration=relation.concentration,
                reduction="sum",
            )
            first += len(candidates)
        return relation.weight * total / max(len(pixel), 1)

    def _affinity_loss(
        self, segments: Segments, prototypes: Prototypes, relation: Relation
    ) -> Tensor:
        sets = propagate_labels(
            prototypes.prototype_with_location,
            prototypes.label,
            prototypes.image,
            num_classes=self.num_classes,
            threshold=self.affinity_threshold,
            k=self.affinity_k,
        )
        sets = sets | ~sets.any(dim=1, keepdim=True)
        loss = set_contrastive_loss(
            segments.pixel,
            sets[segments.segment],
            segments.segment,
            prototypes.prototype,
            sets,
            concentration=relation.concentration,
        )
        return relation.weight * loss


def _prototypes_of(segments: Segments, tags: Tensor) -> Prototypes:
    count = segments.num_segments
    image = segments.of_segment(segments.image)
    return Prototypes(
        segment_prototypes(segments.pixel, segments.segment, count),
        segment_prototypes(segments.pixel_with_location, segments.segment, count),
        segments.of_segment(segments.annotation),
        tags[image].bool(),
        image,
    )


def _renumber(segment: Tensor, kept: Tensor) -> Tensor:
    """Turn rows of all prototypes into rows of those kept, a (P,) bool."""
    return (kept.cumsum(0) - 1)[segment]
