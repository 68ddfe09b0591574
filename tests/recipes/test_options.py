import pytest

from weakseg.recipes.options import resolve_data, resolve_recipe
from weakseg.recipes.reading import dump_recipe, load_recipe
from weakseg.recipes.recipe import DataConfig, Recipe
from weakseg.support.errors import DataError, RecipeError


@pytest.fixture
def data(tmp_path):
    """Make a folder whose data.yaml sets two options."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "data.yaml").write_text("point_radius: 10\nboxes_complete: true\n")
    return root


def test_data_yaml_wins_over_the_default(data):
    assert resolve_data(data).point_radius == 10
    recipe = resolve_recipe(data, "small")
    assert (recipe.data.point_radius, recipe.data.boxes_complete) == (10, True)
    assert recipe.data.scribble_dilation == DataConfig().scribble_dilation
    assert recipe.data.root == str(data)


def test_a_key_of_the_recipe_wins_over_data_yaml(data, tmp_path, caplog):
    path = tmp_path / "mine.yaml"
    path.write_text("base: small\ndata:\n  point_radius: 6\n")
    recipe = resolve_recipe(data, str(path))
    assert (recipe.data.point_radius, recipe.data.boxes_complete) == (6, True)
    assert "data.yaml has point_radius: 10, but the recipe's 6.0 counts" in caplog.text


@pytest.mark.parametrize("flags", [{"data.point_radius": 6}, {"data": {"point_radius": 6}}])
def test_a_flag_equal_to_the_default_wins_over_data_yaml(data, flags, caplog):
    recipe = resolve_recipe(data, "small", flags)
    assert recipe.data.point_radius == DataConfig().point_radius == 6
    assert recipe.data.boxes_complete
    assert resolve_data(data, {"point_radius": 6}).point_radius == 6
    assert not caplog.text


def test_a_flag_equal_to_the_default_wins_over_the_recipe(data):
    assert load_recipe("small-boxes").data.marks == ["boxes"]
    assert resolve_recipe(data, "small-boxes", {"data.marks": []}).data.marks == []


def test_a_complete_recipe_wins_in_every_key_but_root(data, tmp_path, caplog):
    complete = Recipe(data=DataConfig(root="elsewhere"))
    dump_recipe(complete, tmp_path / "recipe.yaml")
    for recipe in (complete, str(tmp_path / "recipe.yaml")):
        caplog.clear()
        found = resolve_recipe(data, recipe)
        assert found.data == DataConfig(root=str(data))
        assert "data.yaml has boxes_complete: True" in caplog.text
    assert resolve_recipe(data, complete, {"seed": 3}).seed == 3
    assert resolve_data(data, DataConfig()) == DataConfig(root=str(data))


def test_paths_in_data_yaml_are_relative_to_it(data, tmp_path):
    (data / "data.yaml").write_text("root: ../full\nmasks: m\npoints: [p.json]\n")
    config = resolve_data(data / "data.yaml")
    assert config.root == str(data / "../full")
    assert config.masks == str(data / "m")
    assert config.points == [str(data / "p.json")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("point_radius: -1\n", r"data\.yaml: data\.point_radius: expected 0 or more"),
        ("points: clicks.json\n", r"data\.yaml: data\.points: expected a list"),
        ("rot: data\n", r"data\.yaml: unknown key 'data\.rot'; did you mean 'data\.root'"),
        ("- a\n", r"data\.yaml: data: expected keys and values, but got"),
        ("a: [\n", r"data\.yaml: is not readable as YAML"),
    ],
)
def test_what_is_wrong_in_data_yaml_is_named_with_the_file(data, text, message):
    (data / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        resolve_data(data)


def test_a_wrong_flag_is_named(data):
    with pytest.raises(RecipeError, match=r"data\.point_radius: expected 0 or more"):
        resolve_data(data, {"point_radius": -1})
    with pytest.raises(RecipeError, match=r"unknown key 'data\.radius'"):
        resolve_data(data, {"radius": 1})


def test_on_the_data_of_a_run_its_recipe_wins_over_the_folder_and_flags_over_both(data, tmp_path):
    trained_on = DataConfig(root=str(data), point_radius=8, marks=["points"])
    assert resolve_data(data, trained_on=trained_on) == trained_on
    assert resolve_data(data, {"point_radius": 6}, trained_on=trained_on).point_radius == 6
    assert resolve_data(data / "data.yaml", trained_on=trained_on).point_radius == 10
    (tmp_path / "elsewhere").mkdir()
    other = resolve_data(tmp_path / "elsewhere", trained_on=trained_on)
    assert other == DataConfig(root=str(tmp_path / "elsewhere"))


def test_kinds_of_marks_that_are_named_replace_those_of_the_run(data):
    trained_on = DataConfig(root=str(data), marks=["points"], points=["clicks.json"])
    found = resolve_data(data, {"masks": data / "full"}, trained_on=trained_on)
    assert (found.marks, found.points, found.masks) == ([], [], str(data / "full"))
    assert resolve_data(data, {"marks": ()}, trained_on=trained_on).marks == []
