"""Comparison of pixels with prototypes, block by block: losses and gradients in one pass.

Pixels of one group (a label, a set of tags) have the same C⁺, so they are compared together, with
the prototypes in an order in which C⁺ comes first. Both sums are then over a slice of one product,
and the coefficients of the gradient,

    ∂L/∂(κ v·u_s) = e_s / (a + b) − [s ∈ C⁺] e_s / a,    e_s = exp(κ v·u_s),

a the sum over C⁺ and b that over C⁻, are written over its exponentials. Two more products give the
gradients of pixels and prototypes. Of unit vectors no exponential overflows, so none is shifted.

Source: SPML (arXiv 2105.00957), the pixel-to-segment contrastive loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.method.threads import in_threads

CPU_BLOCK = 2**19
"""Similarities computed at a time: few enough for the cache."""
GPU_BLOCK = 2**26
"""Likewise: enough to keep a GPU busy."""

_UNITS = 32  # of work on a CPU
_SMALL = 32  # pixels; smaller groups are compared together


class Groups(NamedTuple):
    """Labels, or sets of labels, numbered 0 … G - 1."""

    pixel: Tensor
    """(N,) group of each pixel."""
    prototype: Tensor
    """(P,) group of each prototype."""
    share: Tensor
    """(G, G), 0 to 1: how far segments of the second group are C⁺ to pixels of the first."""


class Compared(NamedTuple):
    """Losses of N pixels, (N,), and the gradients of their weighted sum, where asked for."""

    loss: Tensor
    pixel: Tensor | None
    prototype: Tensor | None


def compare(
    pixel: Tensor,
    segment: Tensor,
    prototype: Tensor,
    groups: Groups,
    concentration: float,
    *,
    weight: Tensor | None = None,
    differentiate: bool = True,
) -> Compared:
    """Compare each pixel with all prototypes.

    Args:
        pixel: (N, D), unit length or zero.
        segment: (N,), the pixel's own segment.
        prototype: (P, D), unit length or zero.
        groups: Which prototypes are C⁺ to which pixels.
        concentration: κ.
        weight: (N,), factor on each pixel's gradient; 1 by default.
        differentiate: Compute the gradients.

    Returns:
        Losses and gradients.
    """
    work = _Work(pixel, segment, prototype, groups, concentration, weight, differentiate)
    units = list(_units(groups, pixel.device))
    gradient = torch.zeros_like(prototype) if differentiate else None
    for part in in_threads(work.do, units):
        if gradient is not None and part is not None:
            gradient += part
    return Compared(work.loss, work.gradient, gradient)


class _Work:
    """Comparison in units, which threads may share: each fills rows of its own."""

    def __init__(
        self,
        pixel: Tensor,
        segment: Tensor,
        prototype: Tensor,
        groups: Groups,
        concentration: float,
        weight: Tensor | None,
        differentiate: bool,
    ) -> None:
        self.pixel = pixel
        self.segment = segment
        self.prototype = prototype
        self.groups = groups
        self.concentration = concentration
        self.weight = weight
        self.loss = pixel.new_empty(len(pixel))
        self.gradient = torch.empty_like(pixel) if differentiate else None
        self.alone = _alone(segment, groups)  # (N,)
        self.own_share = groups.share[groups.pixel, groups.prototype[segment]]  # (N,)

    def do(self, unit: _Unit) -> Tensor | None:
        """Compare pixels; return their part of the gradient of the prototypes, (P, D)."""
        total = None if self.gradient is None else torch.zeros_like(self.prototype)
        rows = max(1, _cells(self.pixel.device) // len(self.prototype))
        scratch = self.pixel.new_empty(min(rows, unit.longest), len(self.prototype))
        for members, candidates in unit.groups:
            ordered = self.prototype[candidates.order]  # (P, D)
            ordered_total = None if total is None else torch.zeros_like(ordered)
            for part in torch.split(members, rows):
                self._block(part, candidates, ordered, ordered_total, scratch[: len(part)])
            if total is not None and ordered_total is not None:
                total.index_add_(0, candidates.order, ordered_total)
        return total

    def _block(
        self,
        part: Tensor,
        candidates: _Candidates,
        ordered: Tensor,
        ordered_total: Tensor | None,
        scratch: Tensor,
    ) -> None:
        scaled = self.pixel[part] * self.concentration  # (n, D)
        terms = torch.mm(scaled, ordered.T, out=scratch).exp_()  # (n, P)
        own = candidates.place[self.segment[part]][:, None]  # (n, 1)
        share = None
        if candidates.same is None:
            share = self.groups.share[self.groups.pixel[part]][:, self.groups.prototype]
        block = _Block(terms, own, self.own_share[part], self.alone[part], candidates.same, share)
        self.loss[part] = block.losses()
        if self.gradient is not None and ordered_total is not None:
            coefficients = block.coefficients(None if self.weight is None else self.weight[part])
            self.gradient[part] = (coefficients @ ordered).mul_(self.concentration)
            ordered_total.addmm_(coefficients.T, scaled)


class _Candidates(NamedTuple):
    """The prototypes in the order in which a group of pixels meets them."""

    order: Tensor
    """(P,)"""
    place: Tensor
    """(P,) inverse of it."""
    same: int | None
    """The first so many are C⁺, the others C⁻; None: the groups' shares say how far."""


class _Unit(NamedTuple):
    """Pixels of one or more groups, (n,) each, with the candidates of each."""

    groups: list[tuple[Tensor, _Candidates]]

    @property
    def longest(self) -> int:
        """Pixels of the largest group."""
        return max(len(members) for members, _ in self.groups)


def _units(groups: Groups, device: torch.device) -> Iterator[_Unit]:
    """Divide the pixels into a number of units that depends on nothing but their number.

    So sums of what the units give are the same on any number of threads.
    """
    size = -(-len(groups.pixel) // _UNITS) if device.type == "cpu" else len(groups.pixel)
    waiting: list[tuple[Tensor, _Candidates]] = []
    for members, candidates in _by_group(groups):
        for part in torch.split(members, size):
            waiting.append((part, candidates))
            if sum(len(pixels) for pixels, _ in waiting) >= size:
                yield _Unit(waiting)
                waiting = []
    if waiting:
        yield _Unit(waiting)


def _by_group(groups: Groups) -> Iterator[tuple[Tensor, _Candidates]]:
    """Yield the pixels of each group, (n,), with its candidates; those of small groups together."""
    members = torch.argsort(groups.pixel, stable=True)  # (N,)
    counts = torch.bincount(groups.pixel, minlength=len(groups.share)).tolist()
    is_whole = ((groups.share == 0) | (groups.share == 1)).all(dim=1).tolist()  # (G,)
    numbers = torch.arange(len(groups.prototype), device=members.device)  # (P,)
    together = []
    for group, pixels in enumerate(torch.split(members, counts)):
        if len(pixels) < _SMALL or not is_whole[group]:
            together.append(pixels)
            continue
        same = groups.share[group][groups.prototype] > 0  # (P,)
        order = torch.argsort(~same, stable=True)  # (P,)
        place = torch.empty_like(order).scatter_(0, order, numbers)
        yield pixels, _Candidates(order, place, int(same.sum()))
    rest = torch.cat(together) if together else members[:0]
    if len(rest):
        yield rest, _Candidates(numbers, numbers, None)


def _cells(device: torch.device) -> int:
    return CPU_BLOCK if device.type == "cpu" else GPU_BLOCK


def _alone(segment: Tensor, groups: Groups) -> Tensor:
    """Return whether C⁺ of a pixel has no other segment than its own, (N,) bool."""
    count = torch.bincount(groups.prototype, minlength=len(groups.share))  # (G,)
    meets = groups.share > 0  # (G, G)
    meeting = (meets * count).sum(dim=1)  # (G,) segments that are in C⁺ at all
    own = meets[groups.pixel, groups.prototype[segment]]  # (N,)
    return meeting[groups.pixel] == own.long()


class _Block:
    """Losses of n pixels, and then the coefficients of their gradients in the same memory.

    Args:
        terms: (n, P), e_s; the own segment's is taken out: subtracted from a sum later, it would
            swallow the others.
        own: (n, 1), place of the own segment.
        own_share: (n,), 0 to 1: how far it is C⁺ as others of its group are.
        alone: (n,) bool: it is C⁺, for want of any other.
        same: So many candidates are C⁺, the first ones; None where `share` says it.
        share: (n, P), 0 to 1: how far each candidate is C⁺; it is overwritten.
    """

    def __init__(
        self,
        terms: Tensor,
        own: Tensor,
        own_share: Tensor,
        alone: Tensor,
        same: int | None,
        share: Tensor | None,
    ) -> None:
        self.terms = terms
        self.own = own
        self.alone = alone
        self.same = same
        self.share = share
        self.own_other = 1 - own_share  # (n,)
        self.own_term = terms.gather(1, own)[:, 0]  # (n,)
        terms.scatter_(1, own, 0)

    def losses(self) -> Tensor:
        """Return the losses, (n,)."""
        if self.share is None:
            positive = self.terms[:, : self.same].sum(dim=1)
            negative = self.terms[:, self.same :].sum(dim=1)
        else:
            self.share *= self.terms  # from here on the terms of C⁺
            positive = self.share.sum(dim=1)
            negative = self.terms.sub_(self.share).sum(dim=1)  # from here on those of C⁻
        self.positive = torch.where(self.alone, self.own_term, positive)
        self.negative = negative + self.own_term * self.own_other
        # −log(a / (a + b)) = softplus(log b − log a); without b it is zero.
        empty = self.negative == 0
        ratio = self.negative.masked_fill(empty, 1).log() - self.positive.log()
        return F.softplus(ratio).masked_fill(empty, 0)

    def coefficients(self, weight: Tensor | None) -> Tensor:
        """Return the derivatives by κ v·u_s, (n, P), in place of the terms.

        Args:
            weight: (n,), factor on each loss.
        """
        other = 1 / (self.positive + self.negative)  # (n,) ∂L/∂b
        same = -other * self.negative / self.positive  # (n,) ∂L/∂a
        if weight is not None:
            same, other = same * weight, other * weight
        if self.share is None:
            self.terms[:, : self.same] *= same[:, None]
            self.terms[:, self.same :] *= other[:, None]
        else:
            self.terms *= other[:, None]
            self.terms += self.share.mul_(same[:, None])
        own = self.own_term * (other * self.own_other + same * self.alone)  # (n,)
        return self.terms.scatter_(1, self.own, own[:, None])
