"""Random forest as a network's classifier: plain arrays of its trees, evaluated side by side.

Source: Breiman, "Random forests", Machine Learning 45 (2001); the trees are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

_BLOCK = 2**19  # nodes visited at a time: 4 MiB an array
_FAINTEST = 1e-12  # smallest probability, as the logarithm of 0 is not finite


class ForestClassifier(nn.Module):
    """Class scores of an embedding by a random forest.

    Shape:
        - Input: (B, D, h, w)
        - Output: (B, C, h, w), logarithms of the mean of the trees' class frequencies

    Args:
        trees: Number of trees.
        nodes: Number of nodes N of all trees together.
        leaves: Number of leaves L among them.
        num_classes: Classes C.

    Attributes:
        root: First node of every tree, (trees,).
        feature: Channel that a node looks at, (N,).
        threshold: Vectors with at most this value in the channel go left, (N,).
        below: Node to the left and to the right, (N, 2); a leaf's are itself.
        leaf: Row of `frequency` that a leaf has, (N,).
        frequency: Class frequencies in the leaves, (L, C).
    """

    root: Tensor
    feature: Tensor
    threshold: Tensor
    below: Tensor
    leaf: Tensor
    frequency: Tensor

    def __init__(self, trees: int, nodes: int, leaves: int, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("root", torch.zeros(trees, dtype=torch.int32))
        self.register_buffer("feature", torch.zeros(nodes, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(nodes))
        self.register_buffer("below", torch.zeros(nodes, 2, dtype=torch.int32))
        self.register_buffer("leaf", torch.zeros(nodes, dtype=torch.int32))
        self.register_buffer("frequency", torch.zeros(leaves, num_classes))

    @classmethod
    def shaped_like(cls, state: Mapping[str, Tensor], prefix: str = "") -> Self | None:
        """Return a forest of the size that a state dict holds; None where it holds no forest."""
        names = ("root", "feature", "frequency")
        root, feature, frequency = (state.get(f"{prefix}{name}") for name in names)
        if root is None or feature is None or frequency is None or frequency.ndim != 2:
            return None
        return cls(len(root), len(feature), *frequency.shape)

    @classmethod
    def from_sklearn(cls, forest: Any, num_classes: int) -> Self:
        """Return the forest of a fitted `sklearn.ensemble.RandomForestClassifier`.

        Args:
            forest: The fitted forest; its classes are ids.
            num_classes: Classes C; those that it has not seen have probability 0.
        """
        trees = [estimator.tree_ for estimator in forest.estimators_]
        sizes = [tree.node_count for tree in trees]
        is_leaf = [tree.children_left < 0 for tree in trees]
        own = cls(len(trees), sum(sizes), int(sum(map(np.sum, is_leaf))), num_classes)
        first = np.cumsum([0, *sizes[:-1]])
        children = [_children(tree, start) for tree, start in zip(trees, first, strict=True)]
        split = ~np.concatenate(is_leaf)
        frequency = np.zeros((int((~split).sum()), num_classes), np.float32)
        values = _joined(trees, "value")[~split, 0]  # (L, classes seen)
        frequency[:, forest.classes_] = values / values.sum(axis=1, keepdims=True)
        arrays = {
            "root": first,
            "feature": np.where(split, _joined(trees, "feature"), 0),
            "threshold": _rounded_down(np.where(split, _joined(trees, "threshold"), 0)),
            "below": np.concatenate(children),
            "leaf": np.where(split, 0, np.cumsum(~split) - 1),
            "frequency": frequency,
        }
        for name, values in arrays.items():
            buffer = getattr(own, name)
            buffer.copy_(torch.from_numpy(values))
        return own

    def forward(self, embedding: Tensor) -> Tensor:
        """Return the logarithms of the class probabilities."""
        batch, dimensions, height, width = embedding.shape
        vectors = embedding.float().permute(0, 2, 3, 1).reshape(-1, dimensions)  # (B·h·w, D)
        rows = max(1, _BLOCK // len(self.root))
        found = torch.cat([self._probabilities(part) for part in torch.split(vectors, rows)])
        logits = found.clamp(min=_FAINTEST).log().view(batch, height, width, -1)
        return logits.permute(0, 3, 1, 2)  # (B, C, h, w)

    def _probabilities(self, vectors: Tensor) -> Tensor:
        """Return the class probabilities of vectors, (n, D) -> (n, C)."""
        node = self.root.long().expand(len(vectors), -1)  # (n, trees)
        while True:
            value = vectors.gather(1, self.feature[node].long())  # (n, trees)
            right = (value > self.threshold[node]).long()
            following = self.below[node, right].long()
            if torch.equal(following, node):
                return F.embedding_bag(self.leaf[node].long(), self.frequency, mode="mean")
            node = following


def _joined(trees: Sequence[Any], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(tree, name) for tree in trees])


def _children(tree: Any, first: int) -> NDArray[np.int64]:
    """Return the children of a tree's nodes, (n, 2); its own first node has number `first`."""
    pair = np.stack([tree.children_left, tree.children_right], axis=1)
    own = np.arange(len(pair))[:, None]
    return np.asarray(first + np.where(pair < 0, own, pair), np.int64)


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest 32-bit numbers that are no more: 32-bit values compare to both alike."""
    near = threshold.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > threshold, below, near)
