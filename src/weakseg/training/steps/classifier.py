"""The training step of the last stage: a classifier on refined labels."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from weakseg.datasets.draws import Batch
from weakseg.datasets.transforms import shrink_labels
from weakseg.models import EmbeddingNetwork
from weakseg.recipes.recipe import Recipe
from weakseg.training.steps.common import StepModule, image_input, labelled_cross_entropy


class ClassifyModule(StepModule):
    """Train the softmax classifier of a trained network, or all of it, with cross-entropy.

    Args:
        recipe: The recipe.
        network: The trained network, whose weights change.

    Source: SPML (arXiv 2105.00957), section 4.1: the classifier is trained on the embedding.
    """

    def __init__(self, recipe: Recipe, network: EmbeddingNetwork) -> None:
        optimizer = recipe.optimizer.at_rate(recipe.classify.lr)
        super().__init__(optimizer, seed=recipe.seed, steps=recipe.classify.steps)
        self.network = network
        self.whole = recipe.classify.train == "network"
        for part in (network.backbone, network.head) if not self.whole else ():
            part.requires_grad_(False)

    @property
    def trained(self) -> nn.Module:
        """The network."""
        return self.network

    def train(self, mode: bool = True) -> Self:
        """Keep the embedding as it predicts where only the classifier is trained."""
        super().train(mode)
        if not self.whole:
            self.network.backbone.eval()
            self.network.head.eval()
        return self

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Give the cross-entropy on labelled pixels."""
        spec = self.network.spec
        annotation = shrink_labels(batch["annotation"], spec.embedding_stride, spec.num_classes)
        with torch.set_grad_enabled(self.whole):
            embedding = self.network(image_input(batch))
        return {"classifier": labelled_cross_entropy(self.network.classify(embedding), annotation)}
