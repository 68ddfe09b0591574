"""The contrastive loss between pixels and segments.

A pixel n of segment s(n) with label y(n), prototypes μ with labels, unit vectors, concentration κ:

    loss(n) = −log  Σ_{p ∈ same(n)} exp(κ v_n·μ_p)  /  Σ_{p ∈ same(n) ∪ other(n)} exp(κ v_n·μ_p)

`same(n)` are the prototypes of the same label other than the pixel's own, or its own where there is
no other; `other(n)` are the prototypes of other labels.

The released code takes the numerator as the sum over all of the label minus the own term. Where the
own term is large, float32 rounds the rest away; here it is summed apart.

Source: SPML (arXiv 2105.00957), the pixel-to-segment contrastive loss.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from weakseg.method.features import full_precision

Reduction = Literal["mean", "sum", "none"]

_LARGEST_CONCENTRATION = 300.0
# float32 holds exp(-2κ), the smallest weight beside a largest of one, up to here with room to sum.
_LARGEST_IN_FLOAT32 = 32.0
# Similarities computed at a time: what stays in a CPU's cache, what keeps a GPU busy.
_CPU_BLOCK = 2**20
_GPU_BLOCK = 2**26


def contrastive_loss(
    pixel: Tensor,
    pixel_label: Tensor,
    pixel_segment: Tensor,
    prototype: Tensor,
    prototype_label: Tensor,
    *,
    concentration: float,
    reduction: Reduction = "mean",
) -> Tensor:
    """Pull each pixel to the segments of its label and push it from the others.

    Args:
        pixel: (N, D), unit length.
        pixel_label: (N,) int.
        pixel_segment: (N,) int, the row of `prototype` that is the pixel's own segment.
        prototype: (P, D), unit length or zero. Gradient flows here too.
        prototype_label: (P,) int.
        concentration: κ, in (0, 300].
        reduction: "mean", "sum" or "none".

    Returns:
        A scalar, or (N,) for "none"; float32 also under autocast. No pixels give zero, with
        gradient.

    Raises:
        ValueError: Lengths do not fit, κ is out of range or the reduction is unknown.

    Source: SPML, the loss of low-level image similarity and of semantic annotation.

    Examples:
        >>> import torch
        >>> prototype = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> own = torch.tensor([0])
        >>> contrastive_loss(prototype[:1], own, own, prototype, torch.tensor([0, 1]),
        ...                  concentration=2.0)  # log(1 + exp(0) / exp(2))
        tensor(0.1269)
    """
    _check(pixel, pixel_label, pixel_segment, prototype, prototype_label, concentration, reduction)
    _, group = torch.unique(torch.cat([pixel_label, prototype_label]), return_inverse=True)
    count = int(group.max()) + 1 if len(group) else 0
    groups = _Groups(
        group[: len(pixel)],
        group[len(pixel) :],
        torch.eye(count, dtype=torch.bool, device=pixel.device),
    )
    return _loss(pixel, pixel_segment, prototype, groups, concentration, reduction)


def set_contrastive_loss(
    pixel: Tensor,
    pixel_tags: Tensor,
    pixel_segment: Tensor,
    prototype: Tensor,
    prototype_tags: Tensor,
    *,
    concentration: float,
    reduction: Reduction = "mean",
) -> Tensor:
    """Pull each pixel to the segments whose tags meet its tags and push it from the others.

    A pixel without tags meets nothing, not even its own segment: it is held by its own segment
    against all segments, its own among them.

    Args:
        pixel: (N, D), unit length.
        pixel_tags: (N, C) bool or 0/1.
        pixel_segment: (N,) int, the row of `prototype` that is the pixel's own segment.
        prototype: (P, D), unit length or zero. Gradient flows here too.
        prototype_tags: (P, C) bool or 0/1.
        concentration: κ, in (0, 300].
        reduction: "mean", "sum" or "none".

    Returns:
        A scalar, or (N,) for "none"; float32 also under autocast. No pixels give zero, with
        gradient.

    Raises:
        ValueError: Lengths do not fit, κ is out of range or the reduction is unknown.

    Source: SPML, the loss of semantic co-occurrence and of feature affinity.

    Examples:
        >>> import torch
        >>> prototype = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> tags = torch.tensor([[True, False, True], [True, True, False]])
        >>> set_contrastive_loss(prototype[:1], tags[:1], torch.tensor([0]), prototype, tags,
        ...                      concentration=2.0)  # the sets meet: nothing to push from
        tensor(0.)
    """
    _check(pixel, pixel_tags, pixel_segment, prototype, prototype_tags, concentration, reduction)
    tags = torch.cat([pixel_tags, prototype_tags]) != 0
    group = _number_sets(tags)
    members = tags.new_empty(int(group.max()) + 1 if len(group) else 0, tags.shape[1])
    members[group] = tags
    meets = (members.float() @ members.float().T) > 0
    groups = _Groups(group[: len(pixel)], group[len(pixel) :], meets)
    return _loss(pixel, pixel_segment, prototype, groups, concentration, reduction)


class _Groups(NamedTuple):
    """Who is "same": pixels and prototypes fall into G groups, which belong together or do not."""

    pixel: Tensor
    """(N,) group of the pixel."""
    prototype: Tensor
    """(P,) group of the prototype."""
    same: Tensor
    """(G, G) bool."""


def _check(
    pixel: Tensor,
    pixel_label: Tensor,
    pixel_segment: Tensor,
    prototype: Tensor,
    prototype_label: Tensor,
    concentration: float,
    reduction: Reduction,
) -> None:
    if not len(pixel) == len(pixel_label) == len(pixel_segment):
        raise ValueError(
            "Expected arguments `pixel`, its labels and `pixel_segment` to be of one length, "
            f"but got {len(pixel)}, {len(pixel_label)} and {len(pixel_segment)}"
        )
    if len(prototype) != len(prototype_label):
        raise ValueError(
            "Expected argument `prototype` and its labels to be of one length, "
            f"but got {len(prototype)} and {len(prototype_label)}"
        )
    if not 0 < concentration <= _LARGEST_CONCENTRATION:
        raise ValueError(
            f"Expected argument `concentration` to be in (0, {_LARGEST_CONCENTRATION:g}], "
            f"but got {concentration}"
        )
    if reduction not in get_args(Reduction):
        raise ValueError(
            f"Expected argument `reduction` to be one of {get_args(Reduction)}, "
            f"but got {reduction!r}"
        )


def _number_sets(tags: Tensor) -> Tensor:
    """Number the distinct rows of (R, C) bool.

    The same as `torch.unique(dim=0)`, but many times faster: 31 columns at a time are one integer.
    """
    number = torch.zeros(len(tags), dtype=torch.long, device=tags.device)
    for columns in torch.split(tags, 31, dim=1):
        bits = 2 ** torch.arange(columns.shape[1], device=tags.device)
        packed = (columns * bits).sum(dim=1)
        _, number = torch.unique(number * 2**31 + packed, return_inverse=True)
    return number


def _loss(
    pixel: Tensor,
    segment: Tensor,
    prototype: Tensor,
    groups: _Groups,
    concentration: float,
    reduction: Reduction,
) -> Tensor:
    with torch.autocast(pixel.device.type, enabled=False):
        dtype = torch.promote_types(full_precision(pixel).dtype, full_precision(prototype).dtype)
        if concentration > _LARGEST_IN_FLOAT32:
            dtype = torch.float64
        pixel, prototype = pixel.to(dtype) * concentration, prototype.to(dtype)
        if not len(pixel):  # zero, or none, with gradient
            return pixel.sum(dim=1) if reduction == "none" else pixel.sum() + prototype.sum() * 0
        own = (pixel * prototype.index_select(0, segment)).sum(dim=1)
        comparison = _Comparison.of(segment, groups, dtype)
        if reduction == "none":
            return _losses(pixel, own, prototype, comparison)
        total: Tensor = _BlockwiseSum.apply(pixel, own, prototype, comparison)
        return total / len(pixel) if reduction == "mean" else total


class _Comparison(NamedTuple):
    """What is compared with what, without the vectors; n pixels, P prototypes, G groups."""

    segment: Tensor
    """(n,) the pixel's own prototype."""
    same: Tensor
    """(n, G) bool: the prototypes of this group are "same"."""
    own_is_same: Tensor
    """(n,) bool: the pixel's own prototype is in such a group."""
    alone: Tensor
    """(n,) bool: no other prototype is."""
    member: Tensor
    """(P, G) one-hot: a product with it sums over groups, for all groups in one pass."""

    @staticmethod
    def of(segment: Tensor, groups: _Groups, dtype: torch.dtype) -> _Comparison:
        count = torch.bincount(groups.prototype, minlength=len(groups.same))
        same = groups.same[groups.pixel]
        own_is_same = groups.same[groups.pixel, groups.prototype[segment]]
        others = (groups.same * count).sum(dim=1)[groups.pixel] - own_is_same.long()
        member = torch.zeros(len(groups.prototype), len(count), dtype=dtype, device=segment.device)
        member.scatter_(1, groups.prototype[:, None], 1.0)
        return _Comparison(segment, same, own_is_same, others == 0, member)

    def rows(self, part: slice) -> _Comparison:
        """The same for some of the pixels."""
        return _Comparison(
            self.segment[part],
            self.same[part],
            self.own_is_same[part],
            self.alone[part],
            self.member,
        )


def _losses(pixel: Tensor, own: Tensor, prototype: Tensor, comparison: _Comparison) -> Tensor:
    """Compute the loss of n pixels, which are scaled by κ; `own` is v_n·μ_s(n), scaled likewise."""
    weight = pixel @ prototype.T  # (n, P), the only array of this size
    with torch.no_grad():
        # The own segment is summed apart: subtracted from the sum later, it would swallow the
        # others. exp(-inf) is zero and has no gradient; a shift cancels and has none either.
        weight.scatter_(1, comparison.segment[:, None], -torch.inf)
        largest = torch.maximum(weight.amax(dim=1), own)
        weight.sub_(largest[:, None])
    total = weight.exp_() @ comparison.member  # (n, G)
    own = (own - largest).exp()
    numerator = torch.where(comparison.alone, own, (total * comparison.same).sum(dim=1))
    others = (total * ~comparison.same).sum(dim=1) + own.masked_fill(comparison.own_is_same, 0)
    # −log(a / (a + b)) = softplus(log b − log a); without b it is zero, with a zero gradient.
    nothing = others == 0
    ratio = others.masked_fill(nothing, 1).log() - numerator.log()
    return F.softplus(ratio).masked_fill(nothing, 0)


class _BlockwiseSum(torch.autograd.Function):
    """The sum of the losses, a block of pixels at a time, with the gradient in the same pass.

    A block's (n, P) similarities never leave the cache, and never do all N × P exist. This works
    because the gradient of a sum does not depend on what is done with it but for one factor.
    """

    @staticmethod
    def forward(
        ctx: Any, pixel: Tensor, own: Tensor, prototype: Tensor, comparison: _Comparison
    ) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        block = _CPU_BLOCK if pixel.device.type == "cpu" else _GPU_BLOCK
        rows = max(1, block // len(prototype))
        total = own.new_zeros(())
        of_pixel, of_own, of_prototype = map(torch.empty_like, (pixel, own, prototype))
        of_prototype.zero_()
        leaf = prototype.detach().requires_grad_(wanted)
        for start in range(0, len(pixel), rows):
            part = slice(start, start + rows)
            vectors = pixel[part].detach().requires_grad_(wanted)
            similarity = own[part].detach().requires_grad_(wanted)
            with torch.set_grad_enabled(wanted):
                loss = _losses(vectors, similarity, leaf, comparison.rows(part)).sum()
            total += loss.detach()
            if wanted:
                gradients = torch.autograd.grad(loss, (vectors, similarity, leaf))
                of_pixel[part], of_own[part] = gradients[:2]
                of_prototype += gradients[2]
        ctx.save_for_backward(of_pixel, of_own, of_prototype)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *(gradient * saved for saved in ctx.saved_tensors), None
