"""The contrastive loss between pixels and segments.

Of a pixel i with embedding v_i, among prototypes u_s, all of unit length, at concentration κ:

    L(i) = −log( Σ_{s ∈ C⁺} exp(κ v_i·u_s)  /  Σ_{s ∈ C⁺ ∪ C⁻} exp(κ v_i·u_s) )

C⁺ are the segments of the pixel's label other than its own segment, or its own where there is no
other; C⁻ are the segments of other labels. Sets of tags may meet in part: a segment is then in C⁺
with the share of the pixel's set that it meets, and in C⁻ with the rest.

The released code computes the numerator as the sum over the label minus the own term. Where the own
term is large, float32 rounds the rest away; here it is summed separately.

Source: SPML (arXiv 2105.00957), the pixel-to-segment contrastive loss.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from weakseg.method.rarity import set_overlap
from weakseg.method.vectors import full_precision

Reduction = Literal["mean", "sum", "none"]

_MAX_CONCENTRATION = 300.0
# Up to here float32 holds exp(-2κ), the smallest term beside a largest of 1, with room to sum.
_MAX_FLOAT32_CONCENTRATION = 32.0
# Similarities computed at a time: few enough for a CPU's cache, enough to keep a GPU busy.
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
    """Return the contrastive loss of pixels and segments that have one label each.

    Args:
        pixel: (N, D), unit length.
        pixel_label: (N,) int.
        pixel_segment: (N,) int, the row of `prototype` that is the pixel's own segment.
        prototype: (P, D), unit length or zero. Gradient flows here too.
        prototype_label: (P,) int.
        concentration: κ, in (0, 300].
        reduction: "mean", "sum" or "none".

    Returns:
        A scalar, or (N,) for "none"; float32 also under autocast. Without pixels it is zero, with
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
    labels = torch.cat([pixel_label, prototype_label])  # (N + P,)
    _, group = torch.unique(labels, return_inverse=True)  # (N + P,)
    count = int(group.max()) + 1 if len(group) else 0
    share = torch.eye(count, device=pixel.device)  # (G, G)
    groups = _Groups(group[: len(pixel)], group[len(pixel) :], share)
    return _loss(pixel, pixel_segment, prototype, groups, concentration, reduction)


def set_contrastive_loss(
    pixel: Tensor,
    pixel_tags: Tensor,
    pixel_segment: Tensor,
    prototype: Tensor,
    prototype_tags: Tensor,
    *,
    concentration: float,
    tag_weights: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Return the contrastive loss of pixels and segments that have a set of tags each.

    "Same label" means that the sets intersect. The set of a pixel without tags intersects none, not
    even its own segment's: C⁺ is then its own segment, C⁻ every segment, its own included.

    Where nearly every set has some tag, all sets intersect and nothing is left in C⁻. With
    `tag_weights` sets meet in part, in proportion to what they share beyond chance (`set_overlap`).
    Weights of 1 are the paper's rule.

    Args:
        pixel: (N, D). All but the tags are as in `contrastive_loss`.
        pixel_tags: (N, C) bool or 0/1.
        pixel_segment: (N,) int.
        prototype: (P, D).
        prototype_tags: (P, C) bool or 0/1.
        concentration: κ.
        tag_weights: (C,), 0 to 1: how much it means that two sets share a tag (`tag_rarity`).
        reduction: "mean", "sum" or "none".

    Returns:
        A scalar, or (N,) for "none".

    Raises:
        ValueError: Lengths do not fit, κ is out of range or the reduction is unknown.

    Source: SPML, the loss of semantic co-occurrence and of feature affinity; weights are our
    addition.

    Examples:
        >>> import torch
        >>> prototype = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> tags = torch.tensor([[True, False, True], [True, True, False]])
        >>> set_contrastive_loss(prototype[:1], tags[:1], torch.tensor([0]), prototype, tags,
        ...                      concentration=2.0)  # the sets intersect: C⁻ is empty
        tensor(0.)
        >>> set_contrastive_loss(prototype[:1], tags[:1], torch.tensor([0]), prototype, tags,
        ...                      concentration=2.0, tag_weights=torch.tensor([0.0, 1.0, 1.0]))
        tensor(0.1269)
    """
    _check(pixel, pixel_tags, pixel_segment, prototype, prototype_tags, concentration, reduction)
    tags = torch.cat([pixel_tags, prototype_tags]) != 0  # (N + P, C)
    group = _number_sets(tags)  # (N + P,)
    sets = tags.new_empty(int(group.max()) + 1 if len(group) else 0, tags.shape[1])  # (G, C)
    sets[group] = tags
    share = set_overlap(sets, tag_weights)  # (G, G)
    groups = _Groups(group[: len(pixel)], group[len(pixel) :], share)
    return _loss(pixel, pixel_segment, prototype, groups, concentration, reduction)


class _Groups(NamedTuple):
    """Labels, or sets of labels, numbered 0 … G - 1."""

    pixel: Tensor
    """(N,) group of each pixel."""
    prototype: Tensor
    """(P,) group of each prototype."""
    share: Tensor
    """(G, G), 0 to 1: how far segments of the second group are C⁺ to pixels of the first."""


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
    if not 0 < concentration <= _MAX_CONCENTRATION:
        raise ValueError(
            f"Expected argument `concentration` to be in (0, {_MAX_CONCENTRATION:g}], "
            f"but got {concentration}"
        )
    if reduction not in get_args(Reduction):
        raise ValueError(
            f"Expected argument `reduction` to be one of {get_args(Reduction)}, "
            f"but got {reduction!r}"
        )


def _number_sets(tags: Tensor) -> Tensor:
    """Number the distinct rows of (R, C) bool.

    Equivalent to `torch.unique(dim=0)` but many times faster: packs 31 columns into one integer.
    """
    number = torch.zeros(len(tags), dtype=torch.long, device=tags.device)
    for columns in torch.split(tags, 31, dim=1):
        bits = 2 ** torch.arange(columns.shape[1], device=tags.device)  # (31,)
        packed = (columns * bits).sum(dim=1)  # (R,)
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
        if concentration > _MAX_FLOAT32_CONCENTRATION:
            dtype = torch.float64
        pixel, prototype = pixel.to(dtype) * concentration, prototype.to(dtype)
        if not len(pixel):  # zero, or empty, with gradient
            return pixel.sum(dim=1) if reduction == "none" else pixel.sum() + prototype.sum() * 0
        own = (pixel * prototype.index_select(0, segment)).sum(dim=1)  # (N,)
        comparison = _Comparison.of(segment, groups, dtype)
        if reduction == "none":
            return _losses(pixel, own, prototype, comparison)
        total: Tensor = _BlockwiseSum.apply(pixel, own, prototype, comparison)
        return total / len(pixel) if reduction == "mean" else total


class _Comparison(NamedTuple):
    """C⁺ and C⁻ of n pixels among P prototypes in G groups."""

    segment: Tensor
    """(n,) the pixel's own segment."""
    share: Tensor
    """(n, G), 0 to 1: how far the group is in C⁺; the rest is in C⁻."""
    own_share: Tensor
    """(n,), 0 to 1: how far the group of the pixel's own segment is in C⁺."""
    alone: Tensor
    """(n,) bool: C⁺ has no other segment than the pixel's own."""
    member: Tensor
    """(P, G) one-hot: a product with it sums over each group."""

    @staticmethod
    def of(segment: Tensor, groups: _Groups, dtype: torch.dtype) -> _Comparison:
        """Build it for N pixels with their own segments, (N,)."""
        count = torch.bincount(groups.prototype, minlength=len(groups.share))  # (G,)
        share = groups.share.to(dtype)  # (G, G)
        own_share = share[groups.pixel, groups.prototype[segment]]  # (N,)
        meeting = ((share > 0) * count).sum(dim=1)  # (G,) segments that are in C⁺ at all
        others = meeting[groups.pixel] - (own_share > 0).long()  # (N,)
        member = torch.zeros(len(groups.prototype), len(count), dtype=dtype, device=segment.device)
        member.scatter_(1, groups.prototype[:, None], 1.0)
        return _Comparison(segment, share[groups.pixel], own_share, others == 0, member)

    def rows(self, part: slice) -> _Comparison:
        """Restrict it to a slice of the pixels."""
        return self._replace(
            segment=self.segment[part],
            share=self.share[part],
            own_share=self.own_share[part],
            alone=self.alone[part],
        )


def _losses(pixel: Tensor, own: Tensor, prototype: Tensor, comparison: _Comparison) -> Tensor:
    """Return the losses (n,) of `pixel` = κ v_i, with `own` = κ v_i·u_s of its own segment."""
    similarity = pixel @ prototype.T  # (n, P), the only array of this size
    with torch.no_grad():
        # The own segment is summed separately: subtracted from the sum later, it would swallow the
        # others. exp(-inf) is zero without gradient; the shift by `largest` cancels.
        similarity.scatter_(1, comparison.segment[:, None], -torch.inf)
        largest = torch.maximum(similarity.amax(dim=1), own)  # (n,)
        similarity.sub_(largest[:, None])
    total = similarity.exp_() @ comparison.member  # (n, G)
    own = (own - largest).exp()
    positive = torch.where(comparison.alone, own, (total * comparison.share).sum(dim=1))  # (n,)
    negative = (total * (1 - comparison.share)).sum(dim=1) + own * (1 - comparison.own_share)
    # −log(a / (a + b)) = softplus(log b − log a); without b it is zero, with a zero gradient.
    empty = negative == 0
    ratio = negative.masked_fill(empty, 1).log() - positive.log()
    return F.softplus(ratio).masked_fill(empty, 0)


class _BlockwiseSum(torch.autograd.Function):
    """Sum of the losses, block by block over the pixels, with the gradient in the same pass.

    The (n, P) similarities of a block stay in the cache; all N × P never exist at once. The forward
    pass can compute the gradient because that of a sum is known up to the incoming scalar factor.
    """

    @staticmethod
    def forward(
        ctx: Any, pixel: Tensor, own: Tensor, prototype: Tensor, comparison: _Comparison
    ) -> Tensor:
        differentiable = any(ctx.needs_input_grad)
        block = _CPU_BLOCK if pixel.device.type == "cpu" else _GPU_BLOCK
        rows = max(1, block // len(prototype))
        total = own.new_zeros(())
        grad_pixel, grad_own, grad_prototype = map(torch.empty_like, (pixel, own, prototype))
        grad_prototype.zero_()
        leaf = prototype.detach().requires_grad_(differentiable)  # (P, D)
        for start in range(0, len(pixel), rows):
            part = slice(start, start + rows)
            pixels = pixel[part].detach().requires_grad_(differentiable)  # (n, D)
            owns = own[part].detach().requires_grad_(differentiable)  # (n,)
            with torch.set_grad_enabled(differentiable):
                loss = _losses(pixels, owns, leaf, comparison.rows(part)).sum()
            total += loss.detach()
            if differentiable:
                gradients = torch.autograd.grad(loss, (pixels, owns, leaf))
                grad_pixel[part], grad_own[part] = gradients[:2]
                grad_prototype += gradients[2]
        ctx.save_for_backward(grad_pixel, grad_own, grad_prototype)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *(gradient * saved for saved in ctx.saved_tensors), None
