"""Which images to show: odd ones first, then such that every class and kind of mark is seen."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np

from weakseg.inspection.look import Look
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks
from weakseg.marks.label_values import UNLABELLED

_ODD_FIRST = 5  # images with each kind of finding, before any other
_FILLED_UP = 20  # images that are shown at least, where there are as many


@dataclass(frozen=True)
class Sampled:
    """One image to show.

    Args:
        name: Name of the image.
        picture: The image file, or the bytes of one, where found.
        size: Height and width of what the marks are drawn on, where known.
        marks: The marks that can be drawn.
        findings: What is wrong with it.
        shows: Class ids, `VOID` among them, and kinds of marks that it shows.
    """

    name: str
    picture: Path | bytes | None
    size: Size | None
    marks: Marks
    findings: tuple[Finding, ...]
    shows: frozenset[int | str]


class Sample:
    """Gathers images to show while they pass by; what it holds does not grow with their number.

    Args:
        seed: Seed of the choice among images without findings.
    """

    def __init__(self, seed: int = 0) -> None:
        self._odd: defaultdict[str, list[Sampled]] = defaultdict(list)
        self._first: dict[int | str, Sampled] = {}
        self._calm: list[Sampled] = []
        self._seen = 0
        self._random = random.Random(seed)

    def add(self, look: Look) -> None:
        """Keep an image if it is worth it."""
        item = look.item
        image = Sampled(item.name, item.picture, look.size, look.marks, look.findings, _shown(look))
        for kind in dict.fromkeys(finding.kind for finding in image.findings):
            if len(self._odd[kind]) < _FILLED_UP:
                self._odd[kind].append(image)
        for feature in sorted(image.shows - self._first.keys(), key=str):
            self._first[feature] = image
        if not image.findings:
            self._keep_some(image)

    def chosen(self) -> tuple[Sampled, ...]:
        """Give the images to show.

        Images with findings come first, each kind of finding in turn; then as few as possible so
        that every class and every kind of mark is there; then others, up to a sheet.
        """
        first = [images[:_ODD_FIRST] for images in self._odd.values()]
        more = [images[_ODD_FIRST:] for images in self._odd.values()]
        chosen = _in_turn(first)
        missing = self._first.keys() - frozenset().union(*(image.shows for image in chosen))
        while missing:
            best = max(self._first.values(), key=lambda image: len(image.shows & missing))
            chosen.append(best)
            missing -= best.shows
        wanted = max(len(chosen), _FILLED_UP)
        return tuple(_unique([*chosen, *self._calm, *_in_turn(more)])[:wanted])

    def _keep_some(self, image: Sampled) -> None:
        # Each image has the same chance to be kept (reservoir sampling).
        self._seen += 1
        if len(self._calm) < _FILLED_UP:
            self._calm.append(image)
        elif (place := self._random.randrange(self._seen)) < _FILLED_UP:
            self._calm[place] = image


def _shown(look: Look) -> frozenset[int | str]:
    shown: set[int | str] = {kind for kind, classes in look.marked.items() if classes}
    shown.update(*look.marked.values(), np.flatnonzero(look.pixels).tolist())
    return frozenset(shown - {UNLABELLED})


def _in_turn(groups: list[list[Sampled]]) -> list[Sampled]:
    """Take one of each group after the other, and each image once."""
    rounds = chain.from_iterable(zip_longest(*groups))
    return _unique([image for image in rounds if image is not None])


def _unique(images: list[Sampled]) -> list[Sampled]:
    return list({id(image): image for image in images}.values())
