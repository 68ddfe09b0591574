"""Weights of a network from a package, from timm's hub or from a file, checked before use.

Source: SPML (arXiv 2105.00957), section 4, starts from ImageNet weights.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from weakseg.models import hub, lite, spml_checkpoints, whole_models
from weakseg.support.errors import WeightsError
from weakseg.support.files import why_unreadable

_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
_NESTED_UNDER = ("state_dict", "model")
_MAX_LISTED = 3
_MAX_KEY_LENGTH = 160
_DTYPES = {
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.bool,
}


class FoundWeights(NamedTuple):
    """ImageNet weights that are on this machine."""

    backbone: str
    source: str
    path: Path


def available_weights() -> list[FoundWeights]:
    """List the ImageNet weights of installed packages, then those in the local hub cache."""
    found = [each for each in map(_installed, lite.NAMES) if each is not None]
    for repository, path in sorted(hub.cached_weights().items()):
        found.append(FoundWeights(repository.removeprefix("timm/"), "hub cache", path))
    return found


def local_weights(name: str) -> FoundWeights | None:
    """Find a model's ImageNet weights on this machine, without asking the hub.

    Args:
        name: A timm model, with or without its pretrained tag.
    """
    installed = _installed(_architecture(name))
    if installed is not None:
        return installed._replace(backbone=name)
    cached = hub.cached_file(name)
    return None if cached is None else FoundWeights(name, "hub cache", cached)


def _installed(name: str) -> FoundWeights | None:
    """Find the weights in a network's package; none where it is not installed."""
    file = lite.weights_file(name)
    if file is None:
        return None
    return FoundWeights(name, f"{lite.package(name)} {version(lite.package(name))}", file)


def load_weights(body: nn.Module, name: str, weights: str | Path) -> None:
    """Load weights into a backbone.

    Args:
        body: The network without its classifier.
        name: Its name in timm.
        weights: "auto" for ImageNet weights, "none" to leave the network random, or a file; of a
            released SPML checkpoint, the backbone is used.

    Raises:
        WeightsError: The weights cannot be found, read or fitted to the network.
    """
    if weights == "none":
        return
    file = _imagenet_file(name) if weights == "auto" else Path(weights).expanduser()
    if not file.is_file():
        raise WeightsError(
            f"{file}: no such weight file. Expected `weights` to be 'auto', 'none' or a file."
        )
    state = read_state_dict(file)
    if lite.has_package_names(state) and _architecture(name) in lite.NAMES:
        state = lite.convert(state, _architecture(name))
    elif spml_checkpoints.has_checkpoint_names(state):
        state = spml_checkpoints.backbone_entries(state)
    if hasattr(body, "forward_intermediates"):
        state = whole_models.convert(state, body)
    fit_state_dict(body, state, name=name, file=file)


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Read a network's entries from a file, without executing anything in it.

    Args:
        file: `.safetensors`, or written by `torch.save`. The entries may be nested under
            `state_dict` or `model` and begin with `module.`. The two state dicts of a released SPML
            checkpoint are joined.

    Returns:
        The tensors by name.

    Raises:
        WeightsError: The file is missing, of another kind, damaged, or holds no tensors.
    """
    if not file.is_file():
        raise WeightsError(f"{file}: no such weight file.")
    content = _read(file)
    for key in _NESTED_UNDER:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    state = _tensors(content)
    for part in spml_checkpoints.PARTS:
        nested = _tensors(content.get(part)) if isinstance(content, dict) else {}
        state |= {f"{part}.{key}": value for key, value in nested.items()}
    if not state:
        raise WeightsError(f"{file}: expected a state dict with tensors, but found none.")
    return state


def fit_state_dict(body: nn.Module, state: dict[str, Tensor], *, name: str, file: Path) -> None:
    """Load entries that must match the network exactly; a classifier beyond it is dropped.

    Args:
        body: The network without its classifier.
        state: Entries under the names of the whole timm model.
        name: The network's name, for the message.
        file: The entries' file, for the message.

    Raises:
        WeightsError: As in `fit_entries`.
    """
    stem = spml_checkpoints.deep_stem_backbone(state)
    made_for = f" ('{stem}' by its names)" if stem else ""
    entries = _names_of(body, state)
    _check_bands(body, entries, name, file)
    fit_entries(
        body,
        entries,
        file=file,
        what=f"backbone '{name}'",
        ways_out=f"Give a file made for '{name}', name the backbone it was made for{made_for}, or "
        "use `model.weights=none`.",
    )


def fit_entries(
    module: nn.Module, state: dict[str, Tensor], *, file: Path, what: str, ways_out: str
) -> None:
    """Load entries that must match a module exactly.

    Args:
        module: The module.
        state: Its entries; counters of batches may be missing.
        file: The entries' file, for the message.
        what: Name of the module, for the message.
        ways_out: What to do about a mismatch, for the message.

    Raises:
        WeightsError: Entries are missing, unknown, of another shape or not finite; it lists some.
    """
    own = module.state_dict()
    shared = [key for key in own if key in state]
    reshaped = [key for key in shared if own[key].shape != state[key].shape]
    problems = {
        "missing": [k for k in own if k not in state and not k.endswith("num_batches_tracked")],
        "unknown": [key for key in state if key not in own],
        "of another shape": [
            f"{key} (expected {tuple(own[key].shape)} but got {tuple(state[key].shape)})"
            for key in reshaped
        ],
        "not finite": [
            key
            for key in shared
            if key not in reshaped and not state[key].to(own[key].dtype).isfinite().all()
        ],
    }
    if any(problems.values()):
        listed = "; ".join(_listed(kind, keys) for kind, keys in problems.items() if keys)
        raise WeightsError(
            f"{file}: expected the {len(own)} entries of {what}, but {listed}. {ways_out}"
        )
    module.load_state_dict(state, strict=False)


def _check_bands(body: nn.Module, state: dict[str, Tensor], name: str, file: Path) -> None:
    """Refuse weights whose first convolution takes another number of bands.

    Raises:
        WeightsError: It does.
    """
    for key, value in body.state_dict().items():
        if value.ndim == 4 and key in state and state[key].ndim == 4:
            expected, got = value.shape[1], state[key].shape[1]
            if expected != got and value.shape[2:] == state[key].shape[2:]:
                raise WeightsError(
                    f"{file}: made for images of {got} band{'s' * (got != 1)}, by the shape of "
                    f"{key}, but '{name}' takes {expected}. Give a file made for {expected} bands, "
                    "or use `model.weights=none`."
                )
            return


def _imagenet_file(name: str) -> Path:
    installed = lite.weights_file(_architecture(name))
    return installed if installed is not None else hub.pretrained_file(name)


def _architecture(name: str) -> str:
    """Return a model's name without its pretrained tag."""
    return name.split(".")[0]


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
        raise WeightsError(
            f"{file}: cannot be read as weights ({why_unreadable(error)}). Is it whole? Expected "
            "tensors alone: save the network's `state_dict()`, or use safetensors."
        ) from error


def _tensors(entries: Any) -> dict[str, Tensor]:
    """Return the plain tensors of a dictionary, without the prefix that parallel training adds."""
    plain = {
        str(key): value
        for key, value in (entries.items() if isinstance(entries, dict) else ())
        if isinstance(value, Tensor) and _is_plain(value)
    }
    prefix = "module." if all(key.startswith("module.") for key in plain) else ""
    return {key.removeprefix(prefix): value for key, value in plain.items()}


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor is dense and of a common type; a file may hold any kind."""
    return value.layout is torch.strided and value.dtype in _DTYPES and not value.is_meta


def _names_of(body: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename entries to the network's: timm flattens `stages.0` to `stages_0` when it wraps one.

    Entries of modules that the network lacks are dropped, but only of whole modules: the file of a
    deeper network must not fit this one.
    """
    modules = {name for name, _ in body.named_children()}
    own = body.state_dict().keys()
    renamed = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        second, _, tail = rest.partition(".")
        if first in modules or key in own:
            renamed[key] = value
        elif f"{first}_{second}" in modules:
            renamed[f"{first}_{second}.{tail}"] = value
    return renamed


def _listed(kind: str, keys: list[str]) -> str:
    shown = ", ".join(key[:_MAX_KEY_LENGTH] for key in keys[:_MAX_LISTED])
    more = ", …" if len(keys) > _MAX_LISTED else ""
    return f"{len(keys)} are {kind}: {shown}{more}"
