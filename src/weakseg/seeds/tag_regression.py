"""Classes of regions from the tags of images: multiple-instance logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.method.regression import Regression, fit_regression, minimise
from weakseg.support.progress import progress

PENALTIES = (2e-4, 6e-4, 2e-3, 6e-3)
"""Weights of the squared coefficients to choose from: fine differences of made textures are best
learned with the first, objects in a few hundred photographs with the third."""

RELEASED = 0.7
"""How far, in the end, the classes of an image cover what is expected of them."""

_HELD_OUT = 4  # one image in so many shows which penalty is best
_STARTS = (1.0, 2.0, 4.0, 8.0)  # logits of the first assignments for each of the evidence
_EVIDENCE_PENALTY = 0.06
_EVIDENCE_ITERATIONS = 20
_TEMPERATURE = 0.5  # below 1 it makes assignments surer than the regression is
_BALANCE_ROUNDS = 15
_MAX_CHANGE = 5.0  # of a class's potential in one of these rounds
_STARTING_ROUNDS = 15
_BALANCED_ROUNDS = 20
_RELEASED_ROUNDS = 10
_ITERATIONS = 5  # of the regression, in one round


@dataclass(frozen=True)
class TaggedRegions:
    """Regions of images, the classes that each can be, and how much of an image a class covers.

    Args:
        vector: What the regression sees of the regions, (M, D).
        image: Number of their image, (M,).
        area: Fraction of the image that a region covers, (M,).
        allowed: Classes that it can be, (M, C), bool, at least one.
        share: Expected fraction of an image that is of a class, (I, C).
    """

    vector: Tensor
    image: Tensor
    area: Tensor
    allowed: Tensor
    share: Tensor

    def only(self, images: Tensor) -> TaggedRegions:
        """Return the regions of some images, (I,) bool."""
        kept = images[self.image]  # (M,)
        number = images.cumsum(dim=0) - 1  # (I,)
        return TaggedRegions(
            self.vector[kept],
            number[self.image[kept]],
            self.area[kept],
            self.allowed[kept],
            self.share[images],
        )


def assign(logits: Tensor, regions: TaggedRegions, *, balance: float = 1.0) -> Tensor:
    """Return the probability that a region is of a class, given what its image can hold.

    Args:
        logits: Of the regression, (M, C).
        regions: The regions.
        balance: 1: the classes of an image cover what is expected of them; 0: what the logits say.

    Returns:
        (M, C), sums to 1 over the classes.

    Source: Sinkhorn's iterations for entropic optimal transport, with one marginal relaxed where
        `balance` is below 1 (Chizat et al., arXiv 1607.05816).
    """
    scores = (logits / _TEMPERATURE).masked_fill(~regions.allowed, -torch.inf)  # (M, C)
    expected = regions.share.clamp(min=1e-8).log()  # (I, C)
    potential = torch.zeros_like(regions.share)  # (I, C)
    for _ in range(_BALANCE_ROUNDS):
        part = (scores + potential[regions.image]).softmax(dim=1) * regions.area[:, None]
        covered = torch.zeros_like(potential).index_add(0, regions.image, part)  # (I, C)
        change = expected - covered.clamp(min=1e-8).log()
        potential = balance * (potential + change.clamp(-_MAX_CHANGE, _MAX_CHANGE))
    return (scores + potential[regions.image]).softmax(dim=1)


def tag_evidence(regions: TaggedRegions) -> Tensor:
    """Return how much a region speaks for each class, (M, C).

    A logistic regression of each class tells the regions of its images from those of others; what
    is left of its logit without that of the class's frequency is the evidence. There is none for
    classes in every image, as the background is.
    """
    tagged = (regions.share > 0).to(regions.vector.dtype)  # (I, C)
    everywhere = tagged.all(dim=0)  # (C,)
    frequency = tagged.mean(dim=0).clamp(1e-3, 1 - 1e-3)  # (C,)
    base = frequency.logit()
    target = tagged[regions.image]  # (M, C)
    share = (regions.area / regions.area.sum())[:, None]
    start = regions.vector.new_zeros(len(base), regions.vector.shape[1])

    def loss(weight: Tensor, bias: Tensor) -> Tensor:
        logits = F.linear(regions.vector, weight, bias)  # (M, C)
        each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (each * share).sum() + _EVIDENCE_PENALTY / 2 * weight.square().sum()

    weight, bias = minimise(loss, (start, base), _EVIDENCE_ITERATIONS)
    return F.linear(regions.vector, weight, bias - base).masked_fill(everywhere, 0)


def choose_penalty(regions: TaggedRegions) -> float:
    """Return the penalty whose regression finds the tags of held-out images best.

    Best is the highest mean of the classes' average precision, where an image scores by the area
    that the regression gives to the class.
    """
    images = torch.arange(len(regions.share), device=regions.area.device)
    held_out = images % _HELD_OUT == 0
    known, others = regions.only(~held_out), regions.only(held_out)
    if len(others.area) == 0 or len(known.area) == 0:
        return PENALTIES[-2]
    evidence = tag_evidence(known)
    precision = {}
    for l2 in progress(PENALTIES, "Learning classes of regions", len(PENALTIES)):
        found = fit_tag_regression(known, l2=l2, evidence=evidence)
        precision[l2] = _tag_precision(found, others)
    return max(PENALTIES, key=lambda l2: precision[l2])


def _tag_precision(found: Regression, regions: TaggedRegions) -> float:
    """Return the mean average precision of the tags of images, 0 where no class can be ranked."""
    from sklearn.metrics import average_precision_score  # takes a second to import

    part = found.logits(regions.vector).softmax(dim=1) * regions.area[:, None]  # (M, C)
    score = torch.zeros_like(regions.share).index_add(0, regions.image, part).cpu().numpy()
    tagged = (regions.share > 0).cpu().numpy()  # (I, C)
    ranked = np.flatnonzero(tagged.any(axis=0) & ~tagged.all(axis=0))
    each = [average_precision_score(tagged[:, c], score[:, c]) for c in ranked]
    return float(np.mean(each)) if each else 0.0


def fit_tag_regression(
    regions: TaggedRegions,
    *,
    l2: float,
    evidence: Tensor | None = None,
    on_round: Callable[[int, float], None] = lambda number, loss: None,
) -> Regression:
    """Learn the classes of regions from those of their images.

    Regions are assigned to classes and a regression is fitted to the assignments, in turn. The
    classes of an image cover what is expected of them, so that none is lost to a more frequent one;
    in the last rounds this is relaxed. Where the first assignments are a little surer or less sure,
    other classes end in the wrong place, so several starts are averaged before the rounds go on.

    Args:
        regions: The regions.
        l2: Weight of the squared coefficients.
        evidence: Their `tag_evidence`, where it is known.
        on_round: Called with the number of each of the last rounds, and the loss that it began
            with.

    Returns:
        The regression, vectors to C classes.
    """
    if evidence is None:
        evidence = tag_evidence(regions)
    starts = [
        _alternate(regions, assign(factor * evidence, regions), l2, [1.0] * _STARTING_ROUNDS)[1]
        for factor in _STARTS
    ]
    balances = [1.0] * _BALANCED_ROUNDS + [RELEASED] * _RELEASED_ROUNDS
    return _alternate(regions, torch.stack(starts).mean(dim=0), l2, balances, on_round)[0]


def _alternate(
    regions: TaggedRegions,
    target: Tensor,
    l2: float,
    balances: Sequence[float],
    on_round: Callable[[int, float], None] = lambda number, loss: None,
) -> tuple[Regression, Tensor]:
    """Fit and assign in turn, a round for each balance; return the last regression and targets."""
    share = regions.area / regions.area.sum()
    found = None
    for number, balance in enumerate(balances):
        found = fit_regression(
            regions.vector,
            target,
            share,
            num_classes=regions.allowed.shape[1],
            l2=l2,
            iterations=_ITERATIONS,
            start=found,
            on_round=lambda _, loss, number=number: on_round(number, loss),  # type: ignore[misc]
        )
        target = assign(found.logits(regions.vector), regions, balance=balance)
    assert found is not None
    return found, target
