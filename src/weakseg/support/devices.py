"""The torch device that work runs on: by its name, or by a recipe's accelerator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weakseg.support.errors import RecipeError, RunError

if TYPE_CHECKING:
    import torch

_KINDS = {  # of accelerator: kinds of torch device, the first that is there
    "auto": ("cuda", "cpu"),
    "cpu": ("cpu",),
    "gpu": ("cuda", "mps"),
    "cuda": ("cuda",),
    "mps": ("mps",),
}


def pick_device(name: str = "auto") -> torch.device:
    """Return a torch device by its name; auto: a GPU where there is one.

    Raises:
        RunError: The device cannot be used on this machine.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # the latter where torch knows no GPUs
        reason = str(error).split("\n")[0]
        raise RunError(f"device {name!r} cannot be used ({reason}).") from error


def accelerator_device(accelerator: str) -> torch.device:
    """Return the device of a recipe's `training.accelerator`, for all that is no training loop.

    Raises:
        RecipeError: The accelerator is unknown, or this machine has none.
    """
    import torch

    if accelerator not in _KINDS:
        raise RecipeError(
            f"training.accelerator: expected one of {', '.join(_KINDS)}, but got {accelerator!r}."
        )
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    for kind in _KINDS[accelerator]:
        if there[kind]:
            return torch.device(kind)
    raise RecipeError(
        f"training.accelerator: is {accelerator!r}, but torch finds none on this machine; use auto "
        "or cpu, or see `weakseg doctor`."
    )
