"""Comparison of variants of one predictor: its label sources, without and with CRF."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weakseg.datasets.records import Record
from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.ground_truth import instance_note, read_truth
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.images.reading import read_image
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap
from weakseg.recipes.recipe import CrfPreset, InferenceConfig
from weakseg.support.progress import progress

if typing.TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Variant:
    """Scores of one variant, which its name tells from the others."""

    name: str
    scores: Scores
    protocol: Protocol


class Predictor(typing.Protocol):
    """A predictor to score, such as `weakseg.Segmenter`."""

    classes: ClassList
    config: InferenceConfig

    def probabilities(self, image: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Return the probabilities of all classes, (C, H, W), before any CRF."""
        ...


def score_variants(
    predictors: Sequence[Predictor],
    records: Sequence[Record],
    split: str,
    *,
    crf: Sequence[CrfPreset] = ("none",),
    instances: Mapping[str, Path] | None = None,
) -> list[Variant]:
    """Score every predictor with every CRF, with one prediction of each image.

    Labels by both sources are the mean of the two others, where these are among the predictors and
    upsampling is bilinear.

    Args:
        predictors: Predictors that differ in the source of their labels alone.
        records: Images with full masks.
        split: Name of their split, for the protocol.
        crf: Presets of the dense CRF, ``none`` for masks without; they replace the predictors' own.
        instances: Maps of instances, by name of the image.

    Returns:
        One variant for each predictor and preset, in their order.

    Raises:
        DataError: A file cannot be read, or an image and its mask differ in size.
        MissingExtraError: The dense CRF is requested and not installed.
    """
    instances = instances or {}
    classes = predictors[0].classes
    counts = [[Confusion(classes.names) for _ in crf] for _ in predictors]
    for record in progress(records, f"Scoring {split}", len(records)):
        assert record.truth is not None
        image = read_image(record.image)
        truth, own = read_truth(record.name, record.truth, len(classes), instances, image.shape[:2])
        every = _probabilities(predictors, image)
        for probabilities, row in zip(every, counts, strict=True):
            for preset, confusion in zip(crf, row, strict=True):
                confusion.update(
                    _labels(image, probabilities, preset),
                    truth,
                    record.image,
                    truth_name=record.truth,
                    image=record.name,
                    instances=own,
                )
    note = instance_note(len(instances), len(records))
    variants = []
    for predictor, row in zip(predictors, counts, strict=True):
        for preset, confusion in zip(crf, row, strict=True):
            config = replace(predictor.config, crf=preset)
            protocol = Protocol.of(config, split, len(records), notes=(note,))
            name = _name(protocol, len(predictors) > 1, len(crf) > 1)
            variants.append(Variant(name, confusion.compute(), protocol))
    return variants


def _probabilities(
    predictors: Sequence[Predictor], image: NDArray[np.uint8]
) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities by every predictor, (C, H, W)."""
    known: dict[str, NDArray[np.float32]] = {}
    for predictor in predictors:
        source, upsample = predictor.config.labels, predictor.config.upsample
        has_both = {"retrieval", "classifier"} <= known.keys()
        if source == "both" and has_both and upsample == "bilinear":  # guided is not linear
            yield np.asarray((known["retrieval"] + known["classifier"]) / 2, np.float32)
        else:
            known[source] = predictor.probabilities(image)
            yield known[source]


def _labels(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], preset: CrfPreset
) -> LabelMap:
    if preset != "none":
        from weakseg.refine.crf import dense_crf  # an extra, not always installed

        probabilities = dense_crf(image, probabilities, preset)
    return np.asarray(probabilities.argmax(axis=0), np.uint8)


def _name(protocol: Protocol, by_labels: bool, by_crf: bool) -> str:
    labels = [protocol.labels] if by_labels or not by_crf else []
    return ", ".join([*labels, *([protocol.crf_name] if by_crf else [])])
