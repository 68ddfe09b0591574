"""Comparison of variants of one predictor: its label sources, without and with CRF."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
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
from weakseg.recipes.recipe import CrfPreset, InferenceConfig, LabelBy
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

    def probabilities_by_source(
        self, image: NDArray[np.uint8], sources: Sequence[LabelBy], /
    ) -> Sequence[NDArray[np.float32]]:
        """Return the probabilities by each source of labels, (C, H, W), before any CRF."""
        ...


def score_variants(
    predictor: Predictor,
    records: Sequence[Record],
    split: str,
    *,
    labels: Sequence[LabelBy] = (),
    crf: Sequence[CrfPreset] = ("none",),
    instances: Mapping[str, Path] | None = None,
) -> list[Variant]:
    """Score a predictor by each source of labels with every CRF, with one look at each image.

    Args:
        predictor: The predictor.
        records: Images with full masks.
        split: Name of their split, for the protocol.
        labels: Sources of labels; by default the predictor's own.
        crf: Presets of the dense CRF, ``none`` for masks without; they replace the predictor's own.
        instances: Maps of instances, by name of the image.

    Returns:
        One variant for each source and preset, in their order.

    Raises:
        DataError: A file cannot be read, or an image and its mask differ in size.
        MissingExtraError: The dense CRF is requested and not installed.
    """
    instances = instances or {}
    classes, sources = predictor.classes, labels or [predictor.config.labels]
    counts = [[Confusion(classes.names) for _ in crf] for _ in sources]
    for record in progress(records, f"Scoring {split}", len(records)):
        assert record.truth is not None
        image = read_image(record.image)
        truth, own = read_truth(record.name, record.truth, len(classes), instances, image.shape[:2])
        every = predictor.probabilities_by_source(image, sources)  # (C, H, W) each
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
    for source, row in zip(sources, counts, strict=True):
        for preset, confusion in zip(crf, row, strict=True):
            config = replace(predictor.config, labels=source, crf=preset)
            protocol = Protocol.of(config, split, len(records), notes=(note,))
            name = _name(protocol, len(sources) > 1, len(crf) > 1)
            variants.append(Variant(name, confusion.compute(), protocol))
    return variants


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
