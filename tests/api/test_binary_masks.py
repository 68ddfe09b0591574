"""Full masks of 0 and 255, as many tools write them, whose 255 is the object."""

import numpy as np
import pytest
from PIL import Image

from weakseg.api import train as training
from weakseg.api.evaluate import evaluate
from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.api.inspect import inspect_data
from weakseg.cli.main import main
from weakseg.evaluation.scores import Scores
from weakseg.marks.label_maps import read_label_map
from weakseg.support.errors import DataError


@pytest.fixture
def binary(folder):
    """Return the data folder with one class beside background, whose masks are 0 and 255."""
    (folder / "classes.txt").write_text("background\nsquare\n")
    for name in ("points.csv", "tags.csv"):
        (folder / name).unlink()
    for path in (folder / "scribbles").iterdir():
        path.unlink()
    (folder / "scribbles").rmdir()
    for path in (folder / "masks").iterdir():
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8)).save(path)
    return folder


ASKED = r"hold 0 and 255 alone.* Is 255 'square'\?.*--class-map '0=background' '255=square'"


def test_training_on_them_asks(binary, tmp_path):
    with pytest.raises(DataError, match=ASKED):
        training.train(binary, out=tmp_path / "run")


def test_what_is_asked_for_makes_them_masks_of_the_object(binary, tmp_path):
    settings = ImportSettings(
        images=[binary / "images"],
        format="label-pngs",
        class_map={"0": "background", "255": "square"},
    )
    done = import_marks(binary / "masks", tmp_path / "made", settings)
    assert done.classes == ("background", "square")
    for path in (binary / "masks").iterdir():
        made = read_label_map(tmp_path / "made" / "masks" / path.name, num_classes=2)
        assert (made == np.array(Image.open(path)) // 255).all()


def test_importing_them_as_label_maps_asks(binary, tmp_path):
    settings = ImportSettings(images=[binary / "images"], format="label-pngs")
    said = r"pixels are 255.*if it is your object, with --class-map 0=background 255=NAME"
    with pytest.raises(DataError, match=said):
        import_marks(binary / "masks", tmp_path / "made", settings)


def test_importing_or_inspecting_a_folder_of_them_is_a_finding(binary, tmp_path):
    done = import_marks(binary, tmp_path / "made")
    inspected = inspect_data(binary, min_images=0)
    for findings in (done.findings, inspected.findings):
        (found,) = (str(finding) for finding in findings if "0 and 255" in str(finding))
        assert "Is 255 'square'?" in found


def test_void_beside_marks_of_the_object_is_only_warned_about(
    binary, tmp_path, monkeypatch, caplog
):
    (binary / "tags.csv").write_text("image,class\nimg0,square\n")
    monkeypatch.setattr(training, "run_stages", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        training.train(binary, out=tmp_path / "run", recipe="fast")
    assert "Is 255 'square'?" in caplog.text


@pytest.fixture
def one_class(folder):
    """Return the data folder with full masks of background and void alone in split val."""
    for name in ("img4", "img5"):
        path = folder / "masks" / f"{name}.png"
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8)).save(path)
    return folder


def test_a_val_split_of_one_class_is_a_finding_and_a_warning(
    one_class, tmp_path, monkeypatch, caplog
):
    found = [str(finding) for finding in inspect_data(one_class, min_images=0).findings]
    said = "full masks of split 'val' hold 'background' alone; no mean IoU can be measured on them"
    assert [said in finding for finding in found].count(True) == 1
    monkeypatch.setattr(training, "run_stages", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        training.train(one_class, out=tmp_path / "run", recipe="fast")
    assert "full masks of split val hold 'background' alone" in caplog.text


def test_its_score_is_no_mean_iou(one_class, tmp_path, capsys):
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("img4", "img5"):
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(masks / f"{name}.png")
    scores, _ = evaluate(masks, one_class)
    assert np.isnan(scores.mean_iou)
    assert scores.to_json()["mean_iou"] is None
    assert scores.iou[0] == 1
    assert main(["evaluate", str(masks), str(one_class)]) == 0
    assert "ground truth holds 'background' alone" in " ".join(capsys.readouterr().out.split())


def test_a_list_of_one_class_has_a_mean():
    assert Scores(("all",), np.array([[3]])).mean_iou == 1
