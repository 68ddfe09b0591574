"""Division of images into those to train on and those to score on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set

import numpy as np

from weakseg.support.wording import counted


def stratified_split(
    tags: Mapping[str, Set[int]], fraction: float, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Divide images so that each class is divided in the same proportion.

    Images of rare classes are assigned first; each goes to the side on which the larger part of
    its classes' images is still to come.

    Args:
        tags: Classes that an image holds, by its name.
        fraction: Fraction of the images on the first side, 0 to 1.
        seed: Seed of the choice.

    Returns:
        Names on the first side and on the second, each in the order of `tags`.

    Source: after iterative stratification, Sechidis et al., ECML 2011.

    Examples:
        >>> first, second = stratified_split({str(i): {i % 2} for i in range(10)}, 0.8)
        >>> len(first), len(second)
        (8, 2)
    """
    names = np.random.default_rng(seed).permutation(sorted(tags)).tolist()
    images = Counter(class_id for name in names for class_id in tags[name])
    places = [
        np.array([fraction, 1 - fraction]) * count for count in (len(names), *images.values())
    ]
    every, by_class = places[0], dict(zip(images, places[1:], strict=True))
    left = {class_id: place.copy() for class_id, place in by_class.items()}
    room = every.copy()
    chosen: tuple[set[str], set[str]] = (set(), set())
    # Images without a tag come last and fill up what is left.
    rarest = {name: min((images[c] for c in tags[name]), default=len(names)) for name in names}
    for name in sorted(names, key=lambda name: (not tags[name], rarest[name])):
        weights = {class_id: 1 / images[class_id] for class_id in tags[name]}
        lack = sum(
            (weight * left[c] / by_class[c] for c, weight in weights.items()), 1e-6 * room / every
        )
        side = int(lack[1] > lack[0])
        chosen[side].add(name)
        room[side] -= 1
        for class_id in tags[name]:
            left[class_id][side] -= 1
    return [name for name in tags if name in chosen[0]], [
        name for name in tags if name in chosen[1]
    ]


def no_split_message(count: int, first: str) -> str:
    """Return what is to be reported of images that belong to no split, beside others that do.

    Examples:
        >>> no_split_message(1, "cat")
        "1 image belongs to no split; left out of all (the first: 'cat')"
    """
    belongs = counted(count, "image belongs", "images belong")
    return f"{belongs} to no split; left out of all (the first: {first!r})"
