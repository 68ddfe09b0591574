"""Training step of the tag classifier, whose class activations become seeds."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.datasets.draws import Batch
from weakseg.marks.classes import ClassList
from weakseg.models.backbone import create_backbone
from weakseg.models.network import build_network
from weakseg.recipes.recipe import ModelConfig, Recipe
from weakseg.seeds.classifier import (
    AnyTagClassifier,
    FrozenTagClassifier,
    TagClassifier,
    equivariance_loss,
)
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
        self.classifier = tag_classifier(recipe.model, len(classes) - self.first)

    @property
    def trained(self) -> nn.Module:
        """The tag classifier."""
        return self.classifier

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the tags, and of the equivariance where it has a weight."""
        tags = batch["tags"][:, self.first :].float()  # (B, C), without the background
        if isinstance(self.classifier, FrozenTagClassifier):
            views = [view.float() / 255 for view in batch["view"]]
            scores = self.classifier.scores_of(views, batch["name"])
            return {"tags": F.multilabel_soft_margin_loss(scores, tags)}
        image = image_input(batch)
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


def tag_classifier(model: ModelConfig, num_classes: int) -> AnyTagClassifier:
    """Build the tag classifier of a recipe: of the whole backbone, or of its frozen features."""
    if model.train == "head":
        return FrozenTagClassifier(build_network(model, num_classes), num_classes)
    backbone = create_backbone(
        model.backbone,
        output_stride=model.output_stride,
        weights=model.weights,
        patch_stride=model.patch_stride,
    )
    if model.weights != "none":
        backbone.freeze_to_stride(model.frozen_stride)
    return TagClassifier(backbone, num_classes)
