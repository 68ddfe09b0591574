"""The network that a recipe asks for."""

from __future__ import annotations

from weakseg.models.network import NetworkSpec
from weakseg.recipes.recipe import Recipe


def network_spec(recipe: Recipe, num_classes: int) -> NetworkSpec:
    """Say which network a recipe asks for."""
    model = recipe.model
    return NetworkSpec(
        num_classes=num_classes,
        backbone=model.backbone,
        output_stride=model.output_stride,
        head=model.head,
        dilations=tuple(model.dilations),
        dimensions=model.dimensions,
        embedding_stride=model.embedding_stride,
        classifier_hidden=model.classifier_hidden or None,
    )
