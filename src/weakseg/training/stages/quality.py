"""How good the labels of training images are at a stage, where full masks are at hand to say so."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from weakseg.datasets.record_labels import record_labels
from weakseg.datasets.records import Record
from weakseg.evaluation.label_quality import label_quality
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.recipes.recipe import DataConfig
from weakseg.support.machine import is_first_process

_log = logging.getLogger("weakseg")
_MOST = 1000  # images that are looked at; more would say the same


def measured_quality(
    records: Sequence[Record], classes: ClassList, config: DataConfig, what: str
) -> dict[str, Any] | None:
    """Compare labels with masks that were not trained on, and tell the user.

    Args:
        records: Training images with their marks and pseudo-labels.
        classes: The classes.
        config: How marks are drawn.
        what: What to call the labels.

    Returns:
        The fields of `LabelQuality`; none where there is no mask to compare with.
    """
    known = [record for record in records if record.truth and record.marks.mask is None]
    known = known[:: -(-len(known) // _MOST) or 1]
    if not known or not is_first_process():
        return None
    quality = label_quality(_pairs(known, classes, config), classes.names)
    _log.info(
        "%s of %d images, against their masks: %.1f %% of pixels labelled, %.1f %% of those "
        "right, mIoU %.1f %% (unlabelled pixels count as wrong)",
        what,
        len(known),
        100 * quality.coverage,
        100 * quality.accuracy,
        100 * quality.miou_everywhere,
    )
    return quality.to_json()


def _pairs(
    records: Sequence[Record], classes: ClassList, config: DataConfig
) -> Iterator[tuple[LabelMap, LabelMap]]:
    for record in records:
        assert record.truth is not None
        truth = read_label_map(record.truth, num_classes=len(classes))
        size = (truth.shape[0], truth.shape[1])
        yield record_labels(record, size, classes, config), truth
