"""One image of a data set with its marks, and the label map that they make."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.images.reading import image_size
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import MARK_KINDS, Marks
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.rasterize import DrawingRules, lay_over, rasterize, tags_of
from weakseg.recipes.recipe import DataConfig
from weakseg.support.contents import content_stamp


@dataclass(frozen=True)
class Record:
    """One image with its marks.

    Args:
        name: Path inside the folder of images, without the ending.
        image: The image file.
        marks: Marks to train on.
        truth: Label map of the ground truth, for scoring.
        pseudo_labels: Label map that a stage of the run made; the marks are drawn over it.
    """

    name: str
    image: Path
    marks: Marks
    truth: Path | None
    pseudo_labels: Path | None = None


def with_truth_as_mark(record: Record) -> Record:
    """Return the same image with its ground truth as its only mark."""
    return replace(record, marks=Marks(mask=record.truth))


def count_kinds(records: Iterable[Record]) -> dict[str, int]:
    """Count the images that hold each kind of mark; kinds that none holds are left out."""
    counts = Counter(kind for record in records for kind in record.marks.kinds)
    return {kind: counts[kind] for kind in MARK_KINDS if counts[kind]}


def record_labels(
    record: Record,
    size: tuple[int, int],
    classes: ClassList,
    config: DataConfig,
    *,
    rules: DrawingRules | None = None,
) -> LabelMap:
    """Return an image's label map, (H, W): its marks, drawn, over its pseudo-labels.

    The marks are drawn as in training, or by other rules.

    Raises:
        DataError: A mark does not fit.
    """
    rules = rules or drawing_rules(config)
    labels = rasterize(record.marks, size, classes, rules, image=record.name)
    if record.pseudo_labels is None:
        return labels
    found = read_label_map(record.pseudo_labels, num_classes=len(classes), image_size=size)
    lay_over(found, labels)
    return found


def record_tags(record: Record, classes: ClassList, config: DataConfig) -> list[bool]:
    """Return which classes an image holds by its marks, (C,); background is no tag."""
    marked = replace(record, pseudo_labels=None)
    rules = drawing_rules(config).ungrown  # grown scribbles hold no other classes
    labels = record_labels(marked, image_size(record.image), classes, config, rules=rules)
    return tags_of(labels, record.marks, classes)


def drawing_rules(config: DataConfig) -> DrawingRules:
    """Return how marks are drawn in training."""
    return DrawingRules(config.point_radius, config.scribble_dilation, config.boxes_complete)


def fingerprint(records: Sequence[Record]) -> str:
    """Return a hash of images and marks by their content, so that a copied data folder is equal."""
    lines = (
        f"{record.name} {content_stamp(record.image)} {_marks(record.marks)}" for record in records
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _marks(marks: Marks) -> str:
    files = [path for path in (marks.scribbles, marks.mask) if path is not None]
    stamps = [content_stamp(path) for path in files]
    drawn = {key: value for key, value in vars(marks).items() if not isinstance(value, Path)}
    tags = sorted(drawn.pop("tags"))
    return f"{tags} {sorted(drawn.items())} {stamps}"
