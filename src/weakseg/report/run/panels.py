"""Panels of one image in a report, from its marks to its final mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weakseg.datasets.records import Record, record_labels
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.label_values import UNLABELLED
from weakseg.marks.palette import overlay_labels
from weakseg.oversegments.contours import overlay_contours
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.recipes.recipe import DataConfig
from weakseg.report.kit.chips import TEXT_SIZE, draw_chip, label_name
from weakseg.report.kit.formats import percent
from weakseg.report.kit.overlays import overlay_marks
from weakseg.report.kit.pictures import display_size, shrunk
from weakseg.report.run.page import Example
from weakseg.report.run.pick import agreement

_GAP = 4
_LINE = TEXT_SIZE + 8


class Panels:
    """Panels of one image, added one by one, and the classes they show.

    Args:
        record: The image; it is the first panel.
        classes: The classes.
        data: How marks are drawn.
        compare: Append to the captions of label maps their agreement with the ground truth.
    """

    def __init__(
        self, record: Record, classes: ClassList, data: DataConfig, *, compare: bool = False
    ) -> None:
        self.record = record
        self.classes = classes
        self.data = data
        self.compare = compare and record.truth is not None
        self.image = read_image(record.image)
        self.pictures = [("image", shrunk(self.image))]
        self.seen: set[int] = set()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.image.shape[0], self.image.shape[1]

    def add_marks(self) -> None:
        """Add the marks; classes that are named by a tag alone are written in the corner."""
        record = self.record
        picture = overlay_marks(record.image, self.size, record.marks, self.classes)
        pen = ImageDraw.Draw(picture)
        drawn = replace(record.marks, tags=frozenset()).named_classes
        for row, tag in enumerate(sorted(record.marks.tags - drawn)):
            name = label_name(tag, self.classes.names)
            draw_chip(pen, _GAP, _GAP + row * _LINE, name, tag, picture.size)
        labels = record_labels(
            replace(record, pseudo_labels=None), self.size, self.classes, self.data
        )
        self.seen |= record.marks.named_classes | set(np.unique(labels).tolist())
        self.pictures.append(("marks", np.asarray(picture)))

    def add_stage(self, caption: str, record: Record) -> None:
        """Add the labels for training: the marks over the pseudo-labels of a stage."""
        self.add_labels(caption, record_labels(record, self.size, self.classes, self.data))

    def add_labels(self, caption: str, labels: LabelMap) -> None:
        """Add a label map, transparent where it is unlabelled."""
        if self.compare:
            caption += f": {percent(agreement(labels, self.record, self.classes), unit=True)}"
        self._paint(caption, labels)

    def add_regions(self, path: Path) -> None:
        """Add the outlines of oversegments."""
        regions = load_oversegment(path, self.size)
        self.pictures.append(("oversegments", _contours(self.image, regions)))

    def add_embedding(self, colours: NDArray[np.uint8]) -> None:
        """Add the colours of the embedding, (h, w, 3), at the size of the other panels."""
        size = shrunk(self.image).shape[1::-1]
        picture = Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR)
        self.pictures.append(("embedding", np.asarray(picture)))

    def add_truth(self) -> None:
        """Add the ground truth, where there is one."""
        if self.record.truth is None:
            return
        truth = read_label_map(
            self.record.truth, num_classes=len(self.classes), image_size=self.size
        )
        self._paint("truth", truth)

    def _paint(self, caption: str, labels: LabelMap) -> None:
        self.seen |= set(np.unique(labels).tolist())
        self.pictures.append((caption, shrunk(overlay_labels(self.image, labels, opacity=1))))

    def example(self, note: str = "") -> Example:
        """Return the panels so far as an example of a gallery."""
        return Example(self.record.name, self.pictures, note, frozenset(self.seen) - {UNLABELLED})


def example(
    record: Record,
    classes: ClassList,
    data: DataConfig,
    segmenters: Mapping[str, Segmenter],
    *,
    marks: bool = False,
) -> Example:
    """Return the panels of an image: optionally its marks, predictions by caption, ground truth."""
    panels = Panels(record, classes, data)
    if marks:
        panels.add_marks()
    for caption, segmenter in segmenters.items():
        panels.add_labels(caption, segmenter.predict(panels.image))
    panels.add_truth()
    return panels.example()


def _contours(image: NDArray[np.uint8], regions: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Draw outlines at display size, so that all lines have the same width."""
    shown = display_size((regions.shape[0], regions.shape[1]), enlarge=True)
    picture = Image.fromarray(image).resize(shown[::-1], Image.Resampling.LANCZOS)
    rows, columns = (
        np.arange(small) * large // small for small, large in zip(shown, regions.shape, strict=True)
    )
    return overlay_contours(np.asarray(picture), regions[rows[:, None], columns])
