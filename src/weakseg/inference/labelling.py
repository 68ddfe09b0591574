"""Partly marked images -> full masks that keep to the marks, with confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weakseg.datasets.records import Record, drawing_rules, record_labels
from weakseg.images.reading import read_image
from weakseg.inference.bounds import Bounds
from weakseg.inference.groups import in_groups
from weakseg.inference.segmenter import Segmenter
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import VOID
from weakseg.recipes.recipe import DataConfig
from weakseg.refine.crf import dense_crf


@dataclass(frozen=True)
class LabelledImage:
    """A marked image with its full mask.

    Args:
        record: The image with its marks.
        image: RGB, (H, W, 3), 8 bits.
        mask: Class ids, and void where a person marked it, (H, W), 8 bits.
        confidence: Probability of the mask's class, 1 where a person marked it, (H, W).
        is_marked: A mark names a class; otherwise the image was labelled without bounds.
        is_complete: Marks leave no pixel open.
        missing: Classes, but for background, that marks name and no pixel of the mask has.
    """

    record: Record
    image: NDArray[np.uint8]
    mask: LabelMap
    confidence: NDArray[np.float32]
    is_marked: bool
    is_complete: bool
    missing: tuple[int, ...]


@dataclass(frozen=True)
class _Task:
    """An image and the bounds of its mask."""

    record: Record
    image: NDArray[np.uint8]
    bounds: Bounds

    @property
    def key(self) -> tuple[object, ...]:
        """What images that are labelled together have in common."""
        return self.image.shape, self.bounds.allowed.tobytes(), self.bounds.is_complete


def label_images(
    segmenter: Segmenter, records: Iterable[Record], config: DataConfig
) -> Iterator[LabelledImage]:
    """Label images in one pass, each within the bounds of its own marks.

    Marked pixels keep their class, or stay void; discs of clicks have a radius of at most
    `CERTAIN_RADIUS` and scribbles do not grow. Classes that no mark of an image names do not
    appear in it, and boxed ones stay inside their boxes.

    Args:
        segmenter: The predictor.
        records: Images with their marks. However many they are, few are in memory at a time.
        config: How marks are drawn.

    Yields:
        Labelled images, not always in the order of `records`.

    Raises:
        DataError: A file cannot be read, or a mark does not fit.
    """
    tasks = (_task(record, segmenter, config) for record in records)
    groups = in_groups(
        tasks,
        size=segmenter.config.batch,
        key=lambda task: task.key,
        pixels=lambda task: task.bounds.labels.size,
    )
    for group in groups:
        yield from _label_group(segmenter, group)


def _task(record: Record, segmenter: Segmenter, config: DataConfig) -> _Task:
    image = read_image(record.image)
    size, classes = (image.shape[0], image.shape[1]), segmenter.classes
    labels = record_labels(record, size, classes, config, rules=drawing_rules(config).certain)
    return _Task(record, image, Bounds(labels, record.marks, classes))


def _label_group(segmenter: Segmenter, group: Sequence[_Task]) -> Iterator[LabelledImage]:
    """Label images of one size with the same classes."""
    bounds = group[0].bounds
    if bounds.is_complete:
        for task in group:
            sure = np.ones(bounds.labels.shape, np.float32)
            yield _labelled(task, task.bounds.labels.copy(), sure)
        return
    limited = segmenter.limited_to(bounds.allowed)
    if segmenter.config.crf != "none":
        yield from _label_whole(limited, group)
    else:
        yield from _label_by_tiles(limited, group)


def _label_by_tiles(segmenter: Segmenter, group: Sequence[_Task]) -> Iterator[LabelledImage]:
    images = np.stack([task.image for task in group])  # (B, H, W, 3)
    masks = np.empty(images.shape[:3], np.uint8)
    confidence = np.empty(images.shape[:3], np.float32)
    for window, parts in segmenter.tile_probabilities(images):
        for number, (task, part) in enumerate(zip(group, parts, strict=True)):
            bound = task.bounds.apply(part, window)  # (C, h, w)
            masks[number, *window] = bound.argmax(axis=0)
            confidence[number, *window] = bound.max(axis=0)
    for task, mask, sure in zip(group, masks, confidence, strict=True):
        yield _labelled(task, mask, sure)


def _label_whole(segmenter: Segmenter, group: Sequence[_Task]) -> Iterator[LabelledImage]:
    """Label with the dense CRF, which needs the whole image."""
    images = np.stack([task.image for task in group])  # (B, H, W, 3)
    for task, predicted in zip(group, segmenter.probabilities_batch(images), strict=True):
        sharp = dense_crf(task.image, task.bounds.apply(predicted), segmenter.config.crf)
        bound = task.bounds.apply(sharp)  # (C, H, W); once more, as the CRF may overrule marks
        yield _labelled(task, bound.argmax(axis=0).astype(np.uint8), bound.max(axis=0))


def _labelled(task: _Task, mask: LabelMap, confidence: NDArray[np.float32]) -> LabelledImage:
    bounds = task.bounds
    void = bounds.labels == VOID
    mask[void], confidence[void] = VOID, 1
    present = np.unique(mask)
    return LabelledImage(
        task.record,
        task.image,
        mask,
        confidence,
        is_marked=bounds.is_marked,
        is_complete=bounds.is_complete,
        missing=tuple(class_id for class_id in bounds.named if class_id not in present),
    )
