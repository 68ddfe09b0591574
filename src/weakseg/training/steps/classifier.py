"""Training step of the softmax classifier on pseudo-labels, after the embedding's training."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from weakseg.datasets.draws import Batch
from weakseg.datasets.transforms import shrink_labels
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import Recipe
from weakseg.training.steps.base import TrainingModule, labelled_cross_entropy
from weakseg.training.steps.views import batch_embedding


class ClassifierModule(TrainingModule):
    """Train the softmax classifier of a trained network, or all of it, with cross-entropy.

    A frozen backbone (`model.train: head`) stays as it is either way.

    Args:
        recipe: The recipe.
        network: The network of stage embed; its weights change.

    Source: SPML (arXiv 2105.00957), section 4.1: the classifier is trained on the embedding.
    """

    network: EmbeddingNetwork

    def __init__(self, recipe: Recipe, network: EmbeddingNetwork) -> None:
        optimizer = recipe.optimizer.at_rate(recipe.classify.lr)
        super().__init__(optimizer, seed=recipe.seed, steps=recipe.classify.steps)
        self.network = network
        self.whole = recipe.classify.train == "network"
        for part in (network.backbone, network.head) if not self.whole else ():
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Keep the embedding in evaluation mode where only the classifier is trained."""
        super().train(mode)
        if not self.whole:
            self.network.backbone.eval()
            self.network.head.eval()
        return self

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of the labelled pixels."""
        stride = self.network.config.embedding_stride
        # (B, H, W) -> (B, h, w), at the embedding's stride
        annotation = shrink_labels(batch["annotation"], stride, self.network.num_classes)
        with torch.set_grad_enabled(self.whole):
            embedding = batch_embedding(self.network, batch)  # (B, D, h, w)
        logits = self.network.classify(embedding)  # (B, C, h, w)
        return {"classifier": labelled_cross_entropy(logits, annotation)}
