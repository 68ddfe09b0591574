"""Scores of a run folder and its variants, and what the command shows of them."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from weakseg.api.evaluate import evaluate, evaluate_variants
from weakseg.cli.main import main
from weakseg.evaluation.files import read_scores
from weakseg.inference.memory import Memory
from weakseg.marks.classes import ClassList
from weakseg.models.network import build_network
from weakseg.recipes.reading import dump_recipe
from weakseg.recipes.recipe import ModelConfig, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import DataError, RunError

CLASSES = ClassList(("background", "square", "bar"))


@pytest.fixture
def trained(tmp_path):
    """Write the run of a tiny network that has learned nothing."""
    torch.manual_seed(0)
    run = RunFolder(tmp_path / "run")
    recipe = Recipe(model=ModelConfig(backbone="test_resnet", weights="none", dimensions=8))
    dump_recipe(recipe, run.recipe)
    run.classes.write_text("\n".join(CLASSES.names) + "\n")
    network = build_network(recipe.model, len(CLASSES), weights="none")
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, run.model)
    Memory(torch.nn.functional.normalize(torch.randn(9, 8), dim=1), torch.arange(9) % 3).save(
        run.memory
    )
    return run.root


@pytest.fixture
def blank_crf(monkeypatch):
    """Stand in for the dense CRF: it makes everything background."""
    module = ModuleType("weakseg.refine.crf")
    module.require_crf = lambda: None
    module.dense_crf = lambda image, shares, preset: (
        (np.arange(len(shares))[:, None, None] == 0) * np.ones_like(shares)
    )
    monkeypatch.setitem(sys.modules, "weakseg.refine.crf", module)
    # Whoever runs the tests need not have the package that the stand-in stands for.
    monkeypatch.setattr("weakseg.inference.segmenter.require_crf", lambda: None)
    monkeypatch.setattr("weakseg.inference.segmenter.dense_crf", module.dense_crf)


def test_variants_score_as_each_does_alone(trained, folder, blank_crf):
    variants = evaluate_variants(trained, folder, compare_labels=True, device="cpu")
    names = [variant.name for variant in variants]
    assert names == [
        f"{source}, {crf} CRF"
        for source in ("retrieval", "classifier", "both")
        for crf in ("no", "deeplab")
    ]
    for variant in variants:
        alone, protocol = evaluate(
            trained, folder, labels=variant.protocol.labels, crf=variant.protocol.crf, device="cpu"
        )
        assert protocol == variant.protocol
        assert alone.mean_iou == pytest.approx(variant.scores.mean_iou, abs=0.02)
        assert alone.single_image_iou.keys() == {"img4", "img5"}
    assert variants[1].scores.confusion[:, 1:].sum() == 0


def test_the_preset_asked_for_is_the_one_compared(trained, folder, blank_crf):
    variants = evaluate_variants(trained, folder, crf="activation", device="cpu")
    assert [variant.protocol.crf for variant in variants] == ["none", "activation"]


def test_an_image_that_was_trained_on_is_warned_of(trained, folder, caplog, capsys):
    main(["evaluate", str(trained), str(folder), "--device", "cpu"])
    assert "in train, too" not in caplog.text
    with (folder / "splits/val.txt").open("a") as file:
        file.write("img2\n")
    assert main(["evaluate", str(trained), str(folder), "--device", "cpu"]) == 0
    assert "1 image of val is in train, too (the first: 'img2')" in caplog.text


def test_a_folder_of_masks_has_no_variants(folder):
    with pytest.raises(RunError, match="is no run folder"):
        evaluate_variants(folder / "masks", folder)


def test_instances_of_the_data_or_of_another_folder_are_weighted(folder, tmp_path):
    perfect = tmp_path / "perfect"
    perfect.mkdir()
    for name in ("img4", "img5"):
        (perfect / f"{name}.png").write_bytes((folder / "masks" / f"{name}.png").read_bytes())
    scores, protocol = evaluate(perfect, folder)
    assert scores.mean_instance_iou == scores.mean_boundary_f == 1
    assert "connected regions" in protocol.describe()
    assert scores.instances.count.tolist() == [2, 1, 1]
    own = tmp_path / "own"
    own.mkdir()
    ids = np.zeros((48, 64), np.uint8)
    ids[10:30, 20:30], ids[10:30, 30:40] = 1, 2
    Image.fromarray(ids).save(own / "img4.png")
    scores, protocol = evaluate(perfect, folder, instances=str(own))
    assert scores.instances.count.tolist() == [2, 2, 1]
    assert "connected regions in 1 image without" in protocol.describe()
    own.rename(folder / "instances")
    assert evaluate(perfect, folder)[0].instances.count.tolist() == [2, 2, 1]
    with pytest.raises(DataError, match="own: expected a folder of instance maps"):
        evaluate(perfect, folder, instances=str(own))


def test_the_command_shows_variants_and_confusions_and_writes_them(
    trained, folder, tmp_path, blank_crf, capsys
):
    out = tmp_path / "scores.json"
    arguments = ["evaluate", str(trained), str(folder), "--device", "cpu", "--out", str(out)]
    assert main([*arguments, "--confusions", "2"]) == 0
    said = capsys.readouterr().out
    assert "boundary F %" in said
    assert "taken for" in said
    assert read_scores(out)[1].tile == 1024
    assert main([*arguments, "--compare-crf", "--confusions", "1"]) == 0
    said = capsys.readouterr().out
    assert said.count("taken for") == 2
    assert "deeplab CRF: val split, 2 images" in said
    written = json.loads(out.read_text())["variants"]
    assert [variant["name"] for variant in written] == ["no CRF", "deeplab CRF"]
    assert main([*arguments, "--confusions", "-1"]) == 2
