"""Training step of the tag classifier, whose class activations become seeds."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.datasets.draws import Batch
from weakseg.marks.classes import ClassList
from weakseg.models.backbone import create_backbone
from weakseg.recipes.recipe import Recipe
from weakseg.seeds.classifier import TagClassifier, equivariance_loss
from weakseg.training.steps.base import TrainingModule, image_input

_SCALE = 0.5  # SEAM takes 0.3 of crops of 448 pixels; smaller crops would leave too little


class TagClassifierModule(TrainingModule):
    """Train a tag classifier with a multi-label loss and, optionally, equivariant regularisation.

    Source: SEAM (arXiv 2004.04581), section 3.
    """

    def __init__(self, recipe: Recipe, classes: ClassList) -> None:
        optimizer = recipe.optimizer.at_rate(recipe.seeds.lr)
        super().__init__(optimizer, seed=recipe.seed, steps=recipe.seeds.steps)
        self.first = 1 if classes.has_background else 0
        self.equivariance = recipe.seeds.equivariance
        model = recipe.model
        backbone = create_backbone(
            model.backbone, output_stride=model.output_stride, weights=model.weights
        )
        if model.train == "head":
            backbone.freeze()
        elif model.weights != "none":
            backbone.freeze_to_stride(model.frozen_stride)
        self.classifier = TagClassifier(backbone, len(classes) - self.first)

    @property
    def trained(self) -> nn.Module:
        """The tag classifier."""
        return self.classifier

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the tags, and of the equivariance where it has a weight."""
        image = image_input(batch)
        tags = batch["tags"][:, self.first :].float()  # (B, C), without the background
        activations = self.classifier(image).float()  # (B, C, h, w)
        scores = self.classifier.scores(activations)  # (B, C)
        terms = {"tags": F.multilabel_soft_margin_loss(scores, tags)}
        if self.equivariance > 0:
            small = F.interpolate(image, scale_factor=_SCALE, mode="bilinear", antialias=True)
            smaller = self.classifier(small).float()  # (B, C, h/2, w/2)
            second = F.multilabel_soft_margin_loss(self.classifier.scores(smaller), tags)
            terms["tags"] = (terms["tags"] + second) / 2
            difference = equivariance_loss(activations, smaller, tags)
            terms["equivariance"] = self.equivariance * difference
        return terms
