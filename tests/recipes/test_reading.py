import pytest
import yaml

from weakseg.recipes.reading import (
    dump_recipe,
    load_recipe,
    merge,
    parse_recipe,
    recipe_differences,
    recipe_names,
    recipe_summary,
)
from weakseg.recipes.recipe import Recipe
from weakseg.support.errors import RecipeError


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_valid_and_says_what_it_is_for(name, tmp_path):
    recipe = load_recipe(name)
    assert len(recipe_summary(name)) > 20
    dump_recipe(recipe, tmp_path / "recipe.yaml")
    assert load_recipe(str(tmp_path / "recipe.yaml")) == recipe


def test_a_written_recipe_holds_every_key(tmp_path):
    dump_recipe(Recipe(), tmp_path / "recipe.yaml")
    tree = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    assert tree["objective"]["affinity"] == {"weight": 0.0, "concentration": 12.0}
    assert tree["transforms"]["scale"] == [0.5, 1.5]


def test_overrides_by_dotted_key_win_and_leave_the_tree_alone():
    tree = {"training": {"steps": 5, "batch": 2}}
    merged = merge(tree, {"training.steps": 9})
    assert merged == {"training": {"steps": 9, "batch": 2}}
    assert tree["training"]["steps"] == 5


def test_differences_name_the_key_and_both_values():
    other = parse_recipe({"optimizer": {"lr": 0.1}})
    assert recipe_differences(Recipe(), other) == ["optimizer.lr: 0.0003 → 0.1"]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"transforms": {"scale": [1.5, 0.5]}}, "transforms.scale: expected two positive numbers"),
        ({"inference": {"scales": []}}, "inference.scales: expected one or more"),
        ({"inference": {"tile": 100}}, "inference.tile: expected at least 320"),
        ({"objective": {"grid": [0, 4]}}, "objective.grid: expected two numbers"),
        ({"oversegment": {"threshold": 2.0}}, "oversegment.threshold: expected null or 0 to 1"),
        ({"optimizer": {"lr": -1.0}}, "optimizer.lr: expected more than 0"),
        ({"transforms": {"mirror_swap": [["a"]]}}, "transforms.mirror_swap: expected pairs"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_key(tree, message):
    with pytest.raises(RecipeError, match=message.replace(".", r"\.")):
        parse_recipe(tree)
