"""Reading and writing of recipes as YAML, and the recipes that come with weakseg."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, set_docstring_parse_options

from weakseg.recipes.merging import as_tree, branches, flatten, merge, plain_types
from weakseg.recipes.messages import RENAMED, plain_message
from weakseg.recipes.recipe import FITTED, Recipe
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.files import replacing
from weakseg.support.yaml_files import read_yaml

_FOLDER = Path(__file__).parent
_BY_TIME = ("instant", "fast", "small")

set_docstring_parse_options(attribute_docstrings=False)


def recipe_names() -> list[str]:
    """List the names of the recipes that come with weakseg: by time, then alphabetically."""
    names = {path.stem for path in _FOLDER.glob("*.yaml")}
    return [*_BY_TIME, *sorted(names - {*_BY_TIME})]


def recipe_path(name: str | Path) -> Path:
    """Find a recipe by its name or its file.

    Raises:
        RecipeError: There is no such recipe.
    """
    built_in = _FOLDER / f"{name}.yaml"
    if built_in.is_file():
        return built_in
    path = Path(name)
    if path.is_file():
        return path
    near = difflib.get_close_matches(str(name), recipe_names(), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise RecipeError(
        f"There is no recipe {str(name)!r:.200}: expected a YAML file or one of "
        f"{', '.join(recipe_names())}.{hint}"
    )


def recipe_summary(name: str) -> str:
    """Return the comment in the first line of a built-in recipe."""
    with recipe_path(name).open() as file:
        return file.readline().lstrip("# ").strip()


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe and change some of its values.

    A recipe may name another one as its `base`, by name or by a file beside it, and then holds only
    what differs.

    Args:
        name: A built-in recipe, or a path to a YAML file.
        overrides: New values by dotted key, as in ``{"training.steps": 100}``.

    Returns:
        The whole recipe, checked.

    Raises:
        RecipeError: The file is no YAML, a key is unknown or a value has the wrong type; the
            message gives the key's path.

    Examples:
        >>> load_recipe("small", {"training.steps": 10}).training.steps
        10
    """
    path = recipe_path(name)
    return parse_with_overrides(read_recipe_tree(path), overrides or {}, source=str(path))


def parse_with_overrides(
    tree: Mapping[str, Any], overrides: Mapping[str, Any], *, source: str
) -> Recipe:
    """Parse a recipe under overrides; errors name whichever of the two is at fault.

    A method among the overrides that is fitted to features brings what it needs: the head of that
    name, a frozen backbone, and a last stage that leaves the network as it is.

    Raises:
        RecipeError: A key is unknown or a value has the wrong type or range.
    """
    fitted = flatten(overrides).get("method") in FITTED
    needs = {"model.head": "features", "model.train": "head", "classify.train": "classifier"}
    brought = needs if fitted else {}
    merged = merge(tree, brought, overrides)
    try:
        return parse_recipe(merged, source=source)
    except RecipeError:
        parse_recipe(tree, source=source)  # raises where the recipe itself is wrong
        return parse_recipe(merged, source="options")


def read_recipe_tree(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a recipe's keys and values, laid over those of the recipe that its `base` names.

    Args:
        path: The YAML file.
        above: Files of which this one is the base, which it cannot name in turn.

    Raises:
        RecipeError: The file is not valid YAML, or there is no such base.
    """
    if path in above:
        raise RecipeError(f"{path}: is its own base")
    try:
        tree = read_yaml(path) or {}
    except DataError as error:
        raise RecipeError(str(error)) from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{path}: expected keys and values, but got {type(tree).__name__}")
    base = tree.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise RecipeError(
            f"{path}: base: expected the name or file of a recipe, but got {base!r:.200}"
        )
    beside = path.parent / base
    found = beside if beside.is_file() else recipe_path(base)
    return merge(read_recipe_tree(found, (*above, path)), tree)


def parse_recipe(tree: Mapping[str, Any], *, source: str = "recipe") -> Recipe:
    """Convert nested dictionaries into a recipe.

    Args:
        tree: Nested keys and values; what is left out has its default.
        source: Its name in messages.

    Raises:
        RecipeError: A key is unknown or a value has the wrong type or range.
    """
    _refuse_unknown(tree, source)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe, None)
    try:
        parsed = parser.instantiate(parser.parse_object(plain_types(dict(tree))))
        return Recipe(**{item.name: getattr(parsed, item.name) for item in fields(Recipe)})
    except RecipeError as error:
        raise RecipeError(f"{source}: {error}") from error
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(f"{source}: {plain_message(str(error))}") from error


def dump_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe in full, defaults included."""
    with replacing(path) as beside:
        beside.write_text(recipe_yaml(recipe), encoding="utf-8")


def recipe_yaml(recipe: Recipe) -> str:
    """Format a recipe in full as YAML."""
    return str(yaml.safe_dump(as_tree(recipe), sort_keys=False, allow_unicode=True))


def recipe_differences(first: Recipe, second: Recipe) -> list[str]:
    """List the keys in which two recipes differ, with both values."""
    one, other = (flatten(as_tree(recipe)) for recipe in (first, second))
    return [f"{key}: {one[key]!r} → {other[key]!r}" for key in one if one[key] != other[key]]


def _refuse_unknown(tree: Mapping[str, Any], source: str) -> None:
    known = flatten(as_tree(Recipe()))
    parents = {key.rsplit(".", depth)[0] for key in known for depth in range(1, key.count(".") + 1)}
    for key, value in branches(tree):
        if key in parents and not isinstance(value, Mapping):
            raise RecipeError(f"{source}: {key}: expected keys and values, but got {value!r:.200}")
        if key in known or key in parents:
            continue
        raise RecipeError(f"{source}: unknown key {key!r:.200}{_hint(key, [*known, *parents])}")


def _hint(key: str, known: Iterable[str]) -> str:
    if key in RENAMED:
        return f"; it is called {RENAMED[key]!r} now"
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
