"""The training step: network, objective, memory bank and classifier."""

from __future__ import annotations

from typing import Any, cast

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.annotations.classes import ClassList
from weakseg.config import ObjectiveConfig, Recipe, RelationConfig
from weakseg.datasets.draws import Batch
from weakseg.datasets.transforms import shrink_labels, shrink_regions
from weakseg.errors import NonFiniteError
from weakseg.method import (
    MemoryBank,
    PixelToSegmentLoss,
    Relation,
    colour_features,
    location_features,
    polynomial_decay,
)
from weakseg.models import build_network, freeze_batch_norm, parameter_groups
from weakseg.run import network_spec


class TrainingModule(L.LightningModule):
    """Train an embedding network with the contrastive objective, or with plain cross-entropy.

    Args:
        recipe: The recipe.
        classes: The classes.

    Source: SPML, section 3.
    """

    def __init__(self, recipe: Recipe, classes: ClassList) -> None:
        super().__init__()
        self.recipe = recipe
        self.num_classes = len(classes)
        spec = network_spec(recipe, len(classes))
        self.network = build_network(spec, weights=recipe.model.weights)
        self.network.to(memory_format=torch.channels_last)
        self.network.backbone.freeze_to_stride(recipe.model.frozen_stride)
        if recipe.model.freeze_batch_norm:
            freeze_batch_norm(self.network)
        self.contrastive = recipe.method == "spml"
        self.objective = build_objective(recipe.objective, classes)
        self.memory = MemoryBank(recipe.objective.memory)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Give every term of the loss, weighted.

        Args:
            batch: Images with their label maps at the images' own size.

        Returns:
            Scalars by name; their sum is what is minimised.
        """
        image = batch["image"].float().div(255).contiguous(memory_format=torch.channels_last)
        stride = self.recipe.model.embedding_stride
        annotation = shrink_labels(batch["annotation"], stride, self.num_classes)
        if not self.contrastive:
            return {"classifier": self._cross_entropy(self.network(image), annotation)}
        embedding = self.network(image)
        oversegment = shrink_regions(batch["oversegment"], stride)
        terms: dict[str, Tensor] = self.objective(
            embedding, annotation, oversegment, batch["tags"], self.memory,
            local=local_features(self.recipe.objective, image, embedding.shape[-2:]),
        )  # fmt: skip
        config = self.recipe.objective
        if config.classifier_weight > 0:
            seen = embedding if config.classifier_gradient else embedding.detach()
            terms["classifier"] = config.classifier_weight * self._cross_entropy(seen, annotation)
        return terms

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make what is random in a step (dropout) depend on the step alone, for exact resuming."""
        torch.manual_seed((self.recipe.seed * 1_000_003 + self.global_step) * 64 + self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Sum the terms, and stop where one is not finite."""
        terms = self.losses(batch)
        total = cast(Tensor, sum(terms.values()))
        if not torch.isfinite(total):
            wrong = {name: value.item() for name, value in terms.items() if not value.isfinite()}
            raise NonFiniteError(
                f"Step {self.global_step + 1}: the loss is not finite ({wrong}) for the images "
                f"{', '.join(batch['name'])}. Lower optimizer.lr, or set training.clip_gradient."
            )
        self.terms = {name: value.detach() for name, value in terms.items()}
        return total

    def configure_optimizers(self) -> Any:
        """Give the optimizer, and its polynomial decay with warm-up."""
        config = self.recipe.optimizer
        groups = parameter_groups(
            self.network, lr=config.lr, head_factor=config.head_factor,
            bias_factor=config.bias_factor, weight_decay=config.weight_decay,
        )  # fmt: skip
        optimizer: torch.optim.Optimizer
        if config.name == "sgd":
            optimizer = torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, lr=config.lr)
        steps = self.recipe.training.steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: polynomial_decay(
                step, max_steps=steps, warmup=config.warmup, power=config.power
            ),
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def _cross_entropy(self, features: Tensor, annotation: Tensor) -> Tensor:
        logits = self.network.classify(features).float()
        labelled = annotation < self.num_classes
        if not labelled.any():
            return logits.sum() * 0  # a mean over nothing would be NaN
        target = annotation.masked_fill(~labelled, -100)
        return F.cross_entropy(logits, target, ignore_index=-100)


def build_objective(config: ObjectiveConfig, classes: ClassList) -> PixelToSegmentLoss:
    """Build the contrastive objective that a recipe describes."""
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
    )


def local_features(config: ObjectiveConfig, image: Tensor, size: tuple[int, int]) -> Tensor | None:
    """Give what is appended to the embedding for grouping; none: location, the default."""
    if config.local == "location":
        return None
    location = location_features(*size, device=image.device)
    colour = colour_features(image, size)
    return torch.cat([location.expand(len(image), -1, -1, -1), colour], dim=-1)


def _relation(config: RelationConfig) -> Relation | None:
    return Relation(config.weight, config.concentration) if config.weight > 0 else None
