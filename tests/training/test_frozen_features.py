"""Training of a head on the features of a frozen backbone."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from weakseg.api.evaluate import evaluate
from weakseg.api.oversegment import oversegment_records
from weakseg.api.predict import predict
from weakseg.api.train import train
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.draws import collate
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.reading import load_recipe, parse_recipe
from weakseg.recipes.recipe import Recipe, TransformConfig
from weakseg.support.errors import NonFiniteError, RecipeError
from weakseg.training import check_crop
from weakseg.training.stages.context import Context
from weakseg.training.steps.classifier import ClassifierModule
from weakseg.training.steps.embedding import EmbeddingModule


def tiny(**more) -> Recipe:
    tree = {
        "data": {"marks": ["points"]},
        "transforms": {"crop": 32, "views": [1.0, 0.75]},
        "oversegment": {"regions": 8},
        "model": {
            "backbone": "test_resnet",
            "weights": "none",
            "head": "pyramid",
            "train": "head",
            "dimensions": 8,
            "classifier_hidden": 8,
        },
        "optimizer": {"warmup": 1},
        "training": {"steps": 6, "batch": 3, "checkpoint_every": 2},
        "relabel": {"enabled": True, "scales": [1.0], "regions": True},
        "classify": {"steps": 3, "batch": 3},
        "inference": {"grid": [3, 3]},
    }
    return parse_recipe(
        {**tree, **{key: {**tree.get(key, {}), **value} for key, value in more.items()}}
    )


def losses(run: Path) -> list[list[str]]:
    rows = []
    for log in (run / "log.csv", run / "stages/classify/log.csv"):
        with log.open() as file:
            rows += [row[:-1] for row in csv.reader(file)]  # all but the seconds
    return rows


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def entries(folder: Path) -> dict[str, float]:
    kept = folder.rglob("*.safetensors")
    return {path.name: path.stat().st_mtime_ns for path in kept if "features" in path.parts}


def prepared(folder: Path, **more) -> tuple[Context, list]:
    recipe = tiny(**more)
    data = DataFolder.open(folder, recipe.data)
    recipe = replace(recipe, data=data.config)
    records = data.split("train")
    regions = oversegment_records(recipe, data, records)
    return Context(recipe, data.classes, regions, data.feature_cache), records


def first_batch(context: Context, records: list, network: EmbeddingNetwork) -> dict:
    loop = context.recipe.training
    draws = context.draws(records, loop, seed=0, network=network, with_regions=True)
    return collate([draws[number] for number in range(3)])


def test_a_run_is_the_same_with_and_without_kept_features(folder, tmp_path):
    runs = [
        train(folder, recipe=tiny(data=data), out=tmp_path / name).run
        for name, data in [
            ("without", {"feature_budget": 0.0}),
            ("empty", {"cache": str(tmp_path / "cache")}),
            ("filled", {"cache": str(tmp_path / "cache")}),
        ]
    ]
    assert not (folder / ".weakseg" / "features").exists()
    for run in runs[1:]:
        assert losses(run) == losses(runs[0])
        assert weights(run) == weights(runs[0])
        for name in ("memory.safetensors", "stages/relabel/labels/img0.png"):
            assert (run / name).read_bytes() == (runs[0] / name).read_bytes()


def test_scoring_uses_kept_features_and_prediction_writes_none(folder, tmp_path):
    run = train(folder, recipe=tiny(), out=tmp_path / "run").run
    kept = entries(folder / ".weakseg")
    assert kept
    evaluate(run, folder)
    assert entries(folder / ".weakseg") == kept  # the same images, in the same views
    predict(run, [folder / "images"], tmp_path / "masks")
    assert entries(folder / ".weakseg") == kept
    assert not entries(tmp_path / "run")


def test_a_run_stopped_by_ctrl_c_goes_on_as_if_it_never_stopped(
    folder, tmp_path, train_until_ctrl_c
):
    train(folder, recipe=tiny(), out=tmp_path / "whole")
    train_until_ctrl_c(folder, step=3, recipe=tiny(), out=tmp_path / "stopped")
    elsewhere = tiny(data={"cache": str(tmp_path / "elsewhere"), "feature_budget": 1.0})
    train(folder, recipe=elsewhere, out=tmp_path / "stopped", resume=True)
    assert losses(tmp_path / "whole") == losses(tmp_path / "stopped")
    assert weights(tmp_path / "whole") == weights(tmp_path / "stopped")


def test_the_embedding_of_a_window_is_the_head_on_its_part_of_the_maps(folder):
    context, records = prepared(folder)
    module = EmbeddingModule(context.recipe, context.classes).eval()
    batch = first_batch(context, records, module.network)
    network, seen = module.network, []
    network.head.register_forward_pre_hook(lambda head, args: seen.append(args[0]))
    module.losses(batch)
    for number, view in enumerate(batch["view"]):
        corner = batch["corner"][number].tolist()
        whole = network.features(view[None].float() / 255)
        for maps, all_of_it, stride in zip(seen[0], whole, network.strides, strict=True):
            top, left = (side // stride for side in corner)
            part = all_of_it[0, :, top : top + 32 // stride, left : left + 32 // stride]
            assert torch.equal(maps[number][:, : part.shape[1], : part.shape[2]], part)


def test_the_classifier_alone_is_trained_on_kept_features(folder):
    context, records = prepared(folder)
    network = context.with_cache(EmbeddingModule(context.recipe, context.classes).network)
    module = ClassifierModule(context.recipe, network).train()
    for _ in range(2):
        sum(module.losses(first_batch(context, records, network)).values()).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == name.startswith("classifier."), name
    assert entries(folder)


@pytest.mark.parametrize(
    ("train", "parts"),
    [
        ("classifier", {"classifier"}),
        ("head", {"classifier", "head"}),
        ("network", {"classifier", "head", "backbone"}),
    ],
)
def test_the_last_stage_trains_the_named_part(folder, train, parts):
    classify = {"train": train, "steps": 3}
    context, records = prepared(folder, classify=classify, model={"frozen_stride": 4})
    network = EmbeddingModule(context.recipe, context.classes).network
    module = ClassifierModule(context.recipe, network).train()
    sum(module.losses(first_batch(context, records, network)).values()).backward()
    changed = {name for name, each in network.named_parameters() if each.grad is not None}
    assert {name.split(".")[0] for name in changed} == parts
    stem = next(name for name, _ in network.backbone.body.named_parameters())
    assert f"backbone.body.{stem}" not in changed  # frozen_stride


def test_a_run_that_trained_all_of_the_network_last_predicts_as_it_was_scored(folder, tmp_path):
    recipe = tiny(classify={"train": "network", "lr": 1e-2}, optimizer={"warmup": 0})
    trained = train(folder, recipe=recipe, out=tmp_path / "run")
    kept = entries(folder / ".weakseg")
    before = load_file(tmp_path / "run/stages/embed/model.safetensors")
    after = load_file(tmp_path / "run/model.safetensors")
    assert any(
        not torch.equal(before[key], after[key]) for key in before if key.startswith("backbone")
    )
    scores, _ = evaluate(tmp_path / "run", folder)
    assert scores.mean_iou == trained.scores.mean_iou
    assert entries(folder / ".weakseg") == kept  # features of a trained backbone are not kept
    train(folder, recipe=recipe, out=tmp_path / "run", resume=True)
    assert after.keys() == load_file(tmp_path / "run/model.safetensors").keys()


def test_seeds_of_tags_come_from_the_kept_features(folder, tmp_path):
    seeds = {"steps": 4, "scales": [1.0], "threshold": 0.0}
    recipe = tiny(data={"marks": ["tags"]}, seeds=seeds, transforms={"views": [1.0]})
    run = train(folder, recipe=recipe, out=tmp_path / "run").run
    maps = sorted((run / "stages/seeds/maps").iterdir())
    assert maps
    assert len(list((run / "stages/seeds/labels").iterdir())) == len(maps)
    kept = set(entries(folder / ".weakseg"))
    (run / "stages/seeds/stage.json").unlink()
    for path in maps:
        path.unlink()
    train(folder, recipe=recipe, out=tmp_path / "run", resume=True)
    assert sorted((run / "stages/seeds/maps").iterdir()) == maps
    assert set(entries(folder / ".weakseg")) == kept


def test_equivariance_has_no_place_beside_frozen_features():
    with pytest.raises(RecipeError, match=r"seeds\.equivariance: expected 0 .* got 1"):
        tiny(seeds={"equivariance": 1.0})


def test_a_feature_that_is_not_finite_stops_with_the_name_of_the_image(folder):
    context, records = prepared(folder)
    module = EmbeddingModule(context.recipe, context.classes)
    batch = first_batch(context, records, module.network)
    with torch.no_grad():
        next(module.network.backbone.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteError, match=f"Image {batch['name'][0]}: a feature .* is NaN"):
        module.training_step(batch, 0)


def test_windows_are_cut_at_multiples_of_all_strides_of_the_features(folder):
    context, records = prepared(folder, model={"backbone": "test_vit"}, transforms={"crop": 64})
    network = EmbeddingModule(context.recipe, context.classes).network
    assert set(network.strides) == {16}
    loop = replace(context.recipe.training, steps=20)
    draws = context.draws(records, loop, seed=0, network=network)
    corners = torch.stack([draws[number]["corner"] for number in range(20)])
    assert (corners % 16 == 0).all()
    tight = replace(context.recipe, transforms=replace(context.recipe.transforms, crop=48))
    network.backbone.level_strides = (16, 32)
    with pytest.raises(RecipeError, match=r"crop: expected a multiple of 32, .* strides 16, 32"):
        replace(context, recipe=tight).draws(records, loop, seed=0, network=network)


def test_a_crop_that_does_not_fit_the_strides_is_refused_before_anything_is_made(folder, tmp_path):
    with pytest.raises(RecipeError, match=r"transforms\.crop: expected a multiple of 16.* got 40"):
        train(folder, recipe=tiny(transforms={"crop": 40}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert not (folder / ".weakseg").exists()


def test_a_crop_need_not_fit_where_none_is_cut_from_frozen_features():
    check_crop(tiny(transforms={"crop": 40}, model={"train": "network"}))
    check_crop(replace(load_recipe("fast"), transforms=TransformConfig(crop=41)))
