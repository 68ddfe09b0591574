"""Labels of unlabelled segments, from their nearest labelled neighbours in the same image.

Source: SPML (arXiv 2105.00957), the feature affinity relation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakseg.method.vectors import full_precision


@torch.no_grad()
def propagate_labels(
    prototype: Tensor,
    label: Tensor,
    image: Tensor,
    *,
    num_classes: int,
    threshold: float = 0.95,
    k: int = 1,
) -> Tensor:
    """Label each prototype like its k nearest labelled prototypes of the same image.

    The nearest neighbour of a labelled prototype is itself. No gradient flows.

    Args:
        prototype: (P, D), unit length.
        label: (P,) int; values outside 0 … num_classes - 1 are unlabelled.
        image: (P,) int.
        num_classes: C.
        threshold: Minimum cosine of a neighbour.
        k: Neighbours, at least 1; fewer where the image has fewer.

    Returns:
        (P, C) bool; all False where no neighbour is near enough.

    Raises:
        ValueError: Lengths differ, or `k` is below 1.

    Source: SPML, feature affinity.

    Examples:
        >>> import torch
        >>> prototype = torch.tensor([[1.0, 0.0], [0.98, 0.199], [0.0, 1.0]])
        >>> label, image = torch.tensor([1, 254, 254]), torch.tensor([0, 0, 0])
        >>> propagate_labels(prototype, label, image, num_classes=2)
        tensor([[False,  True],
                [False,  True],
                [False, False]])
    """
    if not len(prototype) == len(label) == len(image):
        raise ValueError(
            "Expected arguments `prototype`, `label` and `image` to be of one length, "
            f"but got {len(prototype)}, {len(label)} and {len(image)}"
        )
    if k < 1:
        raise ValueError(f"Expected argument `k` to be at least 1, but got {k}")
    labelled = (label >= 0) & (label < num_classes)  # (P,), L of them True
    labels = torch.zeros(len(prototype), num_classes, dtype=torch.bool, device=prototype.device)
    if not bool(labelled.any()):
        return labels
    with torch.autocast(prototype.device.type, enabled=False):
        prototype = full_precision(prototype)
        cosine = prototype @ prototype[labelled].T  # (P, L)
    cosine.masked_fill_(image[:, None] != image[labelled][None, :], -torch.inf)
    nearest, index = cosine.topk(min(k, cosine.shape[1]), dim=1)  # (P, k) each
    row, rank = torch.nonzero(nearest >= threshold, as_tuple=True)  # (R,) each
    labels[row, label[labelled][index[row, rank]].long()] = True
    return labels
