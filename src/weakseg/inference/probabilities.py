"""Class probabilities of images of one size, averaged over scales and mirror images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.inference.memory import Memory
from weakseg.marks.label_values import UNLABELLED
from weakseg.method import nearest_labels, segment_pixels, segment_prototypes, vote_share
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import InferenceConfig, LabelBy
from weakseg.refine.guided import guide_size, guided_upsample


def class_probabilities(
    network: EmbeddingNetwork,
    image: Tensor,
    memory: Memory | None,
    config: InferenceConfig,
    sources: Sequence[LabelBy],
    *,
    mirrored: Sequence[int] | None = None,
) -> Tensor:
    """Compute the class probabilities by several sources of labels, from one embedding each view.

    Args:
        network: The trained network, in evaluation mode.
        image: RGB, (B, 3, H, W), 0 to 1.
        memory: Labelled prototypes; not needed for labels by the classifier.
        config: Scales, mirror, upsampling; its own source of labels does not matter.
        sources: The S sources: retrieval, classifier, both.
        mirrored: Class that each class becomes in a mirrored image (`ClassList.mirrored`); by
            default the same.

    Returns:
        Probabilities, (S, B, C, H, W).
    """
    size = (image.shape[-2], image.shape[-1])
    guided = config.upsample == "guided"
    common = guide_size(*size) if guided else size  # in which views are averaged, (h', w')
    total = image.new_zeros(())
    views = 0
    for scale in config.scales:
        scaled_size = [max(1, round(side * scale)) for side in size]
        scaled = image
        if scale != 1:
            # (B, 3, H, W) -> (B, 3, H', W')
            scaled = F.interpolate(image, scaled_size, mode="bilinear", antialias=scale < 1)
        for flip in (False, True) if config.flip else (False,):
            view = scaled.flip(-1) if flip else scaled  # (B, 3, H', W')
            # (S, B, C, h, w) -> (S * B, C, h, w)
            seen = _view_probabilities(network, view, memory, config, sources).flatten(0, 1)
            seen = F.interpolate(seen, common, mode="bilinear", align_corners=False)
            if flip:
                seen = seen.flip(-1) if mirrored is None else seen.flip(-1)[:, list(mirrored)]
            total = total + seen  # (S * B, C, h', w')
            views += 1
    mean = total / views
    if guided:
        mean = guided_upsample(mean, image.repeat(len(sources), 1, 1, 1))  # (S * B, C, H, W)
    return mean.reshape(len(sources), len(image), *mean.shape[1:])  # (S, B, C, H, W)


def _view_probabilities(
    network: EmbeddingNetwork,
    image: Tensor,
    memory: Memory | None,
    config: InferenceConfig,
    sources: Sequence[LabelBy],
) -> Tensor:
    """Return the probabilities by each source, (S, B, C, h, w)."""
    embedding = network(image)  # (B, D, h, w)
    found: dict[LabelBy, Tensor] = {}  # (B, C, h, w) each
    if set(sources) != {"retrieval"}:
        found["classifier"] = network.classify(embedding).float().softmax(dim=1)
    if set(sources) != {"classifier"}:
        assert memory is not None
        found["retrieval"] = retrieve(embedding, memory, network.num_classes, config)
    if "both" in sources:
        found["both"] = (found["classifier"] + found["retrieval"]) / 2
    return torch.stack([found[source] for source in sources])


def retrieve(
    embedding: Tensor, memory: Memory, num_classes: int, config: InferenceConfig
) -> Tensor:
    """Label every k-means segment by the vote of its nearest prototypes.

    Args:
        embedding: Unit vectors, (B, D, h, w).
        memory: Labelled prototypes.
        num_classes: Number of classes C.
        config: Grid and iterations of k-means, number of votes; where half of the classes have
            fewer prototypes than that, as many as those.

    Returns:
        Fraction of votes, (B, C, h, w).

    Source: SPML, section 3.4.
    """
    batch, _, height, width = embedding.shape
    unlabelled = torch.full((batch, height, width), UNLABELLED, device=embedding.device)
    segments = segment_pixels(
        embedding,
        unlabelled,
        torch.zeros_like(unlabelled),
        grid=config.grid,
        iterations=config.iterations,
    )
    prototype = segment_prototypes(segments.pixel, segments.segment)  # (P, D)
    k = min(config.k, memory.max_votes)
    nearest = nearest_labels(prototype, memory.prototype, memory.label, k=k)  # (P, k)
    votes = vote_share(nearest, num_classes)[segments.segment]  # (P, C) -> (B * h * w, C)
    return votes.view(batch, height, width, num_classes).permute(0, 3, 1, 2)  # (B, C, h, w)
