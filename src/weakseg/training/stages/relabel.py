"""Stage relabel: pseudo-labels of the training images by the embedding that they trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from weakseg.datasets.records import Record, record_labels
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.inference.bounds import Bounds, Probabilities
from weakseg.inference.memory import Memory
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, write_label_map
from weakseg.marks.label_values import UNLABELLED
from weakseg.models.network import EmbeddingNetwork
from weakseg.oversegments.region_maps import region_means
from weakseg.recipes.recipe import RelabelConfig
from weakseg.refine.crf import dense_crf
from weakseg.refine.random_walk import random_walk
from weakseg.seeds.activations import Activations, load_activations, normalise_by_class
from weakseg.support.progress import progress
from weakseg.training.processes import wait_for_all
from weakseg.training.stages.context import Context
from weakseg.training.stages.folder import StageFolder
from weakseg.training.stages.quality import measure_quality

_STRIDE = 8  # of the random walk, as in the paper
_MAX_CELLS = 11_000  # on a larger photograph the stride is coarser: time grows with the square


def relabel(
    context: Context,
    network: EmbeddingNetwork,
    memory: Memory,
    records: Sequence[Record],
    stage: StageFolder,
    seeds: StageFolder,
) -> list[Record]:
    """Make pseudo-labels of the training images that are marked in part.

    Returns:
        The same images, those that are marked in part with pseudo-labels.
    """
    stage.prepare()
    # An image without marks has no tags to keep to; a full mask cannot be bettered.
    partly_marked = [
        record for record in records if not record.marks.is_empty and record.marks.mask is None
    ]
    if not stage.is_complete():
        lacking = stage.lacking(partly_marked, stage.labels)
        segmenter = _segmenter(context, network, memory)
        for record in progress(lacking, "Refining labels", len(lacking)):
            maps = None
            if context.recipe.relabel.start == "seeds" and seeds.maps(record).is_file():
                maps = load_activations(seeds.maps(record))
            write_label_map(stage.labels(record), pseudo_labels(context, record, segmenter, maps))
        wait_for_all()
        before = measure_quality(context, partly_marked, "labels before refinement")
        after = measure_quality(context, stage.labelled(partly_marked), "pseudo-labels")
        stage.finish(map(stage.labels, partly_marked), before=before, quality=after)
    return stage.labelled(records, partly_marked)


def pseudo_labels(
    context: Context, record: Record, segmenter: Segmenter, maps: Activations | None = None
) -> LabelMap:
    """Label an image within the bounds of its marks.

    Args:
        context: Recipe, classes and oversegmentation.
        record: The image with its marks.
        segmenter: The predictor of the first scores.
        maps: Activation maps to start from, in place of the predictor's scores.

    Returns:
        Label map, (H, W); unlabelled where no class is sure, or the marks name none.
    """
    recipe, config = context.recipe, context.recipe.relabel
    image = read_image(record.image)  # (H, W, 3)
    size = (image.shape[0], image.shape[1])
    keeps_seeds = not record.marks.only(set(config.keep_seeds)).is_empty
    sure = record if keeps_seeds else replace(record, pseudo_labels=None)
    labels = record_labels(sure, size, context.classes, recipe.data)  # (H, W)
    bounds = Bounds(labels, record.marks, context.classes)
    if not bounds.is_marked:
        return np.full(size, UNLABELLED, np.uint8)
    if maps is None:
        scores = segmenter.limited_to(bounds.allowed).probabilities(image)  # (C, H, W)
    else:
        scores = _scores_of(maps, context.classes, size, recipe.seeds.alpha)  # (C, H, W)
    regions = context.regions(record, size) if config.regions else None
    scores = _refined(scores, image, bounds, regions, segmenter.network, config)
    confident = scores.max(axis=0) >= config.confidence  # (H, W)
    return np.where(confident, scores.argmax(axis=0), UNLABELLED).astype(np.uint8)


def _refined(
    scores: Probabilities,
    image: NDArray[np.uint8],
    bounds: Bounds,
    regions: NDArray[np.int32] | None,
    network: EmbeddingNetwork,
    config: RelabelConfig,
) -> Probabilities:
    """Refine scores by random walk, regions and dense CRF; keep them within bounds throughout."""
    allowed = bounds.allowed
    scores[~allowed] = 0
    if config.normalise:  # before the bounds apply: marks are sure already
        scores = normalise_by_class(scores, minimum=config.min_peak)
    scores = bounds.apply(scores)
    if config.walk:
        scores[allowed] = _walked(scores[allowed], image, network, config)
    if regions is not None:
        scores = region_means(scores, regions)
    scores = bounds.apply(scores)
    if config.crf != "none":
        scores = bounds.apply(dense_crf(image, scores, config.crf))
    return scores


@torch.inference_mode()
def _walked(
    scores: Probabilities,
    image: NDArray[np.uint8],
    network: EmbeddingNetwork,
    config: RelabelConfig,
) -> Probabilities:
    """Return scores after a random walk at a stride of 8 or more, (C, H, W)."""
    device = next(network.parameters()).device
    size = scores.shape[1:]
    stride = max(_STRIDE, math.ceil(math.sqrt(math.prod(size) / _MAX_CELLS)))
    cells = [-(-side // stride) for side in size]  # h, w
    pixels = torch.from_numpy(image.copy()).to(device).permute(2, 0, 1)[None].float() / 255
    # Embedding (1, D, H / s, W / s) -> (D, h, w); scores (C, H, W) -> (C, h, w)
    embedding = F.interpolate(network(pixels), cells, mode="bilinear", align_corners=False)[0]
    small = F.interpolate(torch.from_numpy(scores)[None].to(device), cells, mode="area")[0]
    walked = random_walk(small, embedding, sharpness=config.walk_sharpness, steps=config.walk_steps)
    large = F.interpolate(walked[None], size, mode="bilinear", align_corners=False)[0]  # (C, H, W)
    return large.cpu().numpy()


def _scores_of(
    maps: Activations, classes: ClassList, size: tuple[int, int], alpha: float
) -> Probabilities:
    """Return activation maps as scores of all classes, (C, H, W)."""
    large = maps.resized(size)  # (K, H, W), of the classes that it has
    scores = np.zeros((len(classes), *size), np.float32)
    scores[large.class_ids] = large.maps
    if classes.has_background:
        scores[0] = (1 - large.maps.max(axis=0, initial=0)) ** alpha
    return scores


def _segmenter(context: Context, network: EmbeddingNetwork, memory: Memory) -> Segmenter:
    recipe, config = context.recipe, context.recipe.relabel
    inference = replace(
        recipe.inference,
        scales=config.scales,
        flip=config.flip,
        crf="none",
        upsample="bilinear",  # the walk makes the scores coarse again
        labels="classifier" if config.start == "classifier" else "retrieval",
    )
    return Segmenter(network, context.classes, inference, memory, recipe.transforms.mirror_swap)
