"""Which images a report shows: the best, those in the middle, the worst."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weakseg.datasets.folder import Record
from weakseg.evaluation import Scores, label_quality
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.report.score_table import percent

_SHOWN = 6
_COMPARED = 120  # images whose labels on disk are compared with the truth
_PREDICTED = 12  # images that are labelled only to be compared
_RANKS = {"best": "among the best", "median": "in the middle", "worst": "among the worst"}


@dataclass(frozen=True)
class Picked:
    """An image to show.

    Args:
        record: The image.
        note: Why it is shown.
    """

    record: Record
    note: str = ""


def pick(records: Sequence[Record], iou: Mapping[str, float]) -> list[Picked]:
    """Take the best, those in the middle and the worst; where no score is known, evenly.

    Args:
        records: Images.
        iou: Mean IoU of some of them, 0 to 1, by name.

    Returns:
        Six images, or fewer; those of three ranks from better to worse.
    """
    by_name = {record.name: record for record in records if record.name in iou}
    if not by_name:
        return [Picked(record) for record in spread(records)]
    known = {name: iou[name] for name in by_name}
    scores = Scores(("any",), np.zeros((1, 1), np.int64), single_image_iou=known)
    ranks = scores.example_images(_SHOWN // 3)
    return [
        Picked(by_name[name], _note(rank, len(known), known[name]))
        for rank, names in ranks.items()
        for name in names
    ]


def spread(records: Sequence[Record], count: int = _SHOWN) -> list[Record]:
    """Take some records, evenly over the whole list."""
    if len(records) <= count:
        return list(records)
    return [records[round(i * (len(records) - 1) / (count - 1))] for i in range(count)]


def agreement_on_disk(records: Sequence[Record], classes: ClassList) -> dict[str, float]:
    """Compare the labels that a stage left beneath the marks with the truth, image by image.

    Args:
        records: Training images; those without such labels or truth are passed over.
        classes: The classes.

    Returns:
        Mean IoU of up to 120 images, spread evenly, by name.
    """
    known = [record for record in records if record.beneath and record.truth]
    found = {}
    for record in spread(known, _COMPARED):
        assert record.beneath is not None
        labels = read_label_map(record.beneath, num_classes=len(classes))
        found[record.name] = agreement(labels, record, classes)
    return _numbers(found)


def agreement_of(
    predict: Callable[[Record], NDArray[np.uint8]], records: Sequence[Record], classes: ClassList
) -> dict[str, float]:
    """Compare predictions with the truth, image by image.

    Args:
        predict: Labels an image.
        records: Images; those without truth are passed over.
        classes: The classes.

    Returns:
        Mean IoU of up to 12 images, spread evenly, by name.
    """
    known = [record for record in records if record.truth]
    return _numbers(
        {
            record.name: agreement(predict(record), record, classes)
            for record in spread(known, _PREDICTED)
        }
    )


def agreement(labels: LabelMap, record: Record, classes: ClassList) -> float:
    """Give the mean IoU of labels with an image's truth; what is unlabelled counts as wrong.

    Args:
        labels: Label map, (H, W).
        record: The image, whose truth is known.
        classes: The classes.

    Returns:
        0 to 1, over the classes in the truth; NaN where there are none.
    """
    assert record.truth is not None
    size = (labels.shape[0], labels.shape[1])
    truth = read_label_map(record.truth, num_classes=len(classes), image_size=size)
    return label_quality([(labels, truth)], classes.names).miou_everywhere


def _numbers(found: Mapping[str, float]) -> dict[str, float]:
    return {name: iou for name, iou in found.items() if not math.isnan(iou)}


def _note(rank: str, images: int, iou: float) -> str:
    score = f"mean IoU {percent(iou)} %"
    return score if images == 1 else f"{_RANKS[rank]} of {images} images: {score}"
