"""Choice of a recipe where none is named."""

from __future__ import annotations

from weakseg.recipes.recipe import FITTED


def recipe_for(method: str | None = None, *, many_tags: bool = False) -> str:
    """Return the name of the recipe for photographs.

    One recipe is the best in its time for every kind of mark but many tags an image: there
    retrieval from frozen features fails, and a trained head does not (docs/results.md).

    Args:
        method: Method that is asked for, if any.
        many_tags: Images are marked by more than a few tags each.

    Examples:
        >>> recipe_for(), recipe_for("cross-entropy"), recipe_for(many_tags=True)
        ('fast', 'small', 'small')
    """
    fitted = method in FITTED or (method is None and not many_tags)
    return "fast" if fitted else "small"
