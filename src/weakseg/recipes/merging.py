"""Trees of keys and values: nested dictionaries, with dotted keys, laid over each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested dictionaries into one with dotted keys.

    Examples:
        >>> flatten({"model": {"head": "aspp"}, "seed": 0})
        {'model.head': 'aspp', 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def merge(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Lay trees over each other, key by key; they themselves stay as they are.

    Args:
        trees: Nested dictionaries, their keys dotted or not. The last one that holds a key wins.

    Examples:
        >>> merge({"model": {"head": "aspp"}}, {"model.head": "psp", "seed": 1})
        {'model': {'head': 'psp'}, 'seed': 1}
    """
    merged: dict[str, Any] = {}
    for tree in trees:
        for dotted, value in flatten(tree).items():
            *parents, last = dotted.split(".")
            branch = merged
            for parent in parents:
                if not isinstance(branch.get(parent), dict):
                    branch[parent] = {}
                branch = branch[parent]
            branch[last] = value
    return merged


def branches(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List every key, dotted, with its value, those that hold further keys among them."""
    for key, value in tree.items():
        yield f"{prefix}{key}", value
        if isinstance(value, Mapping):
            yield from branches(value, f"{prefix}{key}.")


def as_tree(config: DataclassInstance) -> dict[str, Any]:
    """Convert a dataclass into nested dictionaries of the types that YAML has."""
    tree: dict[str, Any] = plain_types(asdict(config))
    return tree


def plain_types(value: Any) -> Any:
    """Convert tuples and paths inside a value into lists and texts, as YAML has them.

    Examples:
        >>> plain_types({"points": (Path("a.csv"),)})
        {'points': ['a.csv']}
    """
    if isinstance(value, dict):
        return {key: plain_types(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_types(item) for item in value]
    return str(value) if isinstance(value, Path) else value
