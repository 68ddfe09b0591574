"""Options of a training and the recipe that its run folder stores."""

import pytest

from weakseg.api import train as module
from weakseg.cli.main import main
from weakseg.recipes.reading import load_recipe


@pytest.fixture
def train(folder, tmp_path, monkeypatch, capsys):
    """Return a function that starts a training of `folder`, and stops before its first stage."""

    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_stages", stop)
    monkeypatch.setattr(module, "oversegment_records", lambda *args: None)

    def start(*flags):
        run = tmp_path / "run"
        code = main(["train", str(folder), "--out", str(run), *map(str, flags)])
        return code, capsys.readouterr().err, load_recipe(str(run / "recipe.yaml")).data

    return start


def test_a_run_stores_the_options_of_data_yaml(folder, train):
    (folder / "data.yaml").write_text("point_radius: 10\nmarks: [points]\n")
    code, _, stored = train()
    assert code == 130
    assert (stored.root, stored.point_radius, stored.marks) == (str(folder), 10, ["points"])


def test_a_flag_that_names_the_default_wins_over_data_yaml(folder, train):
    (folder / "data.yaml").write_text("point_radius: 10\n")
    assert train("--data.point_radius", 6)[2].point_radius == 6
    assert train("--data.point_radius", 6, "--resume")[0] == 130


def test_a_run_is_not_resumed_with_other_options_of_the_data(folder, train):
    (folder / "data.yaml").write_text("point_radius: 10\n")
    train()
    code, error, stored = train("--data.point_radius", 6, "--resume")
    assert code == 1
    assert "data.point_radius: 10.0 → 6.0" in error
    assert stored.point_radius == 10


def test_without_a_recipe_one_is_chosen_by_the_marks_and_named(folder, train, tmp_path, caplog):
    with caplog.at_level("INFO"):
        train("--data.marks=[points]")
    assert "Marks are points: recipe fast (choose another with --recipe)" in caplog.text
    assert load_recipe(str(tmp_path / "run/recipe.yaml")).method == "logistic"


def test_images_with_many_tags_are_trained_with_a_head(folder, train, tmp_path, caplog):
    (folder / "classes.txt").write_text("background\nsquare\nbar\na\nb\nc\n")
    tags = [f"img{number},{name}" for number in range(6) for name in ("square", "a", "b", "c")]
    (folder / "tags.csv").write_text("\n".join(["image,class", *tags]) + "\n")
    with caplog.at_level("INFO"):
        train("--data.marks=[tags]", "--data.point_radius", 4)
    assert "Marks are tags: recipe small (choose another with --recipe)" in caplog.text
    stored = load_recipe(str(tmp_path / "run/recipe.yaml"))
    assert (stored.method, stored.data.point_radius) == ("spml", 4)


def test_a_method_that_trains_step_by_step_brings_a_recipe_with_a_head(folder, train, caplog):
    with caplog.at_level("INFO"):
        train("--data.marks=[points]", "--method", "cross-entropy")
    assert "Marks are points: recipe small (choose another with --recipe)" in caplog.text


def test_a_run_that_is_resumed_keeps_its_recipe(folder, train, tmp_path):
    train("--recipe", "small-points", "--training.steps", 7)
    code, error, _ = train("--resume")
    assert code == 130, error
    recipe = load_recipe(str(tmp_path / "run/recipe.yaml"))
    assert (recipe.data.marks, recipe.training.steps) == (["points"], 7)
