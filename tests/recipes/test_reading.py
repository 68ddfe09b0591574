from dataclasses import replace

import pytest
import yaml

from weakseg.marks.classes import ClassList
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
from weakseg.recipes.run_folder import RunFolder
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


@pytest.mark.parametrize("value", [None, "many"])
def test_a_value_of_another_type_is_refused_with_its_key(value):
    with pytest.raises(RecipeError, match=r"training\.steps"):
        parse_recipe({"training": {"steps": value}})
    with pytest.raises(RecipeError, match=r"training\.steps: expected at least 1, but got"):
        replace(Recipe(), training=replace(Recipe().training, steps=value))


def test_an_error_names_the_override_or_the_file_whichever_is_wrong(tmp_path):
    with pytest.raises(RecipeError, match=r"^options: training\.steps: expected at least 1"):
        load_recipe("small", {"training.steps": 0})
    (tmp_path / "mine.yaml").write_text("training: {steps: 0}")
    with pytest.raises(RecipeError, match=r"mine\.yaml: training\.steps"):
        load_recipe(tmp_path / "mine.yaml", {"seed": 1})


def test_a_folder_is_no_recipe(tmp_path):
    with pytest.raises(RecipeError, match="There is no recipe"):
        load_recipe(tmp_path)


def test_a_run_older_than_the_name_of_a_key_can_be_read(tmp_path):
    run = RunFolder(tmp_path)
    run.prepare(Recipe(), ClassList(("background", "cat")))
    text = run.recipe.read_text()
    run.recipe.write_text(text.replace("min_peak: 0.15", "least: 0.3"))
    assert run.read()[0].relabel.min_peak == 0.3
    with pytest.raises(RecipeError, match=r"it is called 'relabel\.min_peak' now"):
        load_recipe(run.recipe)
