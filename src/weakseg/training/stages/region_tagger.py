"""Classes of the regions of training images, from frozen features and the images' tags."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from weakseg.datasets.records import Record, record_labels, record_tags
from weakseg.images.reading import read_image
from weakseg.method.regression import Regression
from weakseg.method.vectors import unit_length
from weakseg.models.frozen import naming
from weakseg.models.heads import FeatureHead
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.recipes.recipe import Recipe
from weakseg.seeds.activations import Activations
from weakseg.seeds.tag_regression import (
    RELEASED,
    TaggedRegions,
    assign,
    choose_penalty,
    fit_tag_regression,
)
from weakseg.seeds.tagged_regions import allowed_classes, expected_share, region_areas
from weakseg.support.devices import accelerator_device
from weakseg.support.files import replacing
from weakseg.support.progress import progress
from weakseg.training.log import TrainingLog
from weakseg.training.stages.context import Context

_MAX_REGIONS = 50_000
_SMALLEST_STD = 1e-6  # a channel that varies less is the same everywhere
_LENGTH = 0.2  # of vectors, in times the root of their dimensions


@dataclass(frozen=True)
class RegionTagger:
    """Regression from a region's features to its class, learned from tags.

    Args:
        context: Recipe, classes and regions.
        network: Network whose frozen backbone computes the features.
        mean: Of each channel over the training images' regions, (D,).
        std: Its standard deviation, (D,).
        regression: Vectors to classes.
    """

    context: Context
    network: EmbeddingNetwork
    mean: Tensor
    std: Tensor
    regression: Regression

    @classmethod
    def fit(cls, context: Context, records: Sequence[Record], log: Path) -> RegionTagger:
        """Fit to the tags of training images: of many, to some of them.

        Args:
            context: Recipe, classes and regions.
            records: The training images.
            log: Log of the loss.

        Raises:
            DataError: A file cannot be read.
            NonFiniteError: A feature is NaN or infinite.
        """
        network = _frozen_network(context)
        chosen = _some(records, context.recipe)
        found = [
            _regions_of(context, network, record, context.region_map(record))
            for record in progress(chosen, "Reading regions", len(chosen))
        ]
        raw = _join(found)
        mean, std = _moments(raw)
        regions = replace(raw, vector=_as_seen(raw.vector, mean, std))
        with TrainingLog(log, after=-1) as rows:
            regression = fit_tag_regression(
                regions,
                l2=choose_penalty(regions),
                on_round=lambda number, loss: rows.add(number, {"loss": loss}),
            )
        return cls(context, network, mean, std, regression)

    @classmethod
    def load(cls, context: Context, path: Path) -> RegionTagger:
        """Read what `save` wrote."""
        network = _frozen_network(context)
        parts = load_file(path, device=str(next(network.parameters()).device))
        regression = Regression(parts["weight"], parts["bias"])
        return cls(context, network, parts["mean"], parts["std"], regression)

    def save(self, path: Path) -> None:
        """Write as safetensors, without the backbone."""
        parts = {"mean": self.mean, "std": self.std, **self.regression._asdict()}
        with replacing(path) as beside:
            save_file({key: value.cpu() for key, value in parts.items()}, beside)

    def activations(self, record: Record) -> Activations:
        """Return the probabilities of the classes that an image's marks name, as maps.

        Raises:
            DataError: The image or its regions cannot be read.
            NonFiniteError: A feature is NaN or infinite.
        """
        region_map = self.context.region_map(record)
        regions = _regions_of(self.context, self.network, record, region_map)
        logits = self.regression.logits(_as_seen(regions.vector, self.mean, self.std))
        found = assign(logits, regions, balance=RELEASED).cpu().numpy()  # (R, C)
        first = 1 if self.context.classes.has_background else 0
        named = first + np.flatnonzero(regions.share[0, first:].cpu().numpy())
        return Activations(named.astype(np.uint8), found.T[named][:, region_map])


def _frozen_network(context: Context) -> EmbeddingNetwork:
    """Build a network that reads all levels of the recipe's backbone."""
    recipe = context.recipe
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)  # of random weights: a resumed stage has the same ones
        network = build_network(replace(recipe.model, head="features"), len(context.classes))
    context.with_cache(network)
    return network.to(accelerator_device(recipe.training.accelerator)).eval()


def _some(records: Sequence[Record], recipe: Recipe) -> list[Record]:
    """Return the records with marks, or as many of them as have the regions that fit."""
    marked = [replace(each, pseudo_labels=None) for each in records if not each.marks.is_empty]
    most = max(1, _MAX_REGIONS // recipe.oversegment.regions)
    generator = torch.Generator().manual_seed(recipe.seed)
    order = torch.randperm(len(marked), generator=generator)[:most].sort().values
    return [marked[i] for i in order.tolist()]


@torch.no_grad()
def _regions_of(
    context: Context, network: EmbeddingNetwork, record: Record, region_map: NDArray[np.int32]
) -> TaggedRegions:
    """Return an image's regions, their vectors as the backbone has them."""
    recipe, classes = context.recipe, context.classes
    size, marks = (region_map.shape[0], region_map.shape[1]), record.marks
    tags = np.array(record_tags(record, classes, recipe.data))  # (C,)
    drawn = replace(record, marks=replace(marks, boxes=()), pseudo_labels=None)
    labels = record_labels(drawn, size, classes, recipe.data)
    background = classes.has_background
    areas = region_areas(region_map)
    allowed = allowed_classes(region_map, tags, labels, marks.boxes, background=background)
    share = expected_share(allowed, areas, tags, marks.boxes, background=background)
    device = next(network.parameters()).device
    image = torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)  # (3, H, W)
    with naming(f"Image {record.name}"):
        maps = network.features(image[None].to(device).float() / 255)
    return TaggedRegions(
        vector=_region_means(maps, region_map, recipe.model.embedding_stride),
        image=torch.zeros(len(areas), dtype=torch.long, device=device),
        area=torch.from_numpy(areas).to(device),
        allowed=torch.from_numpy(allowed).to(device),
        share=torch.from_numpy(share)[None].to(device),
    )


def _region_means(maps: list[Tensor], region_map: NDArray[np.int32], stride: int) -> Tensor:
    """Return the mean features of regions, (R, D)."""
    height, width = (-(-side // stride) for side in region_map.shape)
    rows, columns = (
        np.arange(side) * cells // side
        for side, cells in zip(region_map.shape, (height, width), strict=True)
    )
    cell = rows[:, None] * width + columns  # (H, W)
    count, cells = int(region_map.max()) + 1, height * width
    pixels = np.bincount((region_map * cells + cell).ravel(), minlength=count * cells)
    weight = torch.from_numpy(pixels.reshape(count, cells)).to(maps[0])  # (R, h·w)
    joined = FeatureHead.join(maps, (height, width))[0].flatten(1)  # (D, h·w)
    return (weight @ joined.T) / weight.sum(dim=1, keepdim=True).clamp(min=1)


def _join(images: Sequence[TaggedRegions]) -> TaggedRegions:
    """Join the regions of images, each of a `TaggedRegions` of its own."""
    return TaggedRegions(
        vector=torch.cat([each.vector for each in images]),
        image=torch.cat([each.image + number for number, each in enumerate(images)]),
        area=torch.cat([each.area for each in images]),
        allowed=torch.cat([each.allowed for each in images]),
        share=torch.cat([each.share for each in images]),
    )


def _moments(regions: TaggedRegions) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the channels over all images, (D,) each."""
    share = (regions.area / regions.area.sum())[:, None]
    mean = (regions.vector * share).sum(dim=0)
    std = ((regions.vector - mean).square() * share).sum(dim=0).sqrt()
    return mean, std.masked_fill(std < _SMALLEST_STD, 1)


def _as_seen(vector: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return vectors as the regression sees them: of equal length, (M, D)."""
    length = _LENGTH * math.sqrt(vector.shape[1])
    return unit_length((vector - mean) / std) * length
