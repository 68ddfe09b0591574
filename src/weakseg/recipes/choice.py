"""Choice of a recipe where none is named."""

from __future__ import annotations

from weakseg.recipes.recipe import FITTED


def recipe_for(method: str | None = None) -> str:
    """Return the name of the recipe for photographs.

    So far one recipe is the best in its time for every kind of mark (docs/results.md).

    Args:
        method: Method that is asked for, if any.

    Examples:
        >>> recipe_for(), recipe_for("cross-entropy")
        ('fast', 'small')
    """
    return "fast" if method is None or method in FITTED else "small"
