import pytest

from weakseg.api.import_ import import_marks
from weakseg.cli.main import main
from weakseg.recipes.reading import load_recipe
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.yaml_files import read_yaml


def bomb(levels: int, top: str) -> str:
    """Write a YAML of a few lines whose aliases stand for 9 ** levels values."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]"
        for level in range(1, levels + 1)
    ]
    return "\n".join([*lines, f"{top}: *l{levels}", ""])


@pytest.mark.parametrize("levels", [4, 40, 400])
def test_aliases_that_stand_for_too_much_are_not_expanded(tmp_path, levels):
    path = tmp_path / "data.yaml"
    path.write_text(bomb(levels, "names"))
    with pytest.raises(DataError, match="aliases repeat more than 10,000 values") as caught:
        read_yaml(path)
    assert caught.value.path == path
    assert len(str(caught.value)) < 600


def test_file_that_holds_itself_is_refused(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("names: &names [cat, *names]\n")
    with pytest.raises(DataError, match="aliases repeat"):
        read_yaml(path)


def test_aliases_of_people_are_read(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("a: &a {x: 1, y: [2, 3]}\nb: *a\nc: {<<: *a, x: 5}\n")
    tree = read_yaml(path)
    assert tree["b"] == {"x": 1, "y": [2, 3]}
    assert tree["c"] == {"x": 5, "y": [2, 3]}


@pytest.mark.parametrize("key", ["training", "seed", "base", "data", "unknown"])
def test_message_about_a_recipe_of_aliases_is_short(tmp_path, key):
    path = tmp_path / "mine.yaml"
    path.write_text(bomb(2, key))
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("value", ["[" + "1, " * 50_000 + "1]", "x" * 100_000])
def test_message_quotes_little_of_a_long_value(folder, tmp_path, capsys, value):
    path = tmp_path / "mine.yaml"
    path.write_text(f"seed: {value}\n")
    assert main(["train", str(folder), "--recipe", str(path), "--out", str(tmp_path / "run")]) == 2
    assert len(capsys.readouterr().err) < 800
    (folder / "data.yaml").write_text(f"marks: {value}\n")
    assert main(["inspect", str(folder), "--out", str(tmp_path / "seen")]) == 1
    assert len(capsys.readouterr().err) < 800


def test_message_about_a_data_yaml_of_aliases_is_short(tmp_path):
    (tmp_path / "yolo" / "images").mkdir(parents=True)
    (tmp_path / "yolo" / "labels").mkdir()
    path = tmp_path / "yolo" / "data.yaml"
    path.write_text(bomb(2, "names") + "nc: 2\ntrain: images\n")
    with pytest.raises(DataError, match="expected a list of classes as 'names'") as caught:
        import_marks([path.parent], tmp_path / "data")
    assert len(str(caught.value)) < 400
