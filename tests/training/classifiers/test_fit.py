"""Runs whose classifier is fitted to frozen features."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from weakseg.api.train import train
from weakseg.datasets.data_folder import DataFolder
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.reading import load_recipe, parse_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.support.errors import NonFiniteError, RecipeError
from weakseg.training.classifiers.cells import labelled_cells
from weakseg.training.log import read_log


def tiny(method: str, **more) -> Recipe:
    return load_recipe(
        "small",
        {
            "method": method,
            "model.backbone": "test_resnet",
            "model.weights": "none",
            "data.marks": ["points"],
            "data.point_radius": 3,
            "oversegment.regions": 8,
            "fitting.trees": 10,
            "relabel.enabled": False,
            "relabel.scales": [1.0],
            "classify.steps": 0,
            "inference.upsample": "bilinear",
            "inference.grid": [3, 3],
        }
        | more,
    )


@pytest.mark.parametrize("method", ["logistic", "forest"])
def test_a_fitted_run_labels_by_classifier_retrieval_and_both(folder, tmp_path, method):
    run = train(folder, recipe=tiny(method), out=tmp_path / "run").run
    image = folder / "images/img0.png"
    for labels in ("retrieval", "classifier", "both"):
        segmenter = Segmenter.load(run, labels=labels)
        found = segmenter.probabilities(image)
        np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-4)
    mask = Segmenter.load(run, labels="classifier").predict(image)
    assert (mask[2:6, 2:6] == 0).all()  # in the discs of clicks
    assert (mask[18:22, 26:30] == 1).all()
    assert not (run / "checkpoints").exists()
    assert (run / "report.html").is_file()
    rows = read_log(run / "log.csv")
    assert ("loss" in rows[0]) == (method == "logistic")


@pytest.mark.parametrize("method", ["logistic", "forest"])
def test_a_fitted_run_is_skipped_when_complete_and_made_again_when_its_network_is_gone(
    folder, tmp_path, method
):
    run = train(folder, recipe=tiny(method), out=tmp_path / "run").run
    network, log = load_file(run / "model.safetensors"), (run / "log.csv").read_text()
    train(folder, recipe=tiny(method), out=run, resume=True)
    assert (run / "log.csv").read_text() == log
    (run / "stages/embed/model.safetensors").unlink()
    train(folder, recipe=tiny(method), out=run, resume=True)
    again = load_file(run / "model.safetensors")
    assert all(torch.equal(network[key], again[key]) for key in network)
    steps = [int(row["step"]) for row in read_log(run / "log.csv")]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("method", ["logistic", "forest"])
def test_a_classifier_is_fitted_again_to_pseudo_labels(folder, tmp_path, method):
    recipe = tiny(method, **{"relabel.enabled": True, "classify.steps": 1})
    run = train(folder, recipe=recipe, out=tmp_path / "run").run
    before, after = (
        load_file(run / f"stages/{stage}/model.safetensors") for stage in ("embed", "classify")
    )
    changed = {
        key
        for key in after
        if before[key].shape != after[key].shape or not torch.equal(before[key], after[key])
    }
    assert changed
    assert all(key.startswith("classifier.") for key in changed)
    assert json.loads((run / "stages/classify/stage.json").read_text())["files"]
    assert Segmenter.load(run, labels="both").predict(folder / "images/img5.png").shape == (48, 64)


def collected(folder: Path, **more):
    recipe = resolve_recipe(folder, tiny("logistic", **more))
    data = DataFolder(recipe.data)
    network = build_network(recipe.model, len(data.classes))
    records = data.split("train")
    return network, labelled_cells(network, records, data.classes, recipe)


def test_channels_are_normalised_over_all_cells_of_the_training_images(folder):
    network, cells = collected(folder)
    with torch.inference_mode():
        joined = []
        for record in DataFolder.open(folder).split("train"):
            image = (
                torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)[None].float()
                / 255
            )
            joined.append(network.head(network.features(image), (6, 8)).flatten(2)[0])
        over_all = torch.cat(joined, dim=1)  # (D, N)
    assert over_all.mean(dim=1).abs().max() < 1e-3
    spread = over_all.std(dim=1, correction=0)
    assert ((spread - 1).abs() < 1e-3).logical_or(spread < 1e-3).all()
    norm = cells.vector.norm(dim=1)
    torch.testing.assert_close(norm, torch.full_like(norm, network.dimensions**0.5))


def test_cells_are_limited_with_an_equal_share_for_every_image(folder):
    _, cells = collected(folder, **{"data.marks": ["masks"], "fitting.max_cells": 40})
    assert len(cells.label) == 4 * 10
    _, cells = collected(folder, **{"data.marks": ["masks"]})
    assert len(cells.label) == 4 * 6 * 8


def test_features_that_are_not_finite_name_the_image(folder, monkeypatch):
    usual = EmbeddingNetwork._maps

    def broken(self, image):
        return [features * float("nan") for features in usual(self, image)]

    monkeypatch.setattr(EmbeddingNetwork, "_maps", broken)
    with pytest.raises(NonFiniteError, match=r"img0\.png: a feature of the backbone is NaN"):
        collected(folder)


def test_a_method_among_the_options_brings_its_head():
    assert load_recipe("small", {"method": "logistic"}).model.head == "features"
    assert load_recipe("small", {"method": "cross-entropy"}).model.head == "pyramid"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"method": "logistic"}, "model.head: expected features, as method logistic"),
        ({"model": {"head": "features"}}, "model.head: expected pyramid, aspp or psp"),
        (
            {
                "method": "forest",
                "model": {"head": "features"},
                "classify": {"steps": 1, "train": "network"},
            },
            "classify.train: expected classifier",
        ),
    ],
)
def test_what_does_not_fit_the_method_is_refused(tree, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe(tree)
    with pytest.raises(RecipeError, match=r"model\.head: expected features"):
        load_recipe("fast", {"method": "logistic", "model.head": "pyramid"})
