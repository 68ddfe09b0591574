import csv
from dataclasses import replace

import pytest
import torch

from weakseg.api.oversegment import oversegment_records
from weakseg.api.train import train
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.transforms import TrainTransform
from weakseg.inference import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.recipes.reading import parse_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import NonFiniteError, RunError, WeightsError
from weakseg.training import EmbeddingModule

TINY = {
    "transforms": {"crop": 48},
    "oversegment": {"regions": 8},
    "model": {"backbone": "test_resnet", "weights": "none", "dimensions": 8},
    "optimizer": {"warmup": 2},
    "training": {"steps": 6, "batch": 2, "checkpoint_every": 3},
    "inference": {"grid": [3, 3]},
}


def tiny(**overrides) -> Recipe:
    tree = {**TINY, **overrides}
    return parse_recipe(
        {
            key: {**TINY.get(key, {}), **value} if isinstance(value, dict) else value
            for key, value in tree.items()
        }
    )


def losses(run) -> list[list[str]]:
    with (run / "log.csv").open() as file:
        return [row[:-1] for row in csv.reader(file)]  # all but the seconds


def test_a_run_leaves_its_files_and_predicts(folder, tmp_path):
    trained = train(folder, recipe=tiny(data={"marks": ["points"]}), out=tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {
        "recipe.yaml",
        "classes.txt",
        "log.csv",
        "checkpoints",
        "model.safetensors",
        "memory.safetensors",
        "scores.json",
        "report.html",
    }
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert not any(name.endswith(".part") or ".part." in name for name in names)
    assert trained.scores is not None
    assert 0 <= trained.scores.mean_iou <= 1
    mask = Segmenter.load(tmp_path / "run").predict(folder / "images" / "img0.png")
    assert mask.shape == (48, 64)
    assert mask.max() < 3


def test_the_same_recipe_gives_the_same_losses(folder, tmp_path):
    for name in ("one", "other"):
        train(folder, recipe=tiny(), out=tmp_path / name)
    assert losses(tmp_path / "one") == losses(tmp_path / "other")
    assert len(losses(tmp_path / "one")) == 7


@pytest.mark.parametrize("method", ["spml", "cross-entropy"])
def test_a_run_stopped_by_ctrl_c_goes_on_as_if_it_never_stopped(
    folder, tmp_path, train_until_ctrl_c, method
):
    # A classifier with dropout makes the step itself random, which must be repeated too.
    recipe = tiny(method=method, model={"classifier_hidden": 8})
    train(folder, recipe=recipe, out=tmp_path / "whole")
    train_until_ctrl_c(folder, step=4, recipe=recipe, out=tmp_path / "stopped")
    assert RunFolder(tmp_path / "stopped").checkpoint.is_file()
    assert not RunFolder(tmp_path / "stopped").model.exists()
    train(folder, recipe=recipe, out=tmp_path / "stopped", resume=True)
    assert losses(tmp_path / "whole") == losses(tmp_path / "stopped")
    states = [
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("whole", "stopped")
    ]
    for key, value in states[0]["state_dict"].items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, states[1]["state_dict"][key]), key


def test_an_existing_run_is_refused_then_replaced(folder, tmp_path):
    out = tmp_path / "run"
    train(folder, recipe=tiny(training={"steps": 1}), out=out)
    with pytest.raises(RunError, match="there is something already"):
        train(folder, recipe=tiny(training={"steps": 1}), out=out)
    with pytest.raises(RunError, match=r"training\.batch: 2 → 1"):
        train(folder, recipe=tiny(training={"steps": 1, "batch": 1}), out=out, resume=True)
    train(folder, recipe=tiny(training={"steps": 2}), out=out, overwrite=True)
    assert len(losses(out)) == 3


def test_a_finished_run_is_resumed_for_more_steps(folder, tmp_path, monkeypatch, caplog, capsys):
    monkeypatch.setattr("weakseg.support.progress.LINE_EVERY", 0)
    usual, rates = EmbeddingModule.on_train_batch_start, []

    def note(self, *arguments):
        rates.append(self.optimizers().param_groups[0]["lr"])
        usual(self, *arguments)

    monkeypatch.setattr(EmbeddingModule, "on_train_batch_start", note)
    out, long = tmp_path / "run", tmp_path / "long"
    train(folder, recipe=tiny(training={"steps": 3}), out=out)
    before = losses(out)
    with caplog.at_level("INFO"):
        train(folder, recipe=tiny(training={"steps": 5}), out=out, resume=True)
    assert "ends after 5 steps instead of 3 (3 are done)" in caplog.text
    assert losses(out)[: len(before)] == before
    assert "step: 5 of 5" in " ".join(capsys.readouterr().err.split())
    train(folder, recipe=tiny(training={"steps": 5}), out=long)
    assert rates[3:5] == rates[-2:]
    assert len(rates) == 3 + 2 + 5
    with pytest.raises(RunError, match=r"5 steps are done.*training\.steps 4"):
        train(folder, recipe=tiny(training={"steps": 4}), out=out, resume=True)


def test_overwrite_leaves_a_folder_alone_that_is_no_run(folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(RunError, match="is no run folder"):
        train(folder, recipe=tiny(), out=tmp_path / "mine", overwrite=True)


def test_a_damaged_checkpoint_is_named(folder, tmp_path):
    out = tmp_path / "run"
    train(folder, recipe=tiny(training={"steps": 1}), out=out)
    (out / "stages" / "embed" / "model.safetensors").unlink()  # or else it is not looked at
    RunFolder(out).checkpoint.write_bytes(b"rubbish")
    with pytest.raises(RunError, match=r"last\.ckpt: is damaged"):
        train(folder, recipe=tiny(training={"steps": 1}), out=out, resume=True)


def test_weights_of_another_architecture_are_refused(folder, tmp_path):
    train(folder, recipe=tiny(training={"steps": 1}), out=tmp_path / "run")
    recipe = tmp_path / "run" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("dimensions: 8", "dimensions: 16"))
    with pytest.raises(WeightsError, match=r"the network that recipe\.yaml says, but"):
        Segmenter.load(tmp_path / "run")


def module_and_batch(folder, **overrides):
    recipe = tiny(**overrides)
    data = DataFolder.open(folder, recipe.data)
    recipe = replace(recipe, data=data.config)
    classes, records = data.classes, data.split("train")
    regions = oversegment_records(recipe, data, records)
    draws = TrainingDraws(
        records,
        classes,
        recipe.data,
        TrainTransform(recipe.transforms, classes),
        seed=0,
        draws=8,
        oversegments=regions,
    )
    batch = torch.utils.data.default_collate([draws[0], draws[1]])
    return EmbeddingModule(recipe, classes), batch, draws


def test_a_batch_without_any_label_trains_by_the_unlabelled_relations(folder):
    module, batch, _ = module_and_batch(folder)
    batch["annotation"][:] = 254
    batch["tags"][:] = False
    terms = module.losses(batch)
    sum(terms.values()).backward()
    assert terms["annotation"] == terms["classifier"] == terms["cooccurrence"] == 0
    assert terms["similarity"] > 0
    gradients = [p.grad for p in module.network.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_cross_entropy_of_nothing_labelled_is_zero(folder):
    module, batch, _ = module_and_batch(folder, method="cross-entropy")
    batch["annotation"][:] = 255
    assert module.losses(batch) == {"classifier": 0}


def test_all_void_gives_zero_and_no_nan(folder):
    module, batch, _ = module_and_batch(folder)
    batch["annotation"][:] = 255
    assert all(value == 0 for value in module.losses(batch).values())


def test_the_classifier_gives_the_embedding_no_gradient_unless_asked(folder):
    for gradient in (False, True):
        module, batch, _ = module_and_batch(folder, objective={"classifier_gradient": gradient})
        module.losses(batch)["classifier"].backward()
        head = next(module.network.head.parameters()).grad
        assert (head is not None) == gradient


@pytest.mark.parametrize("local", ["location", "location+colour"])
def test_affinity_and_colour_work_together(folder, local):
    relation = {"weight": 0.5, "concentration": 12.0}
    objective = {"affinity": relation, "local": local, "embedding_scale": 0.1}
    module, batch, _ = module_and_batch(folder, objective=objective)
    terms = module.losses(batch)
    assert set(terms) == {"annotation", "cooccurrence", "similarity", "affinity", "classifier"}
    assert all(value.isfinite() for value in terms.values())


def test_a_loss_that_is_not_finite_stops_with_step_and_images(folder):
    module, batch, _ = module_and_batch(folder)
    with torch.no_grad():
        next(module.network.head.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteError, match=rf"Step 1: .*{batch['name'][0]}"):
        module.training_step(batch, 0)


def test_draws_depend_on_their_number_alone(folder):
    _, _, draws = module_and_batch(folder)
    late = TrainingDraws(
        draws.records,
        draws.classes,
        draws.data,
        draws.transform,
        seed=0,
        draws=8,
        first=3,
        oversegments=draws.oversegments,
    )
    torch.manual_seed(123)
    for key in ("image", "annotation", "oversegment"):
        assert torch.equal(draws[5][key], late[2][key])
    assert not torch.equal(draws[5]["image"], draws[6]["image"])
    assert sorted(draws[i]["name"] for i in range(4)) == ["img0", "img1", "img2", "img3"]


def test_a_class_list_without_background_is_fine(folder):
    (folder / "classes.txt").write_text("ground\nsquare\nbar\n")
    points = (folder / "points.csv").read_text().replace("background", "ground")
    (folder / "points.csv").write_text(points)
    module, batch, _ = module_and_batch(folder)
    assert not ClassList(("ground", "square")).has_background
    assert all(value.isfinite() for value in module.losses(batch).values())
