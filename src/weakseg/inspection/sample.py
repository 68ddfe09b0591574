"""Choice of images to show: those with findings, then every class and every kind of mark."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np

from weakseg.inspection.image_inspection import ImageInspection
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import UNLABELLED

_EACH_FINDING = 5  # images with each kind of finding, before any other
_MIN_SHOWN = 20  # images, where there are as many


@dataclass(frozen=True)
class MarkedImage:
    """An image with its marks, to be drawn.

    Args:
        name: Name of the image.
        picture: The image file, or the bytes of one, where found.
        size: Height and width of what the marks are drawn on, where known.
        marks: The marks that can be drawn.
        findings: Findings in it.
        shows: Class ids, maybe `VOID`, and kinds of marks that it has.
    """

    name: str
    picture: Path | bytes | None
    size: Size | None
    marks: Marks
    findings: tuple[Finding, ...]
    shows: frozenset[int | str]


class Sampler:
    """Chooses images to show from a stream, in memory that does not grow with their number.

    Args:
        seed: Seed of the random choice among images without findings.
    """

    def __init__(self, seed: int = 0) -> None:
        self._with_findings: defaultdict[str, list[MarkedImage]] = defaultdict(list)
        self._first: dict[int | str, MarkedImage] = {}
        self._clean: list[MarkedImage] = []
        self._seen = 0
        self._random = random.Random(seed)

    def add(self, found: ImageInspection) -> None:
        """Keep an image if it may be shown."""
        item = found.item
        image = MarkedImage(
            item.name, item.picture, found.size, found.marks, found.findings, _shown(found)
        )
        for kind in dict.fromkeys(finding.kind for finding in image.findings):
            if len(self._with_findings[kind]) < _MIN_SHOWN:
                self._with_findings[kind].append(image)
        for feature in sorted(image.shows - self._first.keys(), key=str):
            self._first[feature] = image
        if not image.findings:
            self._keep_some(image)

    def chosen(self) -> tuple[MarkedImage, ...]:
        """Return the images to show.

        Images with findings come first, each kind of finding in turn; then as few as possible to
        have every class and every kind of mark; then others, up to a sheet.
        """
        first = [images[:_EACH_FINDING] for images in self._with_findings.values()]
        more = [images[_EACH_FINDING:] for images in self._with_findings.values()]
        chosen = _in_turn(first)
        missing = self._first.keys() - frozenset().union(*(image.shows for image in chosen))
        while missing:
            best = max(self._first.values(), key=lambda image: len(image.shows & missing))
            chosen.append(best)
            missing -= best.shows
        wanted = max(len(chosen), _MIN_SHOWN)
        return tuple(_unique([*chosen, *self._clean, *_in_turn(more)])[:wanted])

    def _keep_some(self, image: MarkedImage) -> None:
        # Each image has the same chance to be kept (reservoir sampling).
        self._seen += 1
        if len(self._clean) < _MIN_SHOWN:
            self._clean.append(image)
        elif (place := self._random.randrange(self._seen)) < _MIN_SHOWN:
            self._clean[place] = image


def _shown(found: ImageInspection) -> frozenset[int | str]:
    shown: set[int | str] = {kind for kind, classes in found.marked.items() if classes}
    shown.update(*found.marked.values(), np.flatnonzero(found.pixels).tolist())
    return frozenset(shown - {UNLABELLED})


def _in_turn(groups: list[list[MarkedImage]]) -> list[MarkedImage]:
    """Take images of the groups in turn, each image once."""
    rounds = chain.from_iterable(zip_longest(*groups))
    return _unique([image for image in rounds if image is not None])


def _unique(images: list[MarkedImage]) -> list[MarkedImage]:
    return list({id(image): image for image in images}.values())
