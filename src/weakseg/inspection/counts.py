"""Result of an inspection, and the counting over images that leads to it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np

from weakseg.datasets.splits import no_split_message
from weakseg.inspection.image_inspection import ImageInspection
from weakseg.inspection.sample import Sampler
from weakseg.marks.binary_masks import binary_question
from weakseg.marks.classes import ClassList, odd_names
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding, FindingLog, Oddity
from weakseg.marks.kinds import MARK_KINDS
from weakseg.marks.label_values import MAX_CLASSES, VOID
from weakseg.support.wording import counted

_TOP_PAIRS = 10
_EXAMPLES = 5


@dataclass(frozen=True)
class ClassCounts:
    """Counts of one class.

    Args:
        name: Its name.
        images: Number of images in which it is marked.
        marks: Number of marks by kind; a tag, or a class in a label map, is one mark an image.
        pixels: Number of pixels labelled with it.
        share_in_boxes: Fraction of its masks' pixels inside its boxes, of connected areas that
            meet one, over the images that have both; None where there is no such area.
    """

    name: str
    images: int
    marks: Mapping[str, int]
    pixels: int
    share_in_boxes: float | None


@dataclass(frozen=True)
class Agreement:
    """Agreement of two kinds of marks on an image's classes, over the images that have both.

    Args:
        kinds: The two kinds.
        equal: Number of images in which they name the same classes.
        differ: Number of images in which they do not.
        examples: Names of the first of these.
    """

    kinds: tuple[str, str]
    equal: int
    differ: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """Result of an inspection.

    Args:
        images: Number of images.
        splits: Number of images by split, where the files have splits.
        sizes: Height and width of the smallest, the median and the largest image, by area; None
            without images.
        pixels: Pixels of all images.
        void_pixels: Pixels labelled void (the ignore index).
        classes: Counts by class, in the order of their ids.
        marks: Number of marks by kind, void ones included.
        pairs: Pairs of classes most often in one image, with the number of images.
        agreement: Agreement of each two kinds of marks that occur in one image.
        findings: Findings, up to 1000 of each kind.
        finding_counts: Number of all findings, by kind.
        sample: Images to show.
    """

    images: int
    splits: Mapping[str, int]
    sizes: tuple[Size, Size, Size] | None
    pixels: int
    void_pixels: int
    classes: tuple[ClassCounts, ...]
    marks: Mapping[str, int]
    pairs: tuple[tuple[str, str, int], ...]
    agreement: tuple[Agreement, ...]
    findings: tuple[Finding, ...]
    finding_counts: Mapping[str, int]
    sample: tuple[ImageInspection, ...]

    @property
    def labelled_pixels(self) -> int:
        """Number of pixels labelled with a class."""
        return sum(counts.pixels for counts in self.classes)

    @property
    def labelled_share(self) -> float:
        """Fraction of all pixels labelled with a class."""
        return self.labelled_pixels / max(1, self.pixels)

    @property
    def is_clean(self) -> bool:
        """Whether there is no finding."""
        return not self.finding_counts

    def to_json(self) -> dict[str, Any]:
        """Return everything but the sample as plain dicts, lists, numbers and strings.

        Returns:
            Keys, in this order: images, splits, sizes (smallest, median and largest, each height
            and width, or null), pixels, labelled_pixels, labelled_share, void_pixels, marks (by
            kind), classes (name, images, tags, boxes, points, scribbles, masks, pixels,
            share_in_boxes or null), pairs (classes, images), agreement (kinds, equal, differ,
            examples), clean, finding_counts (by kind), findings (kind, message, path and entry, or
            null).
        """
        return {
            "images": self.images,
            "splits": dict(self.splits),
            "sizes": _sizes_to_json(self.sizes),
            "pixels": self.pixels,
            "labelled_pixels": self.labelled_pixels,
            "labelled_share": self.labelled_share,
            "void_pixels": self.void_pixels,
            "marks": dict(self.marks),
            "classes": [_class_to_json(counts) for counts in self.classes],
            "pairs": [{"classes": [*names], "images": images} for *names, images in self.pairs],
            "agreement": [
                asdict(item) | {"kinds": [*item.kinds], "examples": [*item.examples]}
                for item in self.agreement
            ],
            "clean": self.is_clean,
            "finding_counts": dict(self.finding_counts),
            "findings": [
                asdict(finding) | {"path": None if finding.path is None else str(finding.path)}
                for finding in self.findings
            ],
        }


class Tally:
    """Counts over images, added one by one."""

    def __init__(self, classes: ClassList) -> None:
        self._classes = classes
        self._count = min(len(classes), MAX_CLASSES)
        self._images = 0
        self._splits: Counter[str] = Counter()
        self._in_no_split: list[str] = []
        self._are_listed = False
        self._sizes: Counter[Size] = Counter()
        self._marks = {kind: Counter[int]() for kind in MARK_KINDS}
        self._pixels, self._boxed, self._masked = np.zeros((3, 256), np.int64)
        # Number of images with boxes and masks of a class, and of those where they meet nowhere.
        self._both, self._apart = Counter[int](), Counter[int]()
        # Number of images that hold both of two classes; on the diagonal, one class.
        self._together = np.zeros((self._count, self._count), np.int64)
        self._agreement: dict[tuple[str, str], Agreement] = {}
        self._masks: defaultdict[str | None, set[int]] = defaultdict(set)  # values, by split
        self._log = FindingLog()
        self._sampler = Sampler()

    def add(self, image: ImageInspection) -> None:
        """Count one image."""
        self._images += 1
        if image.item.split is None:
            self._in_no_split.append(image.item.name)
        else:
            self._splits[image.item.split] += 1
            self._are_listed |= image.item.is_listed
        if image.size is not None:
            self._sizes[image.size] += 1
        for kind, marked in image.marked.items():
            self._marks[kind].update(marked)
        self._pixels += image.pixels
        if image.marked["masks"]:
            void = {VOID} if image.pixels[VOID] else set()
            self._masks[image.item.split] |= set(image.marked["masks"]) | void
        if image.boxed is not None and image.masked is not None:
            self._boxed += image.boxed
            self._masked += image.masked
            for class_id in {box.class_id for box in image.marks.boxes} & image.marked[
                "masks"
            ].keys():
                self._both[class_id] += 1
                self._apart[class_id] += not image.boxed[class_id]
        held = _held_classes(image, self._count)
        self._together[np.ix_(held, held)] += 1
        self._compare(image)
        self.note(image.findings)
        self._sampler.add(image)

    def note(self, findings: Iterable[Finding]) -> None:
        """Count findings, and keep the first of each kind."""
        self._log.note(findings)

    def class_findings(self, min_images: int) -> list[Finding]:
        """Find classes with few images or none, except background, and names that are alike."""
        found = []
        for class_id in range(1 if self._classes.has_background else 0, self._count):
            name, images = self._classes.names[class_id], int(self._together[class_id, class_id])
            if images < max(1, min_images):
                few = f"marked only in {counted(images, 'image')}"
                message = f"class {name!r} is {few if images else 'never marked'}"
                expected = f"at least {max(1, min_images)} were expected"
                found.append(Finding("rare", f"{message}; {expected}"))
        messages = odd_names(self._classes.names)
        return [*found, *(Finding("unsure", message) for message in messages)]

    def mask_findings(self) -> list[Finding]:
        """Find full masks of 0 and 255, and splits whose full masks cannot tell a good network."""
        found = []
        names = self._classes.names
        question = binary_question(set[int]().union(*self._masks.values()), names)
        if question:
            found.append(Finding("unsure", question))
        for split, values in self._masks.items():
            held = [names[value] for value in sorted(values) if value < self._count]
            if len(held) == 1 < self._count and split not in (None, "train"):
                message = f"the full masks of split {split!r} hold {held[0]!r} alone"
                found.append(Finding("unsure", f"{message}; no mean IoU can be measured on them"))
        return found

    def split_findings(self) -> list[Finding]:
        """Find images of no split beside others that have one; a folder "train" alone is none."""
        are_splits = self._are_listed or self._splits.keys() - {"train"}
        if not self._in_no_split or not are_splits:
            return []
        message = no_split_message(len(self._in_no_split), self._in_no_split[0])
        return [Finding("unsure", message)]

    def apart_findings(self) -> list[Finding]:
        """Find classes whose boxes and masks meet in no image."""
        found = []
        for class_id, images in sorted(self._both.items()):
            if self._apart[class_id] == images and class_id < self._count:
                where = f"any of the {images} images" if images > 1 else "the only image"
                message = (
                    f"boxes and masks of class {self._classes.names[class_id]!r} do not meet in "
                    f"{where} with both: they are of different objects, or some are misplaced"
                )
                found.append(Finding("unsure", message))
        return found

    def result(self) -> Inspection:
        """Return what has been counted."""
        kinds = [kind for kind in get_args(Oddity) if kind in self._log.counts]
        areas = {size: size[0] * size[1] * images for size, images in self._sizes.items()}
        return Inspection(
            images=self._images,
            splits=dict(self._splits),
            sizes=_three_sizes(self._sizes),
            pixels=sum(areas.values()),
            void_pixels=int(self._pixels[VOID]),
            classes=tuple(map(self._of_class, range(self._count))),
            marks={kind: marks.total() for kind, marks in self._marks.items()},
            pairs=self._top_pairs(),
            agreement=tuple(self._agreement.values()),
            findings=tuple(sorted(self._log.kept, key=lambda finding: kinds.index(finding.kind))),
            finding_counts={kind: self._log.counts[kind] for kind in kinds},
            sample=self._sampler.chosen(),
        )

    def _of_class(self, class_id: int) -> ClassCounts:
        boxed = bool(self._marks["boxes"][class_id])
        masked = int(self._masked[class_id]) if boxed else 0
        return ClassCounts(
            name=self._classes.names[class_id],
            images=int(self._together[class_id, class_id]),
            marks={kind: marks[class_id] for kind, marks in self._marks.items()},
            pixels=int(self._pixels[class_id]),
            share_in_boxes=int(self._boxed[class_id]) / masked if masked else None,
        )

    def _compare(self, image: ImageInspection) -> None:
        for pair in itertools.combinations(image.named, 2):
            old = self._agreement.get(pair, Agreement(pair, 0, 0, ()))
            equal = image.named[pair[0]] == image.named[pair[1]]
            examples = old.examples if equal else (*old.examples, image.item.name)[:_EXAMPLES]
            self._agreement[pair] = Agreement(
                pair, old.equal + equal, old.differ + (not equal), examples
            )

    def _top_pairs(self) -> tuple[tuple[str, str, int], ...]:
        first = 1 if self._classes.has_background else 0
        rows, columns = np.triu_indices(self._count, 1)
        images = np.where(rows >= first, self._together[rows, columns], 0)
        names = self._classes.names
        return tuple(
            (names[rows[place]], names[columns[place]], int(images[place]))
            for place in np.argsort(-images, kind="stable")[:_TOP_PAIRS]
            if images[place]
        )


def _held_classes(image: ImageInspection, count: int) -> list[int]:
    """Return the classes that an image's marks name or label."""
    named = {class_id for marked in image.marked.values() for class_id in marked}
    labelled = np.flatnonzero(image.pixels[:count]).tolist()
    return sorted({class_id for class_id in named if class_id < count}.union(labelled))


def _three_sizes(sizes: Counter[Size]) -> tuple[Size, Size, Size] | None:
    if not sizes:
        return None
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    before = itertools.accumulate(sizes[size] for size in ordered)
    half = sizes.total() / 2
    median = next(size for size, count in zip(ordered, before, strict=True) if count >= half)
    return ordered[0], median, ordered[-1]


def _sizes_to_json(sizes: tuple[Size, Size, Size] | None) -> dict[str, dict[str, int]] | None:
    if sizes is None:
        return None
    named = zip(("smallest", "median", "largest"), sizes, strict=True)
    return {name: {"height": height, "width": width} for name, (height, width) in named}


def _class_to_json(counts: ClassCounts) -> dict[str, Any]:
    return {
        "name": counts.name,
        "images": counts.images,
        **{kind: counts.marks[kind] for kind in MARK_KINDS},
        "pixels": counts.pixels,
        "share_in_boxes": counts.share_in_boxes,
    }
