"""Names in the files that the paper's authors released, in ours.

Their checkpoints are dictionaries of two state dicts, `embedding_model` (a ResNet with three
convolutions as its stem, and a head) and `prediction_model` (the classifier). Their ImageNet file
has the names of timm's deep-stem ResNets and needs no translation.

What else a network must agree on, and does here: images are RGB in 0 … 1, scaled by ImageNet's mean
and deviation (a comment in their reader says BGR; the code reads RGB); stride 8, dilations 6 to 24,
embeddings at stride 4; bilinear resizing with `align_corners=False`; batch normalisation with
ε = 1e-5. One thing differs: their classifier reads embeddings of length one, ours reads them times
√D, so that its first layer's weights must be divided by √D.

Source: SPML (arXiv 2105.00957) and its released code, github.com/twke18/SPML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

PARTS = ("embedding_model", "prediction_model")
"""The state dicts in a checkpoint."""

OUTPUT_STRIDE = 8
EMBEDDING_STRIDE = 4
DILATIONS = (6, 12, 18, 24)

_BACKBONE = "backbone.body."
_COUNTED_FROM_ONE = (
    (re.compile(r"embedding_model\.resnet_backbone\.res(\d)\."), f"{_BACKBONE}layer{{}}."),
    (re.compile(r"embedding_model\.aspp\.aspp_(\d)\.0\."), "head.branches.{}."),
    (re.compile(r"embedding_model\.pspp\.0\.pspp_(\d)\."), "head.0.branches.{}."),
)
_RENAMED = {
    "embedding_model.resnet_backbone.conv1.": _BACKBONE,
    "embedding_model.pspp.0.conv.": "head.0.join.",
    "embedding_model.pspp.1.": "head.1.",
    "prediction_model.semantic_classifier.": "classifier.",
}
# A fixed kernel that blurs the image for DensePose's colour features; ours is no parameter.
_FIXED = ("embedding_model.lfn.",)
_BLOCKS = {6: "resnet50_deep_stem", 23: "resnet101_deep_stem"}


def has_checkpoint_names(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict uses the names of the authors' checkpoints."""
    return any(key.startswith(f"{PARTS[0]}.") for key in state)


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a checkpoint's entries to those of an `EmbeddingNetwork`.

    Args:
        state: The checkpoint's entries, as `embedding_model.…` and `prediction_model.…`.

    Returns:
        The same tensors. Entries that are none of a released network's keep their names.

    Examples:
        >>> list(rename({"embedding_model.aspp.aspp_2.0.bias": None,
        ...              "prediction_model.semantic_classifier.0.weight": None}))
        ['head.branches.1.bias', 'classifier.0.weight']
    """
    return {_our_name(key): value for key, value in state.items() if not key.startswith(_FIXED)}


def backbone_entries(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the backbone out of a checkpoint.

    Args:
        state: The checkpoint's entries.

    Returns:
        The backbone's entries under timm's names.
    """
    return {
        key.removeprefix(_BACKBONE): value
        for key, value in rename(state).items()
        if key.startswith(_BACKBONE)
    }


def deep_stem_backbone(state: Mapping[str, Tensor]) -> str | None:
    """Name the backbone whose entries these are, where it is a ResNet with the authors' stem.

    Args:
        state: Entries under timm's names, such as those of the authors' ImageNet file.

    Examples:
        >>> entries = ["conv1.6.weight", *(f"layer3.{n}.conv3.weight" for n in range(23))]
        >>> deep_stem_backbone(dict.fromkeys(entries))
        'resnet101_deep_stem'
    """
    if "conv1.6.weight" not in state:
        return None
    return _BLOCKS.get(sum(bool(re.fullmatch(r"layer3\.\d+\.conv3\.weight", k)) for k in state))


def num_classes(ours: Mapping[str, Tensor]) -> int | None:
    """Count the classes of a renamed classifier, with or without a hidden layer.

    Returns:
        The number, or None where the entries hold no classifier.
    """
    bias = ours.get("classifier.4.bias", ours.get("classifier.0.bias"))
    return len(bias) if bias is not None and bias.ndim == 1 else None


def _our_name(key: str) -> str:
    for pattern, ours in _COUNTED_FROM_ONE:
        if match := pattern.match(key):
            return ours.format(int(match[1]) - 1) + key[match.end() :]
    for theirs, ours in _RENAMED.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key
