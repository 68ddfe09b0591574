"""Memory: labelled prototypes of the training images, which label the segments of new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from weakseg.datasets.draws import load_sample
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import shrink_labels
from weakseg.inference.tiles import tiles
from weakseg.marks.classes import ClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.method import majority_label, segment_pixels, segment_prototypes
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import InferenceConfig, Recipe
from weakseg.support.errors import WeightsError
from weakseg.support.files import replacing
from weakseg.support.progress import progress


@dataclass(frozen=True)
class Memory:
    """Prototypes of labelled segments.

    Args:
        prototype: Unit vectors, (M, D).
        label: Their classes, (M,).
    """

    prototype: Tensor
    label: Tensor

    @cached_property
    def max_votes(self) -> int:
        """As many prototypes as half of the classes have at least, 1 or more.

        With more votes than that, most classes could never win against a frequent one.

        Examples:
            >>> Memory(torch.eye(4), torch.tensor([0, 0, 0, 2])).max_votes
            1
        """
        counts = torch.bincount(self.label.long())  # (C,)
        return int(counts[counts > 0].median()) if len(self.label) else 1

    def only(self, allowed: Tensor) -> Memory:
        """Return the prototypes of the allowed classes, (C,) bool."""
        kept = allowed.to(self.label.device)[self.label.long()]  # (M,)
        return Memory(self.prototype[kept], self.label[kept])

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {"prototype": self.prototype.cpu(), "label": self.label.cpu()}
        with replacing(path) as beside:
            save_file(tensors, beside)

    @classmethod
    def load(cls, path: Path, device: torch.device) -> Memory:
        """Read what `save` wrote.

        Raises:
            WeightsError: The file is missing, damaged or something else.
        """
        try:
            tensors = load_file(path, device=str(device))
            return cls(tensors["prototype"], tensors["label"])
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise WeightsError(
                f"{path}: is missing, damaged or no memory ({error}). Train again, or predict "
                "with --labels classifier, which needs none."
            ) from error


@torch.inference_mode()
def build_memory(
    network: EmbeddingNetwork, records: Sequence[Record], classes: ClassList, recipe: Recipe
) -> Memory:
    """Collect the prototypes of those clusters of the training images that hold a labelled pixel.

    A cluster takes the majority label of its labelled pixels. It is not cut along the marks, so
    that a click stands for all that looks alike around it, as clusters of a new image do.

    Args:
        network: The trained network, on its device.
        records: Training images with their marks.
        classes: The classes.
        recipe: How marks are drawn and clusters made.

    Returns:
        The memory, on the network's device.

    Source: SPML, section 3.4.
    """
    network.eval()
    device = next(network.parameters()).device
    prototypes = [torch.zeros(0, network.dimensions, device=device)]
    labels = [torch.zeros(0, dtype=torch.long, device=device)]
    for record in progress(records, "Collecting prototypes", len(records)):
        for image, annotation in image_tiles(network, record, classes, recipe, only_labelled=True):
            prototype, label = labelled_prototypes(
                network(image), annotation, len(classes), recipe.inference
            )
            prototypes.append(prototype)
            labels.append(label)
    return Memory(torch.cat(prototypes), torch.cat(labels))


def image_tiles(
    network: EmbeddingNetwork,
    record: Record,
    classes: ClassList,
    recipe: Recipe,
    *,
    only_labelled: bool = False,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield a training image tile by tile, as inference does, with its labels.

    Args:
        network: The network, on its device.
        record: The image with its marks.
        classes: The classes.
        recipe: How marks are drawn, and the size of tiles.
        only_labelled: Leave out tiles without a labelled pixel.

    Yields:
        A tile, (1, 3, H, W), 0 to 1, and its labels at the embedding's stride, (1, h, w), both on
        the network's device.
    """
    device = next(network.parameters()).device
    config, stride = recipe.inference, recipe.model.embedding_stride
    sample = load_sample(record, classes, recipe.data, None)
    height, width = sample.annotation.shape
    for tile in tiles(height, width, side=config.tile, overlap=config.overlap):
        annotation = sample.annotation[tile.seen]
        if only_labelled and not (annotation < len(classes)).any():
            continue
        image = sample.image[:, *tile.seen][None].to(device).float() / 255  # (1, 3, H, W)
        yield image, shrink_labels(annotation[None].to(device), stride, len(classes))  # (1, h, w)


def labelled_prototypes(
    embedding: Tensor, annotation: Tensor, num_classes: int, config: InferenceConfig
) -> tuple[Tensor, Tensor]:
    """Return the prototypes of the clusters that hold a labelled pixel.

    Args:
        embedding: Unit vectors, (B, D, h, w).
        annotation: Label maps, (B, h, w).
        num_classes: Number of classes.
        config: Grid and iterations of k-means.

    Returns:
        Prototypes, (M, D), and their majority labels, (M,).
    """
    used = annotation != VOID  # (B, h, w)
    uncut = torch.where(used, UNLABELLED, VOID)  # (B, h, w)
    segments = segment_pixels(
        embedding, uncut, torch.zeros_like(uncut), grid=config.grid, iterations=config.iterations
    )
    count = segments.num_segments  # P
    # Labels of the N pixels that are not void -> of the clusters, (P,)
    label = majority_label(
        segments.segment, annotation[used], num_classes=num_classes, num_segments=count
    )
    kept = label < num_classes
    return segment_prototypes(segments.pixel, segments.segment, count)[kept], label[kept]
