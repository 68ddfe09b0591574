"""Full masks from some marks: files, marks that hold, and what is refused."""

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from weakseg.api.label import label
from weakseg.api.label_notes import NOTES_FILE
from weakseg.cli.main import main
from weakseg.formats.exports import write_overlay
from weakseg.inference.memory import Memory
from weakseg.marks.classes import read_classes
from weakseg.marks.label_maps import read_label_map, write_label_map
from weakseg.models.network import build_network, save_network
from weakseg.recipes.recipe import DataConfig, ModelConfig, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import DataError, RecipeError, RunError

NAMES = [f"img{number}" for number in range(6)]


@pytest.fixture
def run(folder, tmp_path):
    """A run as a training leaves it, of a network that knows nothing."""
    model = ModelConfig(backbone="test_resnet", weights="none", dimensions=8)
    recipe = replace(Recipe(), data=DataConfig(root=str(folder), marks=["points"]), model=model)
    made = RunFolder(tmp_path / "run")
    classes = read_classes(folder / "classes.txt")
    made.prepare(recipe, classes)
    torch.manual_seed(0)
    network = build_network(recipe.model, len(classes), weights="none")
    save_network(network, made.model)
    prototype = torch.nn.functional.normalize(torch.randn(30, 8), dim=1)
    Memory(prototype, torch.arange(30) % 3).save(made.memory)
    return made.root


def only(folder, **tables):
    """Leave a data folder with these tables of marks alone."""
    for name in ("masks", "scribbles", "points.csv", "tags.csv"):
        (folder / name).rename(folder / f"no-{name}")
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)


def masks_of(out) -> dict[str, np.ndarray]:
    return {name: read_label_map(out / f"{name}.png", num_classes=3) for name in NAMES}


def table_of(out) -> list[dict[str, str]]:
    with (out / "confidence.csv").open() as file:
        return list(csv.DictReader(file))


def test_clicks_keep_their_class_and_other_classes_stay_away(folder, run, tmp_path):
    done = label(run, folder, tmp_path / "out")
    masks = masks_of(tmp_path / "out")
    assert sorted(done.files) == [tmp_path / "out" / f"{name}.png" for name in NAMES]
    for number, name in enumerate(NAMES):
        kind = 1 + number % 2
        assert masks[name].shape == (48, 64)
        assert masks[name][20, 30] == kind  # clicked
        assert masks[name][5, 5] == 0
        assert set(np.unique(masks[name])) == {0, kind}
    assert done.unmarked == done.complete == ()


def test_without_marks_the_same_network_uses_every_class(folder, run, tmp_path, caplog):
    only(folder)
    (folder / "points.csv").write_text("image,class,x,y\nimg0,square,30,20\n")
    done = label(run, folder, tmp_path / "out")
    assert sorted(done.unmarked) == NAMES[1:]
    assert "5 images have no mark, so labelled freely" in caplog.text
    found = {
        int(value) for mask in masks_of(tmp_path / "out").values() for value in np.unique(mask)
    }
    assert {1, 2} <= found  # not the square alone, which the one mark is of


def test_full_masks_stay_as_they_are_void_and_all(folder, run, tmp_path):
    mask = read_label_map(folder / "masks/img1.png", num_classes=3)
    mask[:5] = 255
    write_label_map(folder / "masks/img1.png", mask)
    done = label(run, folder, tmp_path / "out", config={"marks": ["masks"]})
    assert sorted(done.complete) == NAMES
    assert set(done.confidence.values()) == {1.0}
    for name, made in masks_of(tmp_path / "out").items():
        assert (made == read_label_map(folder / "masks" / f"{name}.png", num_classes=3)).all()


def test_void_stays_void_where_the_rest_is_predicted(folder, run, tmp_path):
    mask = np.full((48, 64), 254, np.uint8)
    mask[:10], mask[-3:] = 255, 2
    write_label_map(folder / "masks/img0.png", mask)
    label(run, folder, tmp_path / "out", config={"marks": ["masks"]})
    made = read_label_map(tmp_path / "out/img0.png", num_classes=3)
    assert (made[:10] == 255).all()
    assert (made[-3:] == 2).all()
    assert not np.isin(made[10:-3], [1, 254, 255]).any()


def test_boxed_classes_stay_inside_their_boxes(folder, run, tmp_path):
    rows = "".join(f"{name},square,20,10,39,29\n" for name in NAMES)
    only(folder, boxes="image,class,xmin,ymin,xmax,ymax\n" + rows)
    label(run, folder, tmp_path / "out", config={"marks": ["boxes"]})
    for made in masks_of(tmp_path / "out").values():
        ys, xs = np.nonzero(made)
        assert (made != 2).all()
        assert not len(ys) or (ys.min() >= 10 and ys.max() <= 29 and xs.min() >= 20)


def test_scribbles_bind_what_they_cover_without_growing(folder, run, tmp_path):
    config = {"marks": ["scribbles"]}
    label(run, folder, tmp_path / "out", config=config, confidence=True)
    scribble = read_label_map(folder / "scribbles/img0.png", num_classes=3)
    drawn = scribble != 254
    made = read_label_map(tmp_path / "out/img0.png", num_classes=3)
    assert (made[drawn] == scribble[drawn]).all()
    sure = np.asarray(Image.open(tmp_path / "out/img0.confidence.png"))
    assert sure.shape == (48, 64)
    assert (sure[drawn] == 255).all()
    assert (sure[41, 5:50] < 255).any()


def test_the_list_of_confidence_begins_with_the_least_sure(folder, run, tmp_path):
    (folder / "tags.csv").write_text("image,class\n" + "".join(f"{n},square\n" for n in NAMES))
    done = label(run, folder, tmp_path / "out", config={"marks": ["tags", "points"]})
    rows = table_of(tmp_path / "out")
    assert [row["image"] for row in rows] == list(done.confidence)
    values = [float(row["confidence"]) for row in rows]
    assert values == sorted(values)
    assert 0 < values[0] <= values[-1] <= 1


def test_named_classes_that_got_no_pixel_are_listed(folder, run, tmp_path):
    write_label_map(folder / "masks/img0.png", np.zeros((48, 64), np.uint8))
    config = {"marks": ["tags", "masks"]}
    done = label(run, folder, tmp_path / "out", config=config)
    assert done.missing == {"img0": ("square",)}
    missing = {row["image"]: row["missing"] for row in table_of(tmp_path / "out")}
    assert missing["img0"] == "square"
    assert not any(missing[name] for name in NAMES[1:])
    marked = {row["image"]: row["marked"] for row in table_of(tmp_path / "out")}
    assert set(marked.values()) == {"all"}


def test_confidence_goes_into_label_studio_as_the_score(folder, run, tmp_path):
    done = label(run, folder, tmp_path / "out", format="label-studio", prefix="x/")
    tasks = json.loads((tmp_path / "out/tasks.json").read_text())
    scores = {task["data"]["image"]: task["predictions"][0]["score"] for task in tasks}
    assert scores == {f"x/{name}.png": value for name, value in done.confidence.items()}


def test_the_settings_of_the_training_hold_on_its_data_and_not_on_other_data(folder, run, tmp_path):
    # Trained on points, of a folder that holds full masks too.
    assert not label(run, folder, tmp_path / "same").complete
    other = tmp_path / "other"
    folder.rename(other)
    assert len(label(run, other, tmp_path / "other-out").complete) == 6


def test_a_split_alone_can_be_labelled(folder, run, tmp_path):
    done = label(run, folder, tmp_path / "out", split="val")
    assert sorted(path.name for path in done.files) == ["img4.png", "img5.png"]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_masks_that_are_there_are_left_alone(folder, run, tmp_path):
    label(run, folder, tmp_path / "out", split="val")
    with pytest.raises(RunError, match="--overwrite"):
        label(run, folder, tmp_path / "out")
    assert len(label(run, folder, tmp_path / "out", overwrite=True).files) == 6


@pytest.mark.parametrize("inside", ["masks", "scribbles", "images", "images/new"])
def test_nothing_is_written_over_the_data_itself(folder, run, inside):
    before = sorted(folder.rglob("*"))
    with pytest.raises(RunError, match="nothing is written there"):
        label(run, folder, folder / inside, overwrite=True)
    assert sorted(folder.rglob("*")) == before


def test_other_classes_than_the_runs_are_named(folder, run, tmp_path):
    (folder / "classes.txt").write_text("background\nsquare\nzebra\n")
    with pytest.raises(DataError, match="only the run has: bar; only the data has: zebra"):
        label(run, folder, tmp_path / "out")
    (folder / "classes.txt").write_text("background\nbar\nsquare\n")
    with pytest.raises(DataError, match="in another order: background, bar, square"):
        label(run, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wrong_mark_is_found_before_anything_is_written(folder, run, tmp_path):
    write_label_map(folder / "scribbles/img5.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match=r"img5\.png: the label map"):
        label(run, folder, tmp_path / "out", config={"marks": ["scribbles"]})
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_asked_for_is_refused(folder, run, tmp_path):
    with pytest.raises(RecipeError, match="format: expected png"):
        label(run, folder, tmp_path / "out", format="bmp")
    with pytest.raises(RunError, match="is no run folder"):
        label(folder, folder, tmp_path / "out")


def test_two_images_of_one_file_are_refused(folder, run, tmp_path):
    image = (folder / "images/img0.png").read_bytes()
    (folder / "images/img0.confidence.png").write_bytes(image)
    with pytest.raises(DataError, match="two images would have this one file"):
        label(run, folder, tmp_path / "out", confidence=True)


def test_what_is_written_before_ctrl_c_is_whole(folder, run, tmp_path, monkeypatch):
    shown = []

    def stopped(path, *_):
        shown.append(path)
        if len(shown) == 3:
            raise KeyboardInterrupt
        path.write_bytes(b"")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr("weakseg.api.label.write_overlay", stopped)
    with pytest.raises(KeyboardInterrupt):
        label(run, folder, tmp_path / "out", overlay=True)
    masks = sorted((tmp_path / "out").glob("*.png"))
    assert len(masks) == 2
    assert all(read_label_map(path, num_classes=3).shape == (48, 64) for path in masks)
    assert not list((tmp_path / "out").rglob("*.part*"))


def test_marks_hold_through_a_crf(folder, run, tmp_path):
    pytest.importorskip("pydensecrf")
    label(run, folder, tmp_path / "out", crf="deeplab")
    for number, (_, made) in enumerate(masks_of(tmp_path / "out").items()):
        assert made[20, 30] == 1 + number % 2
        assert set(np.unique(made)) <= {0, 1 + number % 2}


def test_the_command_labels_and_says_what_to_look_at(folder, run, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [
        "label",
        run,
        folder,
        "--out",
        out,
        "--confidence",
        "--overlay",
        "--split",
        "val",
        "--labels",
        "classifier",
        "--data.marks=[tags]",
    ]
    assert main([str(argument) for argument in arguments]) == 0
    said = capsys.readouterr()
    assert f"2 masks in {out}" in said.out
    assert "confidence.csv" in said.out
    assert "bound by their tags" in said.err
    suffixes = (".confidence.png", ".overlay.jpg", ".png")
    expected = {f"{name}{suffix}" for name in ("img4", "img5") for suffix in suffixes}
    assert {path.name for path in out.iterdir()} == {*expected, "confidence.csv"}


def test_the_command_reads_a_data_yaml(folder, run, tmp_path):
    (tmp_path / "mine.yaml").write_text("root: data\nmarks: [scribbles]\n")
    out = tmp_path / "out"
    assert main(["label", str(run), str(tmp_path / "mine.yaml"), "--out", str(out)]) == 0
    made = read_label_map(out / "img0.png", num_classes=3)
    assert (made[20, 24:36] == 1).all()
    assert (made[40, 5:50] == 0).all()


def test_predict_takes_a_crf_or_says_that_it_is_not_installed(
    folder, run, tmp_path, capsys, monkeypatch
):
    pytest.importorskip("pydensecrf")
    image = folder / "images/img0.png"
    arguments = ["predict", str(run), str(image), "--crf", "deeplab", "--out"]
    assert main([*arguments, str(tmp_path / "out")]) == 0
    assert read_label_map(tmp_path / "out/img0.png", num_classes=3).shape == (48, 64)
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    assert main([*arguments, str(tmp_path / "other")]) == 1
    assert "pip install 'weakseg[crf]'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def files_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class StopsAt:
    """Ctrl-C when a picture over an image is to be written for the n-th time."""

    def __init__(self, monkeypatch, number):
        self.left = number
        self.write = write_overlay
        monkeypatch.setattr("weakseg.api.label.write_overlay", self)

    def __call__(self, *arguments):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        self.write(*arguments)


def stop(monkeypatch, number, *arguments, **options):
    StopsAt(monkeypatch, number)
    with pytest.raises(KeyboardInterrupt):
        label(*arguments, overlay=True, **options)
    monkeypatch.undo()


@pytest.mark.parametrize("format", ["png", "labelme"])
def test_a_stopped_labelling_goes_on_to_the_same_files(folder, run, tmp_path, monkeypatch, format):
    (folder / "tags.csv").write_text("image,class\n" + "".join(f"{n},bar\n" for n in NAMES[:3]))
    options = {"overlay": True, "confidence": True, "format": format}
    options["config"] = {"marks": ["tags"]}
    whole = label(run, folder, tmp_path / "whole" / "out", **options)
    out = tmp_path / "stopped" / "out"
    stop(monkeypatch, 4, run, folder, out, confidence=True, format=format, config=options["config"])
    times = {path: path.stat().st_mtime_ns for path in out.glob("img*")}
    done = label(run, folder, out, resume=True, **options)
    assert files_of(out) == files_of(tmp_path / "whole" / "out")
    assert len([path for path, time in times.items() if path.stat().st_mtime_ns == time]) >= 9
    assert done.confidence == whole.confidence
    assert set(done.unmarked) == set(whole.unmarked)
    again = label(run, folder, out, resume=True, **options)  # nothing is left to do
    assert list(again.confidence) == list(whole.confidence)
    assert (set(again.unmarked), again.missing) == (set(whole.unmarked), whole.missing)
    assert files_of(out) == files_of(tmp_path / "whole" / "out")


def test_a_line_cut_off_and_a_changed_image_are_made_again(folder, run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    stop(monkeypatch, 6, run, folder, out)
    notes = out / NOTES_FILE
    lines = notes.read_bytes().split(b"\n")
    noted = [json.loads(line)["image"] for line in lines[1:-1]]
    assert len(noted) == 5
    notes.write_bytes(b"\n".join(lines[:4]) + b"\n" + lines[4][:40])
    Image.new("RGB", (64, 48), "red").save(folder / "images" / f"{noted[0]}.png")
    times = {name: (out / f"{name}.png").stat().st_mtime_ns for name in noted}
    label(run, folder, out, overlay=True, resume=True)
    kept = [name for name in noted if (out / f"{name}.png").stat().st_mtime_ns == times[name]]
    assert kept == noted[1:3]
    label(run, folder, tmp_path / "whole", overlay=True)
    assert files_of(out) == files_of(tmp_path / "whole")


def test_masks_of_other_settings_or_another_run_are_not_gone_on_with(
    folder, run, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    stop(monkeypatch, 3, run, folder, out)
    before = files_of(out)
    with pytest.raises(RunError, match="labels: 'retrieval' → 'classifier'"):
        label(run, folder, out, resume=True, labels="classifier")
    with pytest.raises(RunError, match="split: None → 'val'"):
        label(run, folder, out, resume=True, split="val")
    memory = RunFolder(run).memory
    Memory(torch.eye(8), torch.arange(8) % 3).save(memory)
    with pytest.raises(RunError, match="begun with other settings"):
        label(run, folder, out, resume=True)
    assert files_of(out) == before
    assert len(label(run, folder, out, overwrite=True).files) == 6
    assert not (out / NOTES_FILE).exists()


def test_only_a_labelling_of_these_images_can_be_resumed(folder, run, tmp_path):
    out = tmp_path / "out"
    assert len(label(run, folder, out, split="val", resume=True).files) == 2  # begins
    with pytest.raises(RunError, match="no stopped labelling of these images"):
        label(run, folder, out, resume=True)
    with pytest.raises(RunError, match="exclude each other"):
        label(run, folder, out, resume=True, overwrite=True)
    with pytest.raises(RecipeError, match="needs a format with a file for each image"):
        label(run, folder, tmp_path / "coco", format="coco", resume=True)
    assert not (tmp_path / "coco").exists()
