"""Images of the demo from their scribbles to masks, for its pictures and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from weakseg.datasets.records import Record
from weakseg.images.reading import image_size
from weakseg.inference import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.recipes.recipe import DataConfig
from weakseg.report.kit.chips import draw_chip, font
from weakseg.report.kit.overlays import overlay_marks
from weakseg.report.kit.strips import strip
from weakseg.report.run.page import Example
from weakseg.report.run.panels import Panels
from weakseg.report.run.panels import example as predicted_example
from weakseg.report.run.pick import agreements
from weakseg.support.files import replacing

_FRACTIONS = (0.75, 0.5, 0.25)


def photograph_example(record: Record, mask: Path, classes: ClassList) -> Example:
    """Return the panels of a photograph: itself, with its scribbles, and with its mask.

    Args:
        record: The photograph and its scribbles.
        mask: File of the predicted label map.
        classes: The classes.
    """
    size = image_size(record.image)
    plain, scribbles, masked = (
        overlay_marks(record.image, size, marks, classes)
        for marks in (Marks(), record.marks, Marks(mask=mask))
    )
    labels = read_label_map(mask, num_classes=len(classes))
    _write_names(masked, labels, classes)
    panels = zip(("photograph", "scribbles", "mask"), (plain, scribbles, masked), strict=True)
    return Example(record.name, [(name, np.asarray(picture)) for name, picture in panels])


def _write_names(picture: Image.Image, labels: LabelMap, classes: ClassList) -> None:
    """Write the name of every class but background in the middle of its pixels."""
    pen = ImageDraw.Draw(picture)
    scale = picture.height / labels.shape[0]
    for class_id in np.unique(labels[labels > 0]).tolist():
        y, x = (scale * float(np.median(places)) for places in np.nonzero(labels == class_id))
        name = classes.names[class_id]
        left = x - font().getlength(name) / 2
        draw_chip(pen, round(left), round(y), name, class_id, picture.size)


def refined_examples(
    records: Sequence[Record], classes: ClassList, data: DataConfig
) -> list[Example]:
    """Return three training images with scribbles, pseudo-labels and ground truth.

    Args:
        records: The training images with their pseudo-labels and ground truth.
        classes: The classes.
        data: How marks are drawn.

    Returns:
        Those at `ranked` of the pseudo-labels' agreement with the ground truth.
    """
    read = partial(read_label_map, num_classes=len(classes))
    iou = agreements(records, classes, lambda r: read(r.pseudo_labels or Path()), len(records))
    examples = []
    for record in ranked(records, iou):
        panels = Panels(record, classes, data)
        panels.add_marks()
        panels.add_stage("pseudo-labels", record)
        panels.add_truth()
        shown = panels.example()
        named = [("scribbles" if name == "marks" else name, each) for name, each in shown.panels]
        examples.append(replace(shown, panels=named))
    return examples


def new_examples(
    records: Sequence[Record],
    iou: Mapping[str, float],
    segmenters: Mapping[str, Segmenter],
    data: DataConfig,
) -> list[Example]:
    """Return three new images, with the mask of every segmenter and the ground truth.

    Args:
        records: Images that were not trained on.
        iou: Mean IoU of each by name, of the masks that choose the images.
        segmenters: Predictors by caption.
        data: How marks are drawn.
    """
    classes = next(iter(segmenters.values())).classes
    return [predicted_example(each, classes, data, segmenters) for each in ranked(records, iou)]


def ranked(records: Sequence[Record], iou: Mapping[str, float]) -> list[Record]:
    """Choose the images at three quarters, the middle and a quarter of the scores.

    Args:
        records: Images.
        iou: Mean IoU by name, 0 to 1, of at least one of them.

    Examples:
        >>> records = [Record(name, Path(), Marks(), None) for name in "abcde"]
        >>> scores = dict(zip("abcde", (0.1, 0.9, 0.5, 0.3, 0.7)))
        >>> [record.name for record in ranked(records, scores)]
        ['e', 'c', 'd']
    """
    ordered = sorted(
        (record for record in records if record.name in iou), key=lambda r: iou[r.name]
    )
    return [ordered[round(fraction * (len(ordered) - 1))] for fraction in _FRACTIONS]


def write_strip(
    path: Path, examples: Sequence[Example], captions: Sequence[str], height: int
) -> None:
    """Write some panels of images as one PNG, a row each.

    Args:
        path: The file; it appears only once it is whole.
        examples: Images with the same panels.
        captions: Panels to show, in this order.
        height: Height of a picture in pixels.
    """
    panels = [dict(example.panels) for example in examples]
    picture = strip(captions, [[own[name] for name in captions] for own in panels], height=height)
    with replacing(path) as beside:
        # 256 colours: a third of the bytes
        picture.quantize(dither=Image.Dither.FLOYDSTEINBERG).save(beside, "PNG", optimize=True)
