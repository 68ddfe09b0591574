"""Embedding of a training batch: of its images, or of windows of views with a frozen backbone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from weakseg.datasets.draws import Batch
from weakseg.models.frozen import cut_window, naming
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.recipes.recipe import FITTED, Recipe
from weakseg.support.errors import RecipeError
from weakseg.training.steps.base import image_input


def batch_embedding(network: EmbeddingNetwork, batch: Batch) -> Tensor:
    """Return the embedding of a batch's images, (B, D, h, w).

    A frozen backbone sees the whole views; their features, from its cache where they are there, are
    cut to the windows.

    Raises:
        NonFiniteError: A feature of a view is NaN or infinite.
    """
    if "view" not in batch:
        embedding: Tensor = network(image_input(batch))
        return embedding
    side = batch["image"].shape[-1]
    rows = zip(batch["name"], batch["view"], batch["corner"].tolist(), strict=True)
    windows = []
    for name, view, (top, left) in rows:
        with naming(f"Image {name}"):
            maps = network.view_features(view)  # (channels_i, h_i, w_i) each
        windows.append(cut_window(maps, network.strides, (top, left), side))
    levels = [torch.stack(level) for level in zip(*windows, strict=True)]  # (B, channels_i, h, w)
    cells = side // network.config.embedding_stride
    return network.embed(levels, (cells, cells))


def check_crop(recipe: Recipe) -> None:
    """Refuse a crop that does not fit the features of a frozen backbone, before any work is done.

    Raises:
        RecipeError: It does not fit, or the backbone is unknown.
    """
    if recipe.model.train == "head" and recipe.method not in FITTED:
        network = build_network(recipe.model, num_classes=1, weights="none")
        window_stride(network, recipe.transforms.crop)


def window_stride(network: EmbeddingNetwork, crop: int) -> int:
    """Return the step of the windows' corners, of which every stride of the features is a divisor.

    Args:
        network: A network with a frozen backbone.
        crop: Side of the windows, in pixels.

    Raises:
        RecipeError: The windows' side is no multiple of it.
    """
    step = math.lcm(*network.strides, network.config.embedding_stride)
    if crop % step:
        strides = ", ".join(map(str, network.backbone.level_strides))
        raise RecipeError(
            f"transforms.crop: expected a multiple of {step}, as the features of "
            f"{network.config.backbone} have strides {strides} and the embedding "
            f"{network.config.embedding_stride}, but got {crop}"
        )
    return step
