"""The memory: labelled prototypes of the training images, against which new images are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import Tensor

from weakseg.annotations.classes import ClassList
from weakseg.config import Recipe
from weakseg.datasets.draws import load_sample
from weakseg.datasets.folder import Record
from weakseg.datasets.transforms import shrink_labels, shrink_regions
from weakseg.errors import WeightsError
from weakseg.files import replacing
from weakseg.method import segment_pixels, segment_prototypes
from weakseg.method.constants import VOID
from weakseg.models import EmbeddingNetwork


@dataclass(frozen=True)
class Memory:
    """Prototypes of labelled segments.

    Args:
        prototype: Unit vectors, (M, D).
        label: Their classes, (M,).
    """

    prototype: Tensor
    label: Tensor

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
    network: EmbeddingNetwork,
    records: Sequence[Record],
    classes: ClassList,
    recipe: Recipe,
    oversegments: Path | None,
) -> Memory:
    """Collect the prototypes of every labelled segment of the training images.

    Args:
        network: The trained network, on its device.
        records: Training images with their marks.
        classes: The classes.
        recipe: The recipe, for how marks are drawn and segments made.
        oversegments: Folder of region maps; none: segments are clusters split by marks.

    Returns:
        The memory, on the network's device.

    Source: SPML, section 3.4.
    """
    network.eval()
    device = next(network.parameters()).device
    prototypes, labels = [], []
    for record in track(records, "Collecting prototypes", transient=True):
        sample = load_sample(record, classes, recipe.data, oversegments)
        stride = recipe.model.embedding_stride
        annotation = shrink_labels(sample.annotation[None], stride, len(classes)).to(device)
        if not (annotation < len(classes)).any():
            continue
        oversegment = shrink_regions(sample.oversegment[None], stride).to(device)
        embedding = network(sample.image[None].to(device).float() / 255)
        # Segments never cross labels, so the unlabelled rest can be left out before grouping ends.
        segments = segment_pixels(
            embedding, annotation, oversegment,
            grid=recipe.inference.grid, iterations=recipe.inference.iterations,
        )  # fmt: skip
        labelled = segments.annotation < len(classes)
        segment, inverse = torch.unique(segments.segment[labelled], return_inverse=True)
        prototypes.append(segment_prototypes(segments.pixel[labelled], inverse, len(segment)))
        label = segment.new_full((len(segment),), VOID)
        labels.append(label.scatter(0, inverse, segments.annotation[labelled].long()))
    if not prototypes:
        dimensions = recipe.model.dimensions
        return Memory(torch.zeros(0, dimensions, device=device),
                      torch.zeros(0, dtype=torch.long, device=device))  # fmt: skip
    return Memory(torch.cat(prototypes), torch.cat(labels))
