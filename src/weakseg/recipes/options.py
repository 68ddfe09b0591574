"""One merge of options, by key: defaults < data.yaml < recipe < flags.

A key that a later one names wins, even where it names the default. A `Recipe` or `DataConfig` that
is given as an object names all of its keys, and so does a recipe.yaml that a run left; only `root`
always comes from the data.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from weakseg.recipes.merging import as_tree, flatten, merge
from weakseg.recipes.reading import (
    parse_recipe,
    parse_with_overrides,
    read_recipe_tree,
    recipe_path,
)
from weakseg.recipes.recipe import DataConfig, Recipe
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.machine import is_first_process
from weakseg.support.new_folders import restore
from weakseg.support.yaml_files import read_yaml

_log = logging.getLogger(__name__)
_PATHS = ("root", "scribbles", "masks", "classes", "cache")

_WHICH_MARKS = {"marks", "points", "scribbles", "masks"}

DataOptions = Mapping[str, Any] | DataConfig
"""Keys of `data` in a recipe with their values, or all of them."""


def resolve_recipe(
    data: str | Path, recipe: str | Path | Recipe, overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """Merge all options of a training.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        recipe: A recipe, its name or its file.
        overrides: Values by key, dotted or nested, which win over all others.

    Returns:
        The recipe in full, with the place of the data.

    Raises:
        DataError: There is no such data, or its data.yaml is wrong.
        RecipeError: The recipe or an override is wrong.
    """
    named = flatten(overrides or {})
    if isinstance(recipe, Recipe):
        source, tree = "recipe", as_tree(recipe)
    else:
        path = recipe_path(recipe)
        source, tree = str(path), read_recipe_tree(path)
    if "data.root" in named:
        raise RecipeError(f"data.root: the place of the data is named already, as {str(data)!r}")
    # What is wrong in the recipe comes before the data.
    resolved = parse_with_overrides(tree, named, source=source)
    own = _data_options(data)
    options = merge(tree, named).get("data", {})
    config = resolve_options(own, options, {"root": own["root"]})
    _report_unused(own, config, named)
    return replace(resolved, data=config)


def resolve_data(
    data: str | Path, options: DataOptions | None = None, *, trained_on: DataConfig | None = None
) -> DataConfig:
    """Merge the options of the place of the data and of the marks that count.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        options: They win over those of a data.yaml.
        trained_on: The data of a run. Where it is the same, its options win over those of the
            folder, but for a data.yaml that is named itself.

    Raises:
        DataError: There is no such data, or its data.yaml is wrong.
        RecipeError: An option is wrong.
    """
    own = _data_options(data)
    place = {"root": own["root"]}
    if isinstance(options, DataConfig):
        config = resolve_options(options, place)
        _report_unused(own, config)
        return config
    named = {**(own if Path(data).is_file() else {}), **(options or {})}
    if trained_on is not None and _is_same(trained_on.root, own["root"]):
        usual = as_tree(trained_on)
        if named.keys() & _WHICH_MARKS:  # these choose together
            usual = {key: value for key, value in usual.items() if key not in _WHICH_MARKS}
        own |= usual
    return resolve_options(own, named, place)


def resolve_options(*options: DataOptions) -> DataConfig:
    """Merge options of marks, where no data folder has any; the last that names a key wins.

    Raises:
        RecipeError: An option is wrong.
    """
    trees = [as_tree(item) if isinstance(item, DataConfig) else item for item in options]
    return parse_recipe({"data": merge(*trees)}, source="options").data


def _data_options(data: str | Path) -> dict[str, Any]:
    """Read the options that a data folder or a data.yaml sets, among them always its root.

    Raises:
        DataError: There is no such data, or its data.yaml is wrong.
    """
    restore(Path(data))
    path = Path(data)
    if path.is_dir():
        if not (path / "data.yaml").is_file():
            return {"root": str(path)}
        path = path / "data.yaml"
    if path.suffix not in {".yaml", ".yml"} or not path.is_file():
        raise DataError("expected a folder or a data.yaml, but there is none", path=path)
    try:
        tree: dict[str, Any] = read_yaml(path) or {}
        config = parse_recipe({"data": tree}, source="").data
    except RecipeError as error:
        raise DataError(str(error).removeprefix(": "), path=path) from error
    here = path.parent
    for key in _PATHS:
        if tree.get(key):
            tree[key] = str(here / tree[key])
    if "points" in tree:
        tree["points"] = [str(here / item) for item in config.points]
    tree.setdefault("root", str(here))
    return tree


def _is_same(root: str, other: str) -> bool:
    return bool(root) and Path(root).resolve() == Path(other).resolve()


def _report_unused(own: Mapping[str, Any], used: DataConfig, named: Iterable[str] = ()) -> None:
    """Report keys of data.yaml that lost, but for those that the user named on the spot."""
    held = as_tree(used)
    for key in own.keys() - {"root"}:
        if held[key] != own[key] and f"data.{key}" not in named and is_first_process():
            _log.warning(
                "data.yaml has %s: %s, but the recipe's %s counts", key, own[key], held[key]
            )
