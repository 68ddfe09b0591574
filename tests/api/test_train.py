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


def test_random_features_that_nothing_trains_are_warned_of(train, caplog):
    random = ["--model.backbone", "test_resnet", "--model.weights", "none"]
    train("--recipe", "instant", *random)
    assert "the features are random, and nothing trains them" in caplog.text
    assert "Use --model.weights auto" in caplog.text


def test_random_weights_that_are_trained_need_no_warning(train, caplog):
    random = ["--model.backbone", "test_resnet", "--model.weights", "none"]
    train("--recipe", "small", "--model.train", "network", *random)
    assert "random" not in caplog.text


@pytest.mark.parametrize("cache", ["classes.txt", "classes.txt/below"])
def test_a_named_cache_that_cannot_be_made_is_refused(folder, tmp_path, capsys, cache):
    path = folder / cache
    command = ["train", folder, "--out", tmp_path / "run", "--data.cache", path]
    assert main(list(map(str, command))) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"data.cache: expected a folder that can be written, but got {path}" in error
    assert not (tmp_path / "run").exists()


def test_seeds_are_announced_where_tags_label_no_pixel(train, caplog):
    with caplog.at_level("INFO"):
        train("--data.marks=[tags]")
    announced = "0.00 % of their pixels are labelled; seeds for 4 are made from tags or boxes first"
    assert announced in caplog.text


def test_seeds_are_not_announced_where_none_are_needed(train, caplog):
    with caplog.at_level("INFO"):
        train("--data.marks=[points]")
    assert "labelled" in caplog.text
    assert "seeds" not in caplog.text


def test_a_run_that_is_not_scored_says_why(folder, train, caplog):
    with caplog.at_level("INFO"):
        for mask in ("img4.png", "img5.png"):
            (folder / "masks" / mask).unlink()
        train("--data.marks=[points]")
        assert "not scored: no image of split val has a full mask" in caplog.text
        (folder / "splits/val.txt").unlink()
        train("--data.marks=[points]", "--overwrite")
    assert "not scored: the data has no split val" in caplog.text


def test_an_existing_run_is_refused_before_anything_is_read(folder, train, tmp_path, capsys):
    train()
    for path in folder.glob("images/*"):
        path.write_text("damaged")
    assert main(["train", str(folder), "--out", str(tmp_path / "run")]) == 1
    assert "there is something already" in capsys.readouterr().err


def test_a_start_that_failed_leaves_the_place_free(folder, tmp_path, capsys):
    command = ["train", folder, "--out", tmp_path / "run", "--model.backbone", "test_resnet"]
    command += ["--model.weights", tmp_path / "nowhere.pth", "--data.marks=[tags]"]
    assert main(list(map(str, command))) == 1
    assert "nowhere.pth" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_image_to_train_on_and_to_score_on_is_warned_of(folder, train, caplog):
    train("--recipe", "small-points")
    assert "in train, too" not in caplog.text
    with (folder / "splits/val.txt").open("a") as file:
        file.write("img1\nimg0.png\n")
    caplog.clear()
    code, error, _ = train("--recipe", "small-points", "--overwrite")
    assert code == 130, error
    assert "2 images of val are in train, too (the first: 'img0')" in caplog.text


def test_names_in_another_spelling_are_said_once_with_their_number(folder, train, caplog):
    for split, names in {"train": "IMG0\nimg1\n", "val": "Img4\nimg5\n"}.items():
        (folder / f"splits/{split}.txt").write_text(names)
    train("--recipe", "small-points")
    (said,) = (text for text in caplog.messages if "in capitals" in text)
    assert f"{folder}: 2 names differ from the image's in capitals" in said
    assert "'IMG0' is taken to mean 'img0'" in said
