"""Training step on pseudo-labels, after the embedding's training: the classifier, or more."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from weakseg.datasets.draws import Batch
from weakseg.datasets.transforms import shrink_labels
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import Recipe
from weakseg.training.steps.base import TrainingModule, labelled_cross_entropy
from weakseg.training.steps.views import batch_embedding


class ClassifierModule(TrainingModule):
    """Train the classifier of a trained network, its head too, or all of it, with cross-entropy.

    Args:
        recipe: The recipe.
        network: The network of stage embed; its weights change. It is thawed where all is trained.

    Source: SPML (arXiv 2105.00957), section 4.1: the classifier is trained on the embedding.
    """

    network: EmbeddingNetwork

    def __init__(self, recipe: Recipe, network: EmbeddingNetwork) -> None:
        optimizer = recipe.optimizer.at_rate(recipe.classify.lr)
        super().__init__(optimizer, seed=recipe.seed, steps=recipe.classify.steps)
        self.network = network
        train = recipe.classify.train
        self.kept: list[nn.Module] = [] if train == "network" else [network.backbone]
        if train == "classifier":
            self.kept.append(network.head)
        for part in self.kept:
            part.requires_grad_(False)
        if not self.kept:
            network.thaw()

    def train(self, mode: bool = True) -> Self:
        """Keep what is not trained in evaluation mode."""
        super().train(mode)
        for part in self.kept:
            part.eval()
        return self

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of the labelled pixels."""
        stride = self.network.config.embedding_stride
        # (B, H, W) -> (B, h, w), at the embedding's stride
        annotation = shrink_labels(batch["annotation"], stride, self.network.num_classes)
        with torch.set_grad_enabled(self.network.head not in self.kept):
            embedding = batch_embedding(self.network, batch)  # (B, D, h, w)
        logits = self.network.classify(embedding)  # (B, C, h, w)
        return {"classifier": labelled_cross_entropy(logits, annotation)}
