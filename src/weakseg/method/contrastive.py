"""The contrastive loss between pixels and segments.

Of a pixel i with embedding v_i, among prototypes u_s, all of unit length, at concentration κ:

    L(i) = −log( Σ_{s ∈ C⁺} exp(κ v_i·u_s)  /  Σ_{s ∈ C⁺ ∪ C⁻} exp(κ v_i·u_s) )

C⁺ are the segments of the pixel's label other than its own segment, or its own where there is no
other; C⁻ are the segments of other labels. Sets of tags may meet in part: a segment is then in C⁺
with the share of the pixel's set that it meets, and in C⁻ with the rest.

The released code computes the numerator as the sum over the label minus the own term. Where the own
term is large, float32 rounds the rest away; here it is summed separately (see `comparison`).

Source: SPML (arXiv 2105.00957), the pixel-to-segment contrastive loss.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from weakseg.method.comparison import Groups, compare
from weakseg.method.rarity import set_overlap
from weakseg.method.vectors import full_precision

Reduction = Literal["mean", "sum", "none"]

_MAX_CONCENTRATION = 300.0
# Up to here float32 holds exp(±κ), with room to sum and to multiply.
_MAX_FLOAT32_CONCENTRATION = 32.0


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
    groups = Groups(group[: len(pixel)], group[len(pixel) :], share)
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
    groups = Groups(group[: len(pixel)], group[len(pixel) :], share)
    return _loss(pixel, pixel_segment, prototype, groups, concentration, reduction)


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
    groups: Groups,
    concentration: float,
    reduction: Reduction,
) -> Tensor:
    with torch.autocast(pixel.device.type, enabled=False):
        dtype = torch.promote_types(full_precision(pixel).dtype, full_precision(prototype).dtype)
        if concentration > _MAX_FLOAT32_CONCENTRATION:
            dtype = torch.float64
        pixel, prototype = pixel.to(dtype), prototype.to(dtype)
        groups = groups._replace(share=groups.share.to(dtype))
        if not len(pixel):  # zero, or empty, with gradient
            return pixel.sum(dim=1) if reduction == "none" else pixel.sum() + prototype.sum() * 0
        if reduction == "none":
            losses: Tensor = _Losses.apply(pixel, prototype, segment, groups, concentration)
            return losses
        total: Tensor = _Sum.apply(pixel, prototype, segment, groups, concentration)
        return total / len(pixel) if reduction == "mean" else total


class _Sum(torch.autograd.Function):
    """Sum of the losses, with the gradient in the same pass.

    That of a sum is known in the forward pass, up to the incoming scalar factor.
    """

    @staticmethod
    def forward(
        ctx: Any,
        pixel: Tensor,
        prototype: Tensor,
        segment: Tensor,
        groups: Groups,
        concentration: float,
    ) -> Tensor:
        differentiate = any(ctx.needs_input_grad)
        done = compare(
            pixel, segment, prototype, groups, concentration, differentiate=differentiate
        )
        ctx.save_for_backward(done.pixel, done.prototype)
        return done.loss.sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *(gradient * saved for saved in ctx.saved_tensors), None, None, None


class _Losses(torch.autograd.Function):
    """Each pixel's loss; for its gradient the pixels are compared once more."""

    @staticmethod
    def forward(
        ctx: Any,
        pixel: Tensor,
        prototype: Tensor,
        segment: Tensor,
        groups: Groups,
        concentration: float,
    ) -> Tensor:
        ctx.save_for_backward(pixel, prototype, segment, *groups)
        ctx.concentration = concentration
        return compare(pixel, segment, prototype, groups, concentration, differentiate=False).loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pixel, prototype, segment, *groups = ctx.saved_tensors
        done = compare(
            pixel, segment, prototype, Groups(*groups), ctx.concentration, weight=gradient
        )
        return done.pixel, done.prototype, None, None, None
