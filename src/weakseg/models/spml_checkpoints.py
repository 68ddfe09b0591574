"""Entry names of the checkpoints that SPML's authors released, translated to ours.

The checkpoints are dictionaries of two state dicts, `embedding_model` (a ResNet with three
convolutions as its stem, and a head) and `prediction_model` (the classifier). The released ImageNet
file has the names of timm's deep-stem ResNets and needs no translation.

Other conventions of the checkpoints, which this package shares: images are RGB in 0 … 1, normalised
by ImageNet's mean and deviation (a comment in the released reader claims BGR; its code reads RGB);
stride 8, dilations 6 to 24, embeddings at stride 4; bilinear resizing with `align_corners=False`;
batch normalisation with ε = 1e-5. One differs: the released classifier is applied to embeddings of
length one, ours to embeddings of length √D, so its first layer's weights must be divided by √D.

Source: SPML (arXiv 2105.00957) and its released code, github.com/twke18/SPML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

PARTS = ("embedding_model", "prediction_model")
"""Keys of the two state dicts in a checkpoint."""

OUTPUT_STRIDE = 8
EMBEDDING_STRIDE = 4
DILATIONS = (6, 12, 18, 24)

_BACKBONE = "backbone.body."
_NUMBERED = (
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
# The fixed kernel of DensePose's colour features, which is no parameter here.
_IGNORED = ("embedding_model.lfn.",)
_BACKBONE_BY_BLOCKS = {6: "resnet50_deep_stem", 23: "resnet101_deep_stem"}


def has_checkpoint_names(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict has the entry names of the released checkpoints."""
    return any(key.startswith(f"{PARTS[0]}.") for key in state)


def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a checkpoint's entries to those of an `EmbeddingNetwork`.

    Args:
        state: The checkpoint's entries, as `embedding_model.…` and `prediction_model.…`.

    Returns:
        The same tensors. Entries unknown to the released networks keep their names.

    Examples:
        >>> list(rename({"embedding_model.aspp.aspp_2.0.bias": None,
        ...              "prediction_model.semantic_classifier.0.weight": None}))
        ['head.branches.1.bias', 'classifier.0.weight']
    """
    return {_our_name(key): value for key, value in state.items() if not key.startswith(_IGNORED)}


def backbone_entries(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the backbone's entries of a checkpoint, under timm's names."""
    return {
        key.removeprefix(_BACKBONE): value
        for key, value in rename(state).items()
        if key.startswith(_BACKBONE)
    }


def deep_stem_backbone(state: Mapping[str, Tensor]) -> str | None:
    """Return the name of the deep-stem ResNet that has these entries, or None.

    Args:
        state: Entries under timm's names, such as those of the released ImageNet file.

    Examples:
        >>> entries = ["conv1.6.weight", *(f"layer3.{n}.conv3.weight" for n in range(23))]
        >>> deep_stem_backbone(dict.fromkeys(entries))
        'resnet101_deep_stem'
    """
    if "conv1.6.weight" not in state:
        return None
    blocks = sum(bool(re.fullmatch(r"layer3\.\d+\.conv3\.weight", key)) for key in state)
    return _BACKBONE_BY_BLOCKS.get(blocks)


def num_classes(ours: Mapping[str, Tensor]) -> int | None:
    """Return the number of classes of a renamed classifier, or None without a classifier."""
    bias = ours.get("classifier.4.bias", ours.get("classifier.0.bias"))
    return len(bias) if bias is not None and bias.ndim == 1 else None


def _our_name(key: str) -> str:
    for pattern, ours in _NUMBERED:
        if match := pattern.match(key):
            return ours.format(int(match[1]) - 1) + key[match.end() :]
    for theirs, ours in _RENAMED.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key
