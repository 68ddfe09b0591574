"""Rarity of tags: what it means that two images share some.

Of tags that nearly every image has, two images share one by chance. With p_c the fraction of images
that have tag c, and independent tags, a random image has all that sets A and B share with
probability Π p_c over c ∈ A ∩ B. So A meets B in

    m(A, B) = (1 − Π_{c ∈ A ∩ B} (1 − w_c)) / (1 − Π_{c ∈ A} (1 − w_c)),   w_c = 1 − p_c

from 0, where they share nothing beyond chance, to 1, where B has all of A. With all w_c = 1 it is 1
where the sets intersect and 0 elsewhere: the rule of SPML (arXiv 2105.00957). A tag of weight 0 is
no tag, as SPML has it for the background.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NEVER = -1e4  # logarithm of a probability of zero: exp of it is zero, its multiples are finite


def tag_rarity(tags: Tensor) -> Tensor:
    """Return the weight of each tag, by how rare it is among images.

    Args:
        tags: (B, C) bool, tags of the training images. Images without any are not counted.

    Returns:
        (C,) float32, 1 − p_c in proportion to the rarest tag's: 1 for the rarest and for tags that
        no image has, 0 for one that all have. Tags that are equally frequent all have 1.

    Examples:
        >>> import torch
        >>> tag_rarity(torch.tensor([[1, 1, 0], [1, 0, 1], [1, 0, 1], [1, 0, 0]]).bool())
        tensor([0.0000, 1.0000, 0.6667])
    """
    known = tags.bool()
    known = known[known.any(dim=1)]  # (B', C)
    fraction = known.double().mean(dim=0).nan_to_num()  # (C,)
    weight = 1 - fraction
    seen = fraction > 0
    largest = weight[seen].max() if seen.any() else weight.new_zeros(())
    if largest <= 0:  # every image has the same tags: there is nothing to tell them apart
        return torch.ones_like(weight, dtype=torch.float32)
    return (weight / largest).masked_fill(~seen, 1).float()


def set_overlap(sets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return how far each set of tags meets each other one.

    Args:
        sets: (G, C) bool.
        weights: (C,), 0 to 1, of the tags; 1 by default.

    Returns:
        (G, G), 0 to 1, m(A, B) with A in the rows; zeros for a set without tags of any weight.

    Raises:
        ValueError: There is not one weight a tag, or one is out of range.

    Examples:
        >>> import torch
        >>> sets = torch.tensor([[1, 1, 0], [1, 0, 1]]).bool()
        >>> set_overlap(sets)
        tensor([[1., 1.],
                [1., 1.]])
        >>> set_overlap(sets, torch.tensor([0.25, 1.0, 0.5]))
        tensor([[1.0000, 0.2500],
                [0.4000, 1.0000]])
    """
    if weights is None:
        return ((sets.float() @ sets.float().T) > 0).float()  # (G, G)
    if weights.shape != sets.shape[1:] or not bool(((weights >= 0) & (weights <= 1)).all()):
        raise ValueError(
            f"Expected argument `tag_weights` to be ({sets.shape[1]},), each from 0 to 1, but got "
            f"shape {tuple(weights.shape)}: {weights.tolist()}"
        )
    chance = torch.log1p(-weights.double()).clamp(min=_NEVER)  # (C,) log(1 − w_c)
    kept = sets.double()
    beyond = -torch.expm1((kept * chance) @ kept.T)  # (G, G)
    whole = beyond.diagonal()[:, None]  # (G, 1)
    overlap = beyond / whole.masked_fill(whole == 0, 1)
    # A set is all of what meets it whole, whatever the rounding.
    return overlap.masked_fill(overlap > 1 - 1e-9, 1).float()
