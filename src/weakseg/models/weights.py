"""Weights of a backbone: from a package, from timm's hub or from a file, checked before use.

Source: SPML (arXiv 2105.00957), section 4, starts from ImageNet weights.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from weakseg.errors import WeightsError
from weakseg.models import hub, lite0

_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
_NESTED_UNDER = ("state_dict", "model")
_SHOWN = 3


class FoundWeights(NamedTuple):
    """ImageNet weights that are on this machine."""

    backbone: str
    source: str
    path: Path


def available_weights() -> list[FoundWeights]:
    """List the ImageNet weights that need no network.

    Returns:
        The installed package's, then those in the local hub cache.
    """
    found = []
    installed = lite0.weights_file()
    if installed is not None:
        source = f"{lite0.PACKAGE} {version(lite0.PACKAGE)}"
        found.append(FoundWeights(lite0.NAME, source, installed))
    for repository, path in sorted(hub.cached_weights().items()):
        found.append(FoundWeights(repository.removeprefix("timm/"), "hub cache", path))
    return found


def load_weights(body: nn.Module, name: str, weights: str | Path) -> None:
    """Load weights into a backbone.

    Args:
        body: The network without its classifier.
        name: Its name in timm.
        weights: "auto" for ImageNet weights, "none" to leave the network random, or a file.

    Raises:
        WeightsError: If the weights cannot be found, read or fitted to the network.
    """
    if weights == "none":
        return
    file = _imagenet_file(name) if weights == "auto" else Path(weights).expanduser()
    state = read_state_dict(file)
    if lite0.has_package_names(state) and _is_lite0(name):
        state = lite0.convert(state)
    fit_state_dict(body, state, name=name, file=file)


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Read a network's entries from a file; nothing in the file is executed.

    Args:
        file: `.safetensors`, or what `torch.save` wrote. The entries may be nested under
            `state_dict` or `model` and begin with `module.`.

    Returns:
        The tensors by name.

    Raises:
        WeightsError: If the file is missing, of another kind, damaged, or holds no tensors.
    """
    if not file.is_file():
        raise WeightsError(
            f"{file}: no such weight file. Expected `weights` to be 'auto', 'none' or a file."
        )
    content = _read(file)
    for key in _NESTED_UNDER:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    entries = content if isinstance(content, dict) else {}
    state = {str(key): value for key, value in entries.items() if isinstance(value, Tensor)}
    if not state:
        raise WeightsError(f"{file}: expected a state dict with tensors, but found none.")
    prefix = "module." if all(key.startswith("module.") for key in state) else ""
    return {key.removeprefix(prefix): value for key, value in state.items()}


def fit_state_dict(body: nn.Module, state: dict[str, Tensor], *, name: str, file: Path) -> None:
    """Load entries that must cover the network exactly, but for a classifier beyond it.

    Args:
        body: The network without its classifier.
        state: Entries under the names of the whole timm model.
        name: The network's name, for the message.
        file: Where the entries are from, for the message.

    Raises:
        WeightsError: If entries are missing, unknown or of another shape; it lists some.
    """
    state = _names_of(body, state)
    own = body.state_dict()
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unknown = [k for k in state if k not in own]
    reshaped = [
        f"{key} (expected {tuple(own[key].shape)} but got {tuple(state[key].shape)})"
        for key in own
        if key in state and own[key].shape != state[key].shape
    ]
    if missing or unknown or reshaped:
        problems = (
            _listed("missing", missing),
            _listed("unknown", unknown),
            _listed("of another shape", reshaped),
        )
        raise WeightsError(
            f"{file}: expected the {len(own)} entries of backbone '{name}', but "
            f"{'; '.join(filter(None, problems))}. Give a file made for '{name}', name the "
            "backbone it was made for, or use `model.weights=none`."
        )
    body.load_state_dict(state, strict=False)


def _imagenet_file(name: str) -> Path:
    installed = lite0.weights_file() if _is_lite0(name) else None
    return installed if installed is not None else hub.pretrained_file(name)


def _is_lite0(name: str) -> bool:
    return name.split(".")[0] == lite0.NAME


def _read(file: Path) -> Any:
    suffix = file.suffix.lower()
    if suffix != ".safetensors" and suffix not in _TORCH_SUFFIXES:
        kinds = ", ".join((".safetensors", *_TORCH_SUFFIXES))
        raise WeightsError(f"{file}: expected a weight file ({kinds}), but got '{file.suffix}'.")
    try:
        if suffix == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails anywhere in unzip, unpickle or parse
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{file}: cannot be read as weights ({reason}). Is it whole? A pickle with more than "
            "tensors is not read, for safety: save the network's `state_dict()`."
        ) from error


def _names_of(body: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop modules that the network lacks; timm joins `stages.0` to `stages_0` when it wraps one.

    Only whole modules are dropped: a file of a deeper network must not pass for this one.
    """
    modules = {name for name, _ in body.named_children()}
    renamed = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        second, _, tail = rest.partition(".")
        if first in modules:
            renamed[key] = value
        elif f"{first}_{second}" in modules:
            renamed[f"{first}_{second}.{tail}"] = value
    return renamed


def _listed(what: str, entries: list[str]) -> str:
    if not entries:
        return ""
    more = ", …" if len(entries) > _SHOWN else ""
    return f"{len(entries)} are {what}: {', '.join(entries[:_SHOWN])}{more}"
