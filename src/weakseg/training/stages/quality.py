"""Quality of pseudo-labels, where training images have a ground truth to measure it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from weakseg.datasets.records import Record, record_labels
from weakseg.evaluation.label_quality import label_quality
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.support.machine import is_first_process
from weakseg.support.wording import counted
from weakseg.training.stages.context import Context

_log = logging.getLogger("weakseg")
_MAX_IMAGES = 1000  # more would hardly change the figures


def measure_quality(
    context: Context, records: Sequence[Record], what: str
) -> dict[str, Any] | None:
    """Compare labels with masks that were not trained on, and log the figures.

    Returns:
        The fields of `LabelQuality`; none where there is no mask to compare with.
    """
    known = [record for record in records if record.truth and record.marks.mask is None]
    known = known[:: -(-len(known) // _MAX_IMAGES) or 1]
    if not known or not is_first_process():
        return None
    quality = label_quality(_label_pairs(context, known), context.classes.names)
    _log.info(
        "%s of %s, against their masks: %.1f %% of pixels labelled, %.1f %% of those "
        "right, mIoU %.1f %% (unlabelled pixels count as wrong)",
        what,
        counted(len(known), "image"),
        100 * quality.coverage,
        100 * quality.accuracy,
        100 * quality.miou_everywhere,
    )
    return quality.to_json()


def _label_pairs(
    context: Context, records: Sequence[Record]
) -> Iterator[tuple[LabelMap, LabelMap]]:
    """Yield labels and ground truth, (H, W) each."""
    for record in records:
        assert record.truth is not None
        truth = read_label_map(record.truth, num_classes=len(context.classes))
        size = (truth.shape[0], truth.shape[1])
        yield record_labels(record, size, context.classes, context.recipe.data), truth
