"""Labelled cells of the training images: what a classifier is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from weakseg.datasets.records import Record
from weakseg.inference.memory import image_tiles
from weakseg.marks.classes import ClassList
from weakseg.method.vectors import full_precision, unit_length
from weakseg.models.frozen import naming
from weakseg.models.heads import FeatureHead
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import Recipe
from weakseg.support.errors import DataError
from weakseg.support.progress import progress

_SMALLEST_STD = 1e-6  # a channel that varies less is the same everywhere


@dataclass(frozen=True)
class Cells:
    """Labelled cells.

    Args:
        vector: What the classifier sees of them, (N, D).
        label: Their classes, (N,).
        weight: How much each counts, (N,), 1 on average.
    """

    vector: Tensor
    label: Tensor
    weight: Tensor


@torch.no_grad()
def labelled_cells(
    network: EmbeddingNetwork, records: Sequence[Record], classes: ClassList, recipe: Recipe
) -> Cells:
    """Collect the labelled cells of the training images, and measure how their channels vary.

    Args:
        network: A network with a `FeatureHead`, on its device; mean and standard deviation of its
            channels become those over all cells of the images.
        records: Training images with their labels.
        classes: The classes.
        recipe: How marks are drawn, and how many cells are kept.

    Raises:
        DataError: No cell is labelled.
        NonFiniteError: A feature is NaN or infinite.
    """
    network.eval()
    head = network.head
    assert isinstance(head, FeatureHead)
    generator = torch.Generator().manual_seed(recipe.seed)
    share = -(-recipe.fitting.max_cells // len(records))
    moments = _Moments()
    vectors, labels = [], []
    for record in progress(records, "Reading features", len(records)):
        found = _cells_of_image(network, record, classes, recipe, moments)
        vector, label = (torch.cat(part) for part in zip(*found, strict=True))
        kept = torch.randperm(len(label), generator=generator)[:share].sort().values
        vectors.append(vector[kept.to(vector.device)])
        labels.append(label[kept.to(label.device)])
    if not any(map(len, labels)):
        raise DataError("no cell of the training images is labelled", path=recipe.data.root)
    mean, std = moments.mean_and_std()
    head.mean.copy_(mean)
    head.std.copy_(std)
    weight = cell_weights(labels, len(classes), recipe.fitting.balance)
    vector = torch.cat([_as_seen(network, part) for part in vectors])
    return Cells(vector, torch.cat(labels), weight)


def cell_weights(labels: Sequence[Tensor], num_classes: int, balance: float) -> Tensor:
    """Return the weights of cells: first images count the same, then classes by their frequency.

    Args:
        labels: Labels of each image's cells, (n_i,).
        num_classes: Classes C.
        balance: 0: classes count as often as they occur; 1: all the same.

    Returns:
        (N,), 1 on average.

    Examples:
        >>> labels = [torch.tensor([0, 0, 0, 1])]
        >>> [cell_weights(labels, 2, balance).tolist() for balance in (0.0, 1.0)]
        [[1.0, 1.0, 1.0, 1.0], [0.6666..., 0.6666..., 0.6666..., 2.0]]
    """
    joined = torch.cat(list(labels))  # (N,)
    weight = torch.cat([torch.ones(len(own), device=own.device) / len(own) for own in labels])
    frequency = weight.new_zeros(num_classes).index_add(0, joined, weight)  # (C,)
    weight = weight / frequency[joined] ** balance
    return weight / weight.mean()


def _cells_of_image(
    network: EmbeddingNetwork,
    record: Record,
    classes: ClassList,
    recipe: Recipe,
    moments: _Moments,
) -> list[tuple[Tensor, Tensor]]:
    """Return the labelled cells of an image, a tile at a time: features (n, D) and labels (n,)."""
    head = network.head
    assert isinstance(head, FeatureHead)
    found = []
    for image, annotation in image_tiles(network, record, classes, recipe):
        with naming(str(record.image)):
            maps = network.features(image)
        size = (annotation.shape[1], annotation.shape[2])
        joined = head.join(maps, size)[0].flatten(1).T  # (h·w, D)
        moments.add(joined)
        labelled = annotation.flatten() < len(classes)  # (h·w,)
        found.append((joined[labelled], annotation.flatten()[labelled]))
    return found


def _as_seen(network: EmbeddingNetwork, features: Tensor) -> Tensor:
    """Return features as the classifier sees them, (n, D)."""
    maps = features.T[None, :, :, None]  # (1, D, n, 1)
    head = network.head
    assert isinstance(head, FeatureHead)
    unit = unit_length(full_precision(head.normalise(maps)), dim=1)
    return network.classifier_input(unit)[0, :, :, 0].T


class _Moments:
    """Mean and standard deviation of channels over all that was added."""

    def __init__(self) -> None:
        self.count = 0
        self.total = torch.zeros(())
        self.squares = torch.zeros(())

    def add(self, vectors: Tensor) -> None:
        """Add vectors, (n, D)."""
        exact = vectors.double()
        self.count += len(exact)
        self.total = self.total.to(exact.device) + exact.sum(dim=0)  # (D,)
        self.squares = self.squares.to(exact.device) + exact.square().sum(dim=0)  # (D,)

    def mean_and_std(self) -> tuple[Tensor, Tensor]:
        """Return both, (D,) each; of a channel that does not vary, 1 as standard deviation."""
        mean = self.total / self.count
        std = (self.squares / self.count - mean.square()).clamp(min=0).sqrt()
        return mean, std.masked_fill(std < _SMALLEST_STD, 1)
