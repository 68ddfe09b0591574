"""Memory bank: the prototypes of the last few training steps.

Source: SPML (arXiv 2105.00957), memory bank, after SegSort (arXiv 1910.06962).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Prototypes(NamedTuple):
    """Prototypes with their labels, tags and images."""

    prototype: Tensor
    """(P, D)"""
    prototype_with_location: Tensor
    """(P, D + L)"""
    label: Tensor
    """(P,) class id, or any other value where unlabelled."""
    tags: Tensor
    """(P, C) bool, the tags of the prototype's image."""
    image: Tensor
    """(P,) int; 0 … B - 1 in a batch, negative in the bank."""

    @staticmethod
    def concatenate(parts: list[Prototypes]) -> Prototypes:
        """Concatenate at least one set of prototypes along P."""
        return Prototypes(*(torch.cat(column) for column in zip(*parts, strict=True)))


class MemoryBank(nn.Module):
    """Prototypes of the last `size` steps, without gradient.

    The content is part of `state_dict` (as extra state, because its size varies), so that a resumed
    training continues exactly, also with a new bank.

    Args:
        size: Steps to keep; with 0 the bank stays empty.

    Raises:
        ValueError: `size` is negative.

    Examples:
        >>> import torch
        >>> bank = MemoryBank(2)
        >>> for step in range(3):
        ...     bank.append(Prototypes(torch.eye(1), torch.eye(1), torch.tensor([step]),
        ...                            torch.ones(1, 4, dtype=torch.bool), torch.tensor([0])))
        >>> [step.label.item() for step in bank.steps()], [s.image.item() for s in bank.steps()]
        ([1, 2], [-2, -3])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 0:
            raise ValueError(f"Expected argument `size` to be at least 0, but got {size}")
        self.size = size
        self._steps: list[Prototypes] = []
        self._images_seen = 0

    def __len__(self) -> int:
        """Return the number of stored steps."""
        return len(self._steps)

    def steps(self, device: torch.device | str | None = None) -> list[Prototypes]:
        """Return the stored prototypes.

        Args:
            device: Where the result lives; where each was stored by default.

        Returns:
            One entry a step, oldest first. No image id occurs in two steps or in a batch.
        """
        if device is None:
            return list(self._steps)
        return [Prototypes(*(column.to(device) for column in step)) for step in self._steps]

    @torch.no_grad()
    def append(self, prototypes: Prototypes) -> None:
        """Store a step and drop the oldest one beyond `size`.

        Args:
            prototypes: Those of the current step; `image` counts from 0.
        """
        if self.size == 0:
            return
        # Ids that count down from -1 are unique across steps and never those of a batch.
        image = -1 - self._images_seen - prototypes.image
        if len(image):
            self._images_seen += int(prototypes.image.max()) + 1
        kept = prototypes._replace(image=image)
        self._steps.append(Prototypes(*(column.detach().clone() for column in kept)))
        del self._steps[: -self.size]

    def get_extra_state(self) -> dict[str, Any]:
        """Return the content for `state_dict`: plain tensors, safe to load with `weights_only`."""
        return {"images_seen": self._images_seen, "steps": [step._asdict() for step in self._steps]}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the content from `load_state_dict`; of a larger bank, the latest steps."""
        self._images_seen = int(state["images_seen"])
        steps = [Prototypes(**{k: v.clone() for k, v in step.items()}) for step in state["steps"]]
        self._steps = steps[len(steps) - min(self.size, len(steps)) :]
