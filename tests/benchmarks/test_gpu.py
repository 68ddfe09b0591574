import importlib.util
import json
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
spec = importlib.util.spec_from_file_location("gpu", PATH)
gpu = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = gpu  # where its dataclass looks its annotations up
spec.loader.exec_module(gpu)

TINY = (
    "transforms.crop=48",
    "training.batch=2",
    "oversegment.regions=8",
    "model.classifier_hidden=0",
    "model.dimensions=8",
    "objective.grid=[2,2]",
    "inference.scales=[1.0]",
    "inference.flip=false",
    "inference.grid=[3,3]",
)
RANDOM = ("--backbone", "test_resnet", "--weights", "none")


def measured(**values):
    usual = {"marks": "points", "steps": 10, "step_seconds": 2.0, "images_per_second": 4.0}
    usual |= {"peak_gpu_gib": None, "mean_iou": 0.3, "seconds": 50.0}
    return gpu.Measured(**usual | values)


def test_steps_fill_the_budget_with_what_a_training_takes_beside_them():
    warm_up = measured()  # 10 steps of 2 s, and 30 s beside them
    assert warm_up.overhead == 30
    needed = 2 * (30 + 7 * 2.0)
    assert gpu.steps_within(needed / (1 - gpu._RESERVE) + 0.1, warm_up) == 7
    assert gpu.steps_within(needed, warm_up) < 7
    assert gpu.steps_within(20, warm_up) == 0


def test_the_first_steps_are_not_timed():
    log = [{"seconds": "90"}] * 5 + [{"seconds": "1"}, {"seconds": "3"}]
    assert gpu.step_seconds(log) == 2
    assert gpu.step_seconds(log[:5]) == 90


def test_the_ratio_is_that_of_clicks_to_full_masks():
    assert gpu.ratio([measured(mean_iou=0.3), measured(mean_iou=0.4)]) == pytest.approx(0.75)
    assert gpu.ratio([measured(mean_iou=None), measured(mean_iou=None)]) is None


def test_a_network_with_installed_weights_stands_in_for_one_without(monkeypatch):
    monkeypatch.setattr(gpu, "local_weights", lambda name: None)
    assert gpu.default_backbone("auto") == "tf_efficientnet_lite2"
    assert gpu.default_backbone("none") == gpu.default_backbone("resnet50.pth") == "resnet50"
    monkeypatch.setattr(gpu, "local_weights", lambda name: name)
    assert gpu.default_backbone("auto") == "resnet50"


def test_both_trainings_have_equally_many_steps_and_are_written(folder, tmp_path, capsys):
    out = tmp_path / "gpu.json"
    gpu.main([str(folder), "--steps", "2", "--out", str(out), *RANDOM, "--set", *TINY])
    written = json.loads(out.read_text())
    assert [run["marks"] for run in written["runs"]] == ["points", "masks"]
    assert [run["steps"] for run in written["runs"]] == [2, 2]
    assert all(run["images_per_second"] > 0 for run in written["runs"])
    clicks, masks = (run["mean_iou"] for run in written["runs"])
    assert written["ratio"] == pytest.approx(clicks / masks)
    said = capsys.readouterr().out
    assert "test_resnet (weights: none), crops of 48, batch 2" in said
    assert "images/s" in said


def test_a_budget_for_no_step_is_refused_with_what_a_training_takes(folder):
    options = ["--minutes", "0.001", "--warm-up", "1", *RANDOM, "--set", *TINY]
    with pytest.raises(SystemExit, match=r"No step fits into 0\.001 minutes: .* Use more"):
        gpu.main([str(folder), *options])
