"""Choice of images to show: those with findings, then every class and every kind of mark."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import chain, zip_longest

from weakseg.inspection.image_inspection import ImageInspection

_EACH_FINDING = 5  # images with each kind of finding, before any other
_MIN_SHOWN = 20  # images, where there are as many


class Sampler:
    """Chooses images to show from a stream, in memory that does not grow with their number.

    Args:
        seed: Seed of the random choice among images without findings.
    """

    def __init__(self, seed: int = 0) -> None:
        self._with_findings: defaultdict[str, list[ImageInspection]] = defaultdict(list)
        self._first: dict[int | str, ImageInspection] = {}
        self._clean: list[ImageInspection] = []
        self._seen = 0
        self._random = random.Random(seed)

    def add(self, image: ImageInspection) -> None:
        """Keep an image if it may be shown."""
        for kind in dict.fromkeys(finding.kind for finding in image.findings):
            if len(self._with_findings[kind]) < _MIN_SHOWN:
                self._with_findings[kind].append(image)
        for feature in sorted(image.shows - self._first.keys(), key=str):
            self._first[feature] = image
        if not image.findings:
            self._keep_some(image)

    def chosen(self) -> tuple[ImageInspection, ...]:
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

    def _keep_some(self, image: ImageInspection) -> None:
        # Each image has the same chance to be kept (reservoir sampling).
        self._seen += 1
        if len(self._clean) < _MIN_SHOWN:
            self._clean.append(image)
        elif (place := self._random.randrange(self._seen)) < _MIN_SHOWN:
            self._clean[place] = image


def _in_turn(groups: list[list[ImageInspection]]) -> list[ImageInspection]:
    """Take images of the groups in turn, each image once."""
    rounds = chain.from_iterable(zip_longest(*groups))
    return _unique([image for image in rounds if image is not None])


def _unique(images: list[ImageInspection]) -> list[ImageInspection]:
    return list({id(image): image for image in images}.values())
