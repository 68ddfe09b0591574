"""Check of every file of a split before training, so that errors come first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from weakseg.datasets.records import Record, count_kinds, drawing_rules, record_labels
from weakseg.images.reading import check_image
from weakseg.marks.classes import ClassList
from weakseg.marks.rasterize import tags_of
from weakseg.recipes.recipe import DataConfig
from weakseg.support.progress import progress


@dataclass(frozen=True)
class Survey:
    """Counts over a split.

    Args:
        images: Number of images.
        kinds: Images that hold each kind of mark, of the kinds there are.
        unmarked: Images without any mark.
        labelled_pixels: Pixels that marks label, by class.
        pixels: Pixels of all images.
        tagged_images: Images that hold a class, by class.
        mask_values: All values in the label maps of images with a full mask.
    """

    images: int
    kinds: Mapping[str, int]
    unmarked: tuple[str, ...]
    labelled_pixels: tuple[int, ...]
    pixels: int
    tagged_images: tuple[int, ...]
    mask_values: frozenset[int] = frozenset()

    @property
    def labelled_fraction(self) -> float:
        """Fraction of pixels that marks label, 0 to 1."""
        return sum(self.labelled_pixels) / max(1, self.pixels)


def survey(records: Sequence[Record], classes: ClassList, config: DataConfig) -> Survey:
    """Read every image and every mark of a split once.

    Raises:
        DataError: Something cannot be read or does not fit; the message names the file.
    """
    # Grown scribbles hold no other classes, and growing is most of the work.
    rules = drawing_rules(config).ungrown

    def look(record: Record) -> tuple[int, list[int], list[bool], set[int]]:
        size = check_image(record.image)
        labels = record_labels(record, size, classes, config, rules=rules)
        counts = np.bincount(labels.ravel(), minlength=256)
        values = set(np.flatnonzero(counts).tolist()) if record.marks.mask else set()
        tags = tags_of(labels, record.marks, classes)
        return labels.size, counts[: len(classes)].tolist(), tags, values

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looked = pool.map(look, records)
        shown = progress(looked, "Checking the data", len(records))
        try:
            pixels, counts, tags, values = zip(*shown, strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Survey(
        images=len(records),
        kinds=count_kinds(records),
        unmarked=tuple(record.name for record in records if record.marks.is_empty),
        labelled_pixels=tuple(np.sum(counts, axis=0).tolist()),
        pixels=sum(pixels),
        tagged_images=tuple(np.sum(tags, axis=0).tolist()),
        mask_values=frozenset[int]().union(*values),
    )
