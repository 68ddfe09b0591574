"""Stage relabel: let the trained embedding refine the labels of its own training images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from weakseg.datasets.record_labels import record_labels
from weakseg.datasets.records import Record
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.inference.bounds import Bounds
from weakseg.inference.memory import Memory
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, write_label_map
from weakseg.marks.label_values import UNLABELLED
from weakseg.models import EmbeddingNetwork
from weakseg.oversegments import load_oversegment, region_means
from weakseg.recipes.recipe import Recipe, RelabelConfig
from weakseg.refine.crf import dense_crf
from weakseg.refine.random_walk import random_walk
from weakseg.seeds import Activations, normalise_by_class
from weakseg.support.progress import progress
from weakseg.training.processes import split_among_processes, wait_for_all
from weakseg.training.stages.folder import Stage
from weakseg.training.stages.quality import measured_quality
from weakseg.training.stages.seeds import maps_of

_STRIDE = 8  # of the random walk, as in the paper
_MOST_CELLS = 11_000  # on a larger photograph the stride is coarser: time grows with the square


def relabel(
    recipe: Recipe,
    network: EmbeddingNetwork,
    memory: Memory,
    records: Sequence[Record],
    classes: ClassList,
    stage: Stage,
    seeds: Stage,
    *,
    oversegments: Path | None,
) -> list[Record]:
    """Refine the labels of training images that are marked in part.

    Args:
        recipe: The recipe.
        network: The network of stage embed.
        memory: Its labelled prototypes.
        records: Training images with their marks and seeds.
        classes: The classes.
        stage: The stage's folder.
        seeds: The folder of stage seeds, for activation maps.
        oversegments: Folder of region maps, for labels that end where regions do.

    Returns:
        The same images; those that could be refined lie upon refined labels.
    """
    stage.open()
    config = recipe.relabel
    # An image without marks has no tags to keep to; a full mask cannot be bettered.
    wanting = [
        record for record in records if not record.marks.is_empty and record.marks.mask is None
    ]
    paths = {record.name: stage.root / "labels" / f"{record.name}.png" for record in wanting}
    if not stage.is_complete():
        missing = stage.missing(paths.values())
        segmenter = _segmenter(recipe, network, memory, classes)
        lacking = [
            record for record in split_among_processes(wanting) if paths[record.name] in missing
        ]
        for record in progress(lacking, "Refining labels", len(lacking)):
            maps = maps_of(record, seeds) if config.start == "seeds" else None
            regions = None
            if config.regions and oversegments is not None:
                regions = load_oversegment(oversegments / f"{record.name}.png")
            labels = refined_labels(record, segmenter, recipe, maps=maps, regions=regions)
            write_label_map(paths[record.name], labels)
        wait_for_all()
        before = measured_quality(wanting, classes, recipe.data, "labels before refinement")
        after = measured_quality(
            [_with_labels(record, paths) for record in wanting],
            classes,
            recipe.data,
            "refined labels",
        )
        stage.finish(paths.values(), before=before, quality=after)
    return [_with_labels(record, paths) for record in records]


def _with_labels(record: Record, paths: Mapping[str, Path]) -> Record:
    return replace(record, pseudo_labels=paths[record.name]) if record.name in paths else record


def refined_labels(
    record: Record,
    segmenter: Segmenter,
    recipe: Recipe,
    *,
    maps: Activations | None = None,
    regions: NDArray[np.int32] | None = None,
) -> LabelMap:
    """Refine the labels of one image: scores, bound by its marks; random walk; regions; dense CRF.

    Args:
        record: The image with its marks.
        segmenter: The predictor that gives the first scores.
        recipe: The recipe.
        maps: Activation maps to begin with, in place of the predictor's scores.
        regions: Region ids, (H, W), over which scores are averaged.

    Returns:
        Label map, (H, W); all unlabelled where the marks name no class.
    """
    config, classes = recipe.relabel, segmenter.classes
    image = read_image(record.image)
    size = (image.shape[0], image.shape[1])
    sure = record if _keeps_seeds(record, config) else replace(record, pseudo_labels=None)
    labels = record_labels(sure, size, classes, recipe.data)
    bounds = Bounds(labels, record.marks, classes)
    if not bounds.is_marked:
        return np.full(size, UNLABELLED, np.uint8)
    if maps is None:
        scores = segmenter.limited_to(bounds.allowed).probabilities(image)
    else:
        scores = _scores_of(maps, classes, size, recipe.seeds.alpha)
    scores[~bounds.allowed] = 0
    if config.normalise:  # before marks are bound, which are sure already
        scores = normalise_by_class(scores, minimum=config.min_peak)
    scores = bounds.apply(scores)
    if config.walk:
        scores[bounds.allowed] = _walked(scores[bounds.allowed], image, segmenter.network, config)
    if regions is not None:
        scores = region_means(scores, regions)
    scores = bounds.apply(scores)
    if config.crf != "none":
        scores = bounds.apply(dense_crf(image, scores, config.crf))
    confident = scores.max(axis=0) >= config.confidence
    refined: LabelMap = np.where(confident, scores.argmax(axis=0), UNLABELLED).astype(np.uint8)
    return refined


def _keeps_seeds(record: Record, config: RelabelConfig) -> bool:
    return not record.marks.only(set(config.keep_seeds)).is_empty


@torch.inference_mode()
def _walked(
    scores: NDArray[np.float32],
    image: NDArray[np.uint8],
    network: EmbeddingNetwork,
    config: RelabelConfig,
) -> NDArray[np.float32]:
    """Walk at a stride of 8 or more, and give the scores at the image's size again, (C, H, W)."""
    device = next(network.parameters()).device
    size = scores.shape[1:]
    stride = max(_STRIDE, math.ceil(math.sqrt(math.prod(size) / _MOST_CELLS)))
    cells = [-(-side // stride) for side in size]
    pixels = torch.from_numpy(image.copy()).to(device).permute(2, 0, 1)[None].float() / 255
    embedding = F.interpolate(network(pixels), cells, mode="bilinear", align_corners=False)[0]
    small = F.interpolate(torch.from_numpy(scores)[None].to(device), cells, mode="area")[0]
    walked = random_walk(small, embedding, sharpness=config.walk_sharpness, steps=config.walk_steps)
    large = F.interpolate(walked[None], size, mode="bilinear", align_corners=False)[0]
    return large.cpu().numpy()


def _scores_of(
    maps: Activations, classes: ClassList, size: tuple[int, int], alpha: float
) -> NDArray[np.float32]:
    large = maps.resized(size)
    scores = np.zeros((len(classes), *size), np.float32)
    scores[large.class_ids] = large.maps
    if classes.has_background:
        scores[0] = (1 - large.maps.max(axis=0, initial=0)) ** alpha
    return scores


def _segmenter(
    recipe: Recipe, network: EmbeddingNetwork, memory: Memory, classes: ClassList
) -> Segmenter:
    config = recipe.relabel
    inference = replace(
        recipe.inference,
        scales=config.scales,
        flip=config.flip,
        crf="none",
        labels="classifier" if config.start == "classifier" else "retrieval",
    )
    return Segmenter(network, classes, inference, memory, recipe.transforms.mirror_swap)
