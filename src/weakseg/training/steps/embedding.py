"""Training step of the embedding: contrastive objective, memory bank and classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from weakseg.datasets.draws import Batch
from weakseg.datasets.transforms import shrink_labels, shrink_regions
from weakseg.marks.classes import ClassList
from weakseg.method import (
    MemoryBank,
    PixelToSegmentLoss,
    Relation,
    colour_features,
    location_features,
)
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.recipes.recipe import ObjectiveConfig, Recipe, RelationConfig
from weakseg.training.steps.base import TrainingModule, image_input, labelled_cross_entropy
from weakseg.training.steps.views import batch_embedding


class EmbeddingModule(TrainingModule):
    """Train an embedding network with the contrastive objective, or with cross-entropy alone.

    Args:
        recipe: The recipe.
        classes: The classes.
        tag_weights: How much each tag means in the co-occurrence relation, (C,); none: equally.

    Source: SPML, section 3.
    """

    network: EmbeddingNetwork

    def __init__(
        self, recipe: Recipe, classes: ClassList, tag_weights: Tensor | None = None
    ) -> None:
        super().__init__(recipe.optimizer, seed=recipe.seed, steps=recipe.training.steps)
        self.recipe = recipe
        self.num_classes = len(classes)
        self.network = build_network(recipe.model, len(classes))
        self.network.to(memory_format=torch.channels_last)
        if not self.network.is_frozen:
            self.network.freeze_layers()
        self.contrastive = recipe.method == "spml"
        self.objective = build_objective(recipe.objective, classes, tag_weights)
        self.memory = MemoryBank(recipe.objective.memory)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the weighted terms of the loss."""
        stride = self.recipe.model.embedding_stride
        annotation = shrink_labels(batch["annotation"], stride, self.num_classes)  # (B, h, w)
        embedding = batch_embedding(self.network, batch)  # (B, D, h, w)
        if not self.contrastive:
            logits = self.network.classify(embedding)  # (B, C, h, w)
            return {"classifier": labelled_cross_entropy(logits, annotation)}
        oversegment = shrink_regions(batch["oversegment"], stride)  # (B, h, w)
        height, width = oversegment.shape[-2:]
        terms: dict[str, Tensor] = self.objective(
            embedding,
            annotation,
            oversegment,
            batch["tags"],
            self.memory,
            local=local_features(self.recipe.objective, batch, (height, width)),
        )
        config = self.recipe.objective
        if config.classifier_weight > 0:
            seen = embedding if config.classifier_gradient else embedding.detach()
            loss = labelled_cross_entropy(self.network.classify(seen), annotation)
            terms["classifier"] = config.classifier_weight * loss
        return terms


def build_objective(
    config: ObjectiveConfig, classes: ClassList, tag_weights: Tensor | None = None
) -> PixelToSegmentLoss:
    """Build the contrastive objective of a recipe."""
    return PixelToSegmentLoss(
        len(classes),
        annotation=_relation(config.annotation),
        cooccurrence=_relation(config.cooccurrence),
        similarity=_relation(config.similarity),
        affinity=_relation(config.affinity),
        grid=config.grid,
        iterations=config.iterations,
        embedding_scale=config.embedding_scale,
        affinity_threshold=config.affinity_threshold,
        background=classes.has_background,
        tag_weights=tag_weights,
    )


def local_features(config: ObjectiveConfig, batch: Batch, size: tuple[int, int]) -> Tensor | None:
    """Return what is appended to the embedding for grouping; none: location, the default."""
    if config.local == "location":
        return None
    image = image_input(batch)  # (B, 3, H, W)
    location = location_features(*size, device=image.device)  # (h, w, 2)
    colour = colour_features(image, size)  # (B, h, w, 3)
    return torch.cat([location.expand(len(image), -1, -1, -1), colour], dim=-1)  # (B, h, w, 5)


def _relation(config: RelationConfig) -> Relation | None:
    return Relation(config.weight, config.concentration) if config.weight > 0 else None
