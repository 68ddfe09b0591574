"""Choice of a recipe by the kinds of the marks, where none is named."""

from __future__ import annotations

from collections.abc import Collection

_BY_KIND: dict[str, str] = {
    "tags": "fast",
    "boxes": "fast",
    "points": "fast",
    "scribbles": "fast",
    "masks": "fast",
}
_MIXED = "fast"


def recipe_for(kinds: Collection[str]) -> str:
    """Return the name of the recipe for photographs with marks of these kinds.

    Examples:
        >>> recipe_for(["points"])
        'fast'
    """
    if len(kinds) != 1:
        return _MIXED
    (kind,) = kinds
    return _BY_KIND[kind]
