"""The choice of images for a report: the best, the median and the worst."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from weakseg.datasets.records import Record
from weakseg.evaluation.label_quality import label_quality
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.report.kit.formats import percent

_SHOWN = 6
_RANKS = {"best": "among the best", "median": "in the middle", "worst": "among the worst"}


@dataclass(frozen=True)
class Picked:
    """An image chosen for a report."""

    record: Record
    note: str = ""  # reason of the choice


def pick(records: Sequence[Record], iou: Mapping[str, float]) -> list[Picked]:
    """Choose the best, median and worst images, or evenly spaced ones without scores.

    Args:
        records: Images.
        iou: Mean IoU of some of them, 0 to 1, by name.

    Returns:
        Up to six images, from best to worst.
    """
    by_name = {record.name: record for record in records if record.name in iou}
    if not by_name:
        return [Picked(record) for record in spread(records)]
    ranks = example_images({name: iou[name] for name in by_name}, _SHOWN // 3)
    return [
        Picked(by_name[name], _note(rank, len(by_name), iou[name]))
        for rank, names in ranks.items()
        for name in names
    ]


def example_images(iou: Mapping[str, float], each: int = 1) -> dict[str, list[str]]:
    """Return the names of the best, the median and the worst images.

    Args:
        iou: Mean IoU of images, by name.
        each: Number of each kind; fewer if there are not three times as many images.

    Returns:
        Names by ``best``, ``median`` and ``worst``, each from better to worse; no image is in
        two of them.

    Examples:
        >>> example_images({"a": 0.2, "b": 0.9, "c": 0.6, "d": 0.5})
        {'best': ['b'], 'median': ['c'], 'worst': ['a']}
    """
    ranked = sorted(iou, key=lambda name: -iou[name])
    each = min(each, max(1, len(ranked) // 3))
    best, rest = ranked[:each], ranked[each:]
    between, worst = rest[: max(0, len(rest) - each)], rest[max(0, len(rest) - each) :]
    start = max(0, len(between) - each) // 2
    return {"best": best, "median": between[start : start + each], "worst": worst}


def spread(records: Sequence[Record], count: int = _SHOWN) -> list[Record]:
    """Choose some records, evenly spaced over the whole list."""
    if len(records) <= count:
        return list(records)
    return [records[round(i * (len(records) - 1) / (count - 1))] for i in range(count)]


def agreements(
    records: Sequence[Record],
    classes: ClassList,
    labels_of: Callable[[Record], LabelMap],
    count: int,
) -> dict[str, float]:
    """Compare labels with the ground truth, image by image.

    Args:
        records: Images; those without ground truth are skipped.
        classes: The classes.
        labels_of: Returns the label map of an image.
        count: Maximal number of compared images, evenly spaced.

    Returns:
        `agreement` by name, where it is not NaN.
    """
    known = [record for record in records if record.truth]
    found = {
        record.name: agreement(labels_of(record), record, classes)
        for record in spread(known, count)
    }
    return {name: iou for name, iou in found.items() if not math.isnan(iou)}


def agreement(labels: LabelMap, record: Record, classes: ClassList) -> float:
    """Return the mean IoU of labels with an image's ground truth; unlabelled counts as wrong.

    Args:
        labels: Label map, (H, W).
        record: An image with ground truth.
        classes: The classes.

    Returns:
        0 to 1, over the classes in the ground truth; NaN where there are none.
    """
    assert record.truth is not None
    size = (labels.shape[0], labels.shape[1])
    truth = read_label_map(record.truth, num_classes=len(classes), image_size=size)
    return label_quality([(labels, truth)], classes.names).miou_everywhere


def _note(rank: str, images: int, iou: float) -> str:
    score = f"mean IoU {percent(iou, unit=True)}"
    return score if images == 1 else f"{_RANKS[rank]} of {images} images: {score}"
