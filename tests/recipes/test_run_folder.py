"""Folder of a run: what an error leaves there."""

import pytest

from weakseg.marks.classes import ClassList
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """Make a run folder whose first stage has begun."""
    run = RunFolder(tmp_path / "run")
    run.prepare(Recipe(), ClassList(("background", "cat")))
    seeds = run.stages / "seeds"
    seeds.mkdir(parents=True)
    (seeds / "stage.json").write_text('{"key": "0"}')
    (seeds / "log.csv").write_text("step,loss\n")
    return run


def fail(run: RunFolder, error: type[BaseException]) -> None:
    with pytest.raises(error), run.removed_if_it_fails():
        raise error


def test_an_error_before_anything_was_made_leaves_nothing(run):
    fail(run, ValueError)
    assert not run.root.exists()


def test_ctrl_c_leaves_everything(run):
    fail(run, KeyboardInterrupt)
    assert run.recipe.is_file()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("maps/img0.npz", "a map"),
        ("stage.json", '{"key": "0", "files": {}}'),
        ("log.csv", "step,loss\n0,1.5\n"),
        ("checkpoints/last.ckpt", "a checkpoint"),
        ("notes.txt", "of the user"),
    ],
)
def test_an_error_leaves_what_a_stage_has_made(run, name, text):
    path = run.stages / "seeds" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    fail(run, ValueError)
    assert path.read_text() == text
    assert run.recipe.is_file()
