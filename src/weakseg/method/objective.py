"""The objective: the contrastive loss under four relations between pixels and segments.

    L = λ_I L_I + λ_C L_C + λ_O L_O + λ_A L_A

over low-level image similarity (I), semantic annotation (C), semantic co-occurrence (O) and feature
affinity (A), which differ in what C⁺ and C⁻ of a pixel are (see `contrastive`).

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
    """Weight and concentration of a relation."""

    weight: float
    """λ, the factor on the loss."""
    concentration: float
    """κ, the factor on the cosines."""


class PixelToSegmentLoss(nn.Module):
    """Weighted contrastive losses of the active relations.

    Each is a mean over the relation's pixels, which are compared with the relation's prototypes:

    - `annotation`: labelled pixels, with the labelled prototypes of batch and memory; C⁺ has the
      same label.
    - `cooccurrence`: pixels of images with a tag other than background, with the prototypes of
      batch and memory from images with any tag; C⁺ has intersecting tags, background left out.
      With `tag_weights`, tags meet in part (`set_overlap`).
    - `similarity`: all pixels, with the prototypes of the same image; C⁺ has the same oversegment.
    - `affinity`: all pixels, with the prototypes of batch and memory; C⁺ has intersecting label
      sets. A prototype's set is the label of its nearest labelled prototypes of the same image
      (`propagate_labels`), or every label where none is near; a pixel's set is its segment's.

    Args:
        num_classes: C.
        annotation: Weight and concentration; None leaves the relation out.
        cooccurrence: Likewise.
        similarity: Likewise.
        affinity: Likewise.
        grid: (rows, columns) of the cells from which k-means starts.
        iterations: Rounds of k-means.
        embedding_scale: Factor on the embedding beside the location (DensePose: 0.1).
        affinity_threshold: Minimum cosine, on embedding with location, to propagate a label.
        affinity_k: Neighbours that propagate their label.
        background: Class 0 is background. Nearly every image has it, so it is no tag in
            `cooccurrence`.
        similarity_on_location: `similarity` compares embedding with location (DensePose: the plain
            embedding).
        tag_weights: (C,), 0 to 1: how much it means in `cooccurrence` that two images share a tag
            (`tag_rarity`); None is the paper's rule, 1 for all.

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

    tag_weights: Tensor | None

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
        tag_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(
                f"Expected argument `num_classes` to be at least 1, but got {num_classes}"
            )
        if tag_weights is not None and tuple(tag_weights.shape) != (num_classes,):
            raise ValueError(
                f"Expected argument `tag_weights` to be ({num_classes},), "
                f"but got shape {tuple(tag_weights.shape)}"
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
        # Not in the state: they follow from the data, and older checkpoints lack them.
        self.register_buffer("tag_weights", tag_weights, persistent=False)

    def forward(
        self,
        embedding: Tensor,
        annotation: Tensor,
        oversegment: Tensor,
        tags: Tensor,
        memory: MemoryBank | None = None,
        local: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the weighted loss of every active relation.

        Args:
            embedding: (B, D, H, W).
            annotation: (B, H, W) int label map; pixels of 255 (the ignore index) are left out.
            oversegment: (B, H, W) int.
            tags: (B, C) bool, background in column 0 if there is one; all False where unknown.
            memory: Read first; in training mode the prototypes of this step are then appended.
            local: Appended to the embedding, location by default; see `segment_pixels`.

        Returns:
            Weighted scalars by name of the relation; zero, with gradient, where a relation has no
            pixels.

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
        current = _prototypes_of(segments, tags)  # P of the batch
        past = memory.steps(embedding.device) if memory is not None else []
        prototypes = Prototypes.concatenate([current, *past])  # P of batch and memory
        losses = {}
        if (relation := self.annotation) is not None:
            losses["annotation"] = self._annotation_loss(segments, prototypes, relation)
        if (relation := self.cooccurrence) is not None:
            losses["cooccurrence"] = self._cooccurrence_loss(segments, prototypes, tags, relation)
        if (relation := self.similarity) is not None:
            losses["similarity"] = self._similarity_loss(segments, current, relation)
        if (relation := self.affinity) is not None:
            losses["affinity"] = self._affinity_loss(segments, prototypes, relation)
        if memory is not None and self.training:
            memory.append(current)
        return losses

    def _annotation_loss(
        self, segments: Segments, prototypes: Prototypes, relation: Relation
    ) -> Tensor:
        pixels = segments.annotation < self.num_classes  # (N,)
        labelled = prototypes.label < self.num_classes  # (P,)
        loss = contrastive_loss(
            segments.pixel[pixels],  # (n, D)
            segments.annotation[pixels],
            _renumber(segments.segment[pixels], labelled),
            prototypes.prototype[labelled],  # (p, D)
            prototypes.label[labelled],
            concentration=relation.concentration,
        )
        return relation.weight * loss

    def _cooccurrence_loss(
        self, segments: Segments, prototypes: Prototypes, tags: Tensor, relation: Relation
    ) -> Tensor:
        first = 1 if self.background else 0
        weights = None if self.tag_weights is None else self.tag_weights[first:]
        pixel_tags = tags[segments.image, first:]  # (N, C) or (N, C - 1)
        telling = pixel_tags if weights is None else pixel_tags.bool() & (weights > 0)
        pixels = telling.any(dim=1)  # (N,)
        known = prototypes.tags.any(dim=1)  # (P,)
        loss = set_contrastive_loss(
            segments.pixel[pixels],  # (n, D)
            pixel_tags[pixels],
            _renumber(segments.segment[pixels], known),
            prototypes.prototype[known],  # (p, D)
            prototypes.tags[known, first:],
            concentration=relation.concentration,
            tag_weights=weights,
        )
        return relation.weight * loss

    def _similarity_loss(
        self, segments: Segments, current: Prototypes, relation: Relation
    ) -> Tensor:
        if self.similarity_on_location:
            pixel, prototype = segments.pixel_with_location, current.prototype_with_location
        else:
            pixel, prototype = segments.pixel, current.prototype
        # Pixels and segments are ordered by image: an image is a slice of each.
        pixels = segments.image.bincount().tolist()  # n of each image
        prototypes = current.image.bincount().tolist()  # p of each image
        first, total = 0, pixel.sum() * 0
        for vectors, label, segment, candidates, candidate_label in zip(
            torch.split(pixel, pixels),  # (n, D + L)
            torch.split(segments.oversegment, pixels),  # (n,)
            torch.split(segments.segment, pixels),  # (n,)
            torch.split(prototype, prototypes),  # (p, D + L)
            torch.split(segments.of_segment(segments.oversegment), prototypes),  # (p,)
            strict=True,
        ):
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
        )  # (P, C)
        sets = sets | ~sets.any(dim=1, keepdim=True)
        loss = set_contrastive_loss(
            segments.pixel,
            sets[segments.segment],  # (N, C)
            segments.segment,
            prototypes.prototype,
            sets,
            concentration=relation.concentration,
        )
        return relation.weight * loss


def _prototypes_of(segments: Segments, tags: Tensor) -> Prototypes:
    """Return the prototypes of a batch's segments."""
    count = segments.num_segments
    image = segments.of_segment(segments.image)  # (P,)
    return Prototypes(
        segment_prototypes(segments.pixel, segments.segment, count),  # (P, D)
        segment_prototypes(segments.pixel_with_location, segments.segment, count),  # (P, D + L)
        segments.of_segment(segments.annotation),
        tags[image].bool(),  # (P, C)
        image,
    )


def _renumber(segment: Tensor, kept: Tensor) -> Tensor:
    """Convert rows of all prototypes, (n,), to rows of those that `kept`, (P,) bool, selects."""
    return (kept.cumsum(0) - 1)[segment]
