"""A run as stages: what is made, what is skipped, what is made again."""

import csv
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from weakseg.api.train import train
from weakseg.datasets.records import Record
from weakseg.inference import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import read_label_map
from weakseg.oversegments.cache import oversegment_images
from weakseg.recipes.reading import parse_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.seeds.activations import load_activations, normalise_by_class
from weakseg.seeds.labels import tag_seeds
from weakseg.support.errors import DataError, MissingExtraError, RecipeError, RunError
from weakseg.training.stages.seeds import records_without_seeds, seeds_by_regions

STAGES = ("seeds", "embed", "relabel", "classify")
MARKS = {"tags": {"marks": ["tags"]}, "boxes": {"marks": ["boxes"], "boxes_complete": True}}


def tiny(marks: str = "tags", **more) -> Recipe:
    tree = {
        "data": MARKS.get(marks, {"marks": [marks]}),
        "transforms": {"crop": 48},
        "oversegment": {"regions": 8},
        "model": {"backbone": "test_resnet", "weights": "none", "dimensions": 8},
        "seeds": {"steps": 4, "scales": [1.0], "regions": True},
        "optimizer": {"warmup": 1},
        "training": {"steps": 4, "batch": 2, "checkpoint_every": 2},
        "relabel": {"enabled": True, "scales": [1.0], "regions": True},
        "classify": {"steps": 4, "batch": 2},
        "inference": {"grid": [3, 3]},
    }
    for key, value in more.items():
        tree[key] = {**tree[key], **value}
    return parse_recipe(tree)


@pytest.fixture
def marked(folder: Path) -> Path:
    """Add boxes to the data folder, and leave full masks to the validation images alone."""
    rows = [f"img{n},{'square' if n % 2 == 0 else 'bar'},20,10,39,29" for n in range(6)]
    (folder / "boxes.csv").write_text("\n".join(["image,class,xmin,ymin,xmax,ymax", *rows]) + "\n")
    return folder


def files(run: Path, pattern: str) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.glob(pattern))}


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def times(run: Path) -> dict[str, int]:
    return {name: (run / "stages" / name / "stage.json").stat().st_mtime_ns for name in STAGES}


@pytest.mark.parametrize("marks", ["tags", "boxes"])
def test_tags_and_boxes_go_through_every_stage(marked, tmp_path, marks):
    run = train(marked, recipe=tiny(marks), out=tmp_path / "run").run
    assert {path.name for path in (run / "stages").iterdir()} == set(STAGES)
    for stage in ("seeds", "relabel"):
        assert len(files(run, f"stages/{stage}/labels/*.png")) == 4
    seeds = read_label_map(run / "stages/seeds/labels/img0.png", num_classes=3)
    assert set(np.unique(seeds)) <= {0, 1, 254}  # img0 holds a square, not a bar
    refined = read_label_map(run / "stages/relabel/labels/img0.png", num_classes=3)
    assert set(np.unique(refined)) <= {0, 1}
    if marks == "boxes":
        outside = np.ones(refined.shape, bool)
        outside[10:30, 20:40] = False
        assert (refined[outside] == 0).all()
    assert Segmenter.load(run).predict(marked / "images/img5.png").shape == (48, 64)


@pytest.mark.parametrize("marks", ["points", "scribbles"])
def test_marks_that_label_pixels_need_no_seeds(marked, tmp_path, marks):
    run = train(marked, recipe=tiny(marks), out=tmp_path / "run").run
    assert not (run / "stages/seeds").exists()
    assert len(files(run, "stages/relabel/labels/*.png")) == 4


def test_in_a_mix_only_images_without_drawn_classes_get_seeds(marked, tmp_path):
    lines = (marked / "tags.csv").read_text().splitlines()
    (marked / "tags.csv").write_text("\n".join([lines[0], lines[1]]) + "\n")  # img0
    (marked / "boxes.csv").write_text("image,class,xmin,ymin,xmax,ymax\nimg1,bar,20,10,39,29\n")
    lines = (marked / "points.csv").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("img0", "img1"))]
    (marked / "points.csv").write_text("\n".join(kept) + "\n")
    recipe = tiny()
    recipe = replace(recipe, data=replace(recipe.data, marks=["tags", "boxes", "points"]))
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    made = {path.stem for path in (run / "stages/seeds/labels").glob("*.png")}
    assert made == {"img0", "img1"}


def test_marks_keep_their_class_in_refined_labels(marked, tmp_path):
    run = train(marked, recipe=tiny("scribbles"), out=tmp_path / "run").run
    for number in range(4):
        refined = read_label_map(run / f"stages/relabel/labels/img{number}.png", num_classes=3)
        assert (refined[20, 24:36] == 1 + number % 2).all()
        assert (refined[40, 5:50] == 0).all()


def test_a_finished_run_that_is_resumed_does_nothing_again(marked, tmp_path):
    run = train(marked, recipe=tiny(), out=tmp_path / "run").run
    before = times(run), weights(run), (run / "log.csv").read_text()
    train(marked, recipe=tiny(), out=run, resume=True)
    assert (times(run), weights(run), (run / "log.csv").read_text()) == before


def test_an_artefact_that_is_gone_or_cut_short_is_found_and_made_again(marked, tmp_path):
    run = train(marked, recipe=tiny(), out=tmp_path / "run").run
    everything = files(run, "stages/*/labels/*.png"), weights(run)
    damage = [
        ("gone", "seeds/maps/img1.npz"),
        ("cut", "seeds/labels/img2.png"),
        ("cut", "embed/model.safetensors"),
        ("gone", "relabel/labels/img0.png"),
        ("cut", "relabel/labels/img0.png"),
        ("gone", "classify/model.safetensors"),
        ("cut", "relabel/stage.json"),
    ]
    for how, name in damage:
        path = run / "stages" / name
        content = path.read_bytes()
        path.unlink()
        if how == "cut":
            path.write_bytes(content[: len(content) // 2])
        train(marked, recipe=tiny(), out=run, resume=True)
        assert path.is_file(), name
        assert (files(run, "stages/*/labels/*.png"), weights(run)) == everything, name


def test_maps_are_made_again_even_where_the_tag_classifier_is_gone_too(marked, tmp_path):
    recipe = tiny(relabel={"enabled": False}, classify={"steps": 0})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    path = run / "stages/seeds/maps/img1.npz"
    content = path.read_bytes()
    path.unlink()
    (run / "stages/seeds/tags.safetensors").unlink()
    train(marked, recipe=recipe, out=run, resume=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize("stage", ["seeds", "embed", "classify"])
def test_a_run_killed_in_any_training_goes_on_to_the_same_end(
    marked, tmp_path, train_until_ctrl_c, stage
):
    whole = train(marked, recipe=tiny(), out=tmp_path / "whole").run
    at = {"seeds": "stages/seeds", "embed": ".", "classify": "stages/classify"}[stage]
    log = tmp_path / "run" / at / "log.csv"
    train_until_ctrl_c(marked, step=2, log=log, recipe=tiny(), out=tmp_path / "run")
    run = train(marked, recipe=tiny(), out=tmp_path / "run", resume=True).run
    assert weights(run) == weights(whole)


def test_settings_of_late_stages_may_change_on_resume_and_only_those_stages_run_again(
    marked, tmp_path
):
    run = train(marked, recipe=tiny(), out=tmp_path / "run").run
    before = times(run)
    train(marked, recipe=tiny(classify={"steps": 5}), out=run, resume=True)
    after = times(run)
    assert {name for name in STAGES if after[name] != before[name]} == {"classify"}
    train(marked, recipe=tiny(relabel={"walk": False}, classify={"steps": 5}), out=run, resume=True)
    assert {name for name in STAGES if times(run)[name] != after[name]} == {"relabel", "classify"}
    with pytest.raises(RunError, match=r"seeds\.steps"):
        train(marked, recipe=tiny(seeds={"steps": 9}), out=run, resume=True)


def test_a_training_is_not_gone_on_with_on_other_marks(marked, tmp_path):
    run = train(marked, recipe=tiny("points"), out=tmp_path / "run").run
    path = marked / "points.csv"
    path.write_text(path.read_text().replace("img0,square,30,20", "img0,square,31,20"))
    with pytest.raises(RunError, match="other images or marks"):
        train(marked, recipe=tiny("points"), out=run, resume=True)


def test_on_a_machine_with_a_gpu_every_stage_keeps_to_the_cpu_where_the_recipe_says_so(
    marked, tmp_path, monkeypatch
):
    asked = []

    def is_available() -> bool:  # for weakseg alone: torch would look for the GPU's driver
        return sys._getframe(1).f_globals["__name__"].startswith("weakseg.")

    def to(self, *args, **options):
        asked.extend(str(each) for each in (*args, *options.values()) if is_device(each))
        return original(self, *args, **options)

    def is_device(value) -> bool:
        return isinstance(value, str | torch.device)

    def oversegment(*args, device, **options):
        asked.append(device)
        return oversegment_images(*args, device=device, **options)

    original = torch.nn.Module.to
    monkeypatch.setattr(torch.nn.Module, "to", to)
    monkeypatch.setattr("weakseg.api.oversegment.oversegment_images", oversegment)
    monkeypatch.setattr(torch.cuda, "is_available", is_available)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "a GPU")
    run = train(marked, recipe=tiny(training={"accelerator": "cpu"}), out=tmp_path / "run").run
    (run / "stages/seeds/maps/img1.npz").unlink()  # maps by the tag classifier that is there
    train(marked, recipe=tiny(training={"accelerator": "cpu"}), out=run, resume=True)
    assert len(asked) >= 9  # maps, three trainings, the networks that two of them leave; twice
    assert set(asked) == {"cpu"}


def test_an_accelerator_that_is_not_there_is_told_before_anything_is_made(
    marked, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"training\.accelerator: is 'cuda'"):
        train(marked, recipe=tiny(training={"accelerator": "cuda"}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_quality_of_labels_is_measured_against_masks_and_told(marked, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="weakseg"):
        run = train(marked, recipe=tiny(), out=tmp_path / "run").run
    state = json.loads((run / "stages/relabel/stage.json").read_text())
    assert state["quality"]["coverage"] == 1.0
    assert 0 <= state["before"]["miou_everywhere"] <= 1
    assert "pseudo-labels of 4 images" in caplog.text


def frozen(source: str = "regions", **more) -> Recipe:
    return tiny(model={"head": "pyramid", "train": "head"}, seeds={"source": source}, **more)


def test_seeds_of_regions_come_from_frozen_features_and_are_resumed(marked, tmp_path):
    recipe = frozen(relabel={"enabled": False}, classify={"steps": 0})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    seeds = run / "stages" / "seeds"
    found = load_activations(seeds / "maps/img0.npz")
    assert found.class_ids.tolist() == [1]  # img0 holds a square, not a bar
    assert found.maps.shape == (1, 48, 64)
    assert len(np.unique(found.maps)) <= 8  # a value each region
    labels = read_label_map(seeds / "labels/img0.png", num_classes=3)
    assert set(np.unique(labels)) <= {0, 1, 254}
    assert len((seeds / "log.csv").read_text().splitlines()) == 31  # a row each round
    before = files(run, "stages/seeds/*/*"), (seeds / "tags.safetensors").stat().st_mtime_ns
    (seeds / "maps/img1.npz").unlink()
    train(marked, recipe=recipe, out=run, resume=True)
    after = files(run, "stages/seeds/*/*"), (seeds / "tags.safetensors").stat().st_mtime_ns
    assert after == before


def test_images_with_many_tags_get_seeds_of_regions_and_others_activations(folder):
    classes = ClassList(("background", *"abcdef"))

    def chosen(tags: set[int], recipe: Recipe) -> bool:
        record = Record("x", folder / "images/img0.png", Marks(tags=frozenset(tags)), None)
        return seeds_by_regions(recipe, records_without_seeds([record], classes))

    assert chosen({1, 2, 3, 4}, frozen("auto"))
    assert not chosen({1, 2, 3}, frozen("auto"))
    assert chosen({1}, frozen("regions"))
    assert not chosen({1, 2, 3, 4}, frozen("activations"))
    assert not chosen({1, 2, 3, 4}, tiny())  # the whole network is trained
    with pytest.raises(RecipeError, match=r"seeds\.source: expected auto or activations"):
        tiny(seeds={"source": "regions"})


def test_own_activation_maps_take_the_place_of_the_tag_classifier(marked, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    where = np.zeros((48, 64), np.float32)
    where[10:30, 20:40] = 1
    for number in range(4):
        np.save(maps / f"img{number}.npy", np.array({number % 2: where}, dtype=object))
    recipe = tiny(seeds={"folder": str(maps), "regions": False})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    assert not (run / "stages/seeds/tags.safetensors").exists()
    labels = read_label_map(run / "stages/seeds/labels/img1.png", num_classes=3)
    assert (labels == np.where(where > 0, 2, 0)).all()

    np.save(maps / "img2.npy", np.array({0: where[:9]}, dtype=object))
    with pytest.raises(DataError, match=r"img2\.npy, class 0: the map .* is \(9, 64\)"):
        train(marked, recipe=recipe, out=tmp_path / "other")


def test_a_crf_that_is_not_installed_is_told_before_anything_is_trained(
    marked, tmp_path, monkeypatch
):
    monkeypatch.setitem(__import__("sys").modules, "pydensecrf.densecrf", None)
    monkeypatch.setitem(__import__("sys").modules, "pydensecrf", None)
    with pytest.raises(MissingExtraError, match=r"weakseg\[crf\]"):
        train(marked, recipe=tiny(relabel={"crf": "deeplab"}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_cross_entropy_trains_on_the_same_seeds(marked, tmp_path):
    recipe = tiny(relabel={"enabled": False}, classify={"steps": 0})
    recipe = replace(recipe, method="cross-entropy")
    recipe = replace(recipe, inference=replace(recipe.inference, labels="classifier"))
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    assert (run / "stages/seeds/labels/img0.png").is_file()
    assert not (run / "stages/relabel").exists()


@pytest.mark.parametrize(("part", "moves"), [("classifier", False), ("network", True)])
def test_the_last_stage_changes_the_embedding_only_where_asked_for(marked, tmp_path, part, moves):
    run = train(marked, recipe=tiny(classify={"train": part}), out=tmp_path / "run").run
    before = load_file(run / "stages/embed/model.safetensors")
    after = load_file(run / "model.safetensors")
    changed = {key.split(".")[0] for key in before if (before[key] != after[key]).any()}
    assert changed == ({"backbone", "head", "classifier"} if moves else {"classifier"})


def test_the_equivariant_regularisation_is_one_of_the_tag_classifiers_losses(marked, tmp_path):
    recipe = tiny(seeds={"equivariance": 1.0}, relabel={"enabled": False}, classify={"steps": 0})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    with (run / "stages/seeds/log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["equivariance"]) > 0 for row in rows)


def test_refinement_may_start_from_activation_maps(marked, tmp_path):
    recipe = tiny(relabel={"start": "seeds", "walk": False, "regions": False})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    maps = load_activations(run / "stages/seeds/maps/img0.npz")
    expected = tag_seeds(maps.resized((48, 64)), background=True, threshold=0)
    refined = read_label_map(run / "stages/relabel/labels/img0.png", num_classes=3)
    assert (refined == expected).mean() > 0.97  # but for ties


def test_refinement_may_start_from_the_classifier(marked, tmp_path):
    recipe = tiny(
        relabel={"start": "classifier", "walk": False, "regions": False}, classify={"steps": 0}
    )
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    segmenter = Segmenter.load(run, labels="classifier", flip=True)
    shares = segmenter.probabilities(marked / "images/img0.png")
    shares = shares * np.array([1, 1, 0])[:, None, None]  # img0 holds no bar
    shares = normalise_by_class(shares, minimum=0.15)
    refined = read_label_map(run / "stages/relabel/labels/img0.png", num_classes=3)
    assert (refined == shares.argmax(axis=0)).mean() > 0.97


def test_seeds_that_label_nothing_are_told_before_the_long_training(marked, tmp_path):
    with pytest.raises(DataError, match=r"lower .* seeds\.box_threshold"):
        train(marked, recipe=tiny("boxes", seeds={"box_threshold": 1.0}), out=tmp_path / "run")
    assert not (tmp_path / "run/checkpoints").exists()


def test_pixels_that_are_not_sure_stay_unlabelled(marked, tmp_path):
    recipe = tiny("scribbles", relabel={"confidence": 1.0}, classify={"steps": 0})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    refined = read_label_map(run / "stages/relabel/labels/img0.png", num_classes=3)
    assert (refined == 254).any()
    assert (refined[20, 24:36] == 1).all()


@pytest.mark.parametrize("kept", [[], ["boxes"]])
def test_refinement_keeps_seeds_of_the_kinds_that_say_so(marked, tmp_path, kept):
    recipe = tiny("boxes", relabel={"keep_seeds": kept}, classify={"steps": 0})
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    differs = False
    for number in range(4):
        seeds, refined = (
            read_label_map(run / f"stages/{stage}/labels/img{number}.png", num_classes=3)
            for stage in ("seeds", "relabel")
        )
        assert (refined < 254).all()
        differs |= bool((refined != seeds)[seeds < 254].any())
    assert differs == (not kept)


@pytest.mark.parametrize(("tag_weights", "sees"), [("equal", False), ("rarity", True)])
def test_a_tag_that_all_images_have_leaves_cooccurrence_to_the_rarer_ones(
    marked, tmp_path, tag_weights, sees
):
    rows = [f"img{n},{name}" for n in range(4) for name in ("square", "bar")[: 1 + n % 2]]
    (marked / "tags.csv").write_text("\n".join(["image,class", *rows]) + "\n")
    recipe = tiny(training={"batch": 4})
    recipe = replace(recipe, objective=replace(recipe.objective, tag_weights=tag_weights))
    run = train(marked, recipe=recipe, out=tmp_path / "run").run
    with (run / "log.csv").open(newline="") as file:
        losses = [float(row["cooccurrence"]) for row in csv.DictReader(file)]
    assert any(losses) is sees
