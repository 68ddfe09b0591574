"""Prediction of folders as people have them: damaged, rotated, littered, and done in part."""

import json

import numpy as np
import pytest
from PIL import Image

from weakseg.api import predict as module
from weakseg.cli.main import main
from weakseg.inference.segmenter import Segmenter
from weakseg.marks.classes import ClassList
from weakseg.recipes.recipe import InferenceConfig


class Bright(Segmenter):
    """A predictor that calls bright pixels a cat."""

    def __init__(self):
        self.classes = ClassList(("background", "cat"))
        self.config = InferenceConfig(batch=2)
        self.seen = []

    def predict_batch(self, images):
        self.seen += [image.shape[:2] for image in images]
        return (images[..., 0] > 128).astype(np.uint8)


@pytest.fixture
def segmenter(monkeypatch):
    made = Bright()
    monkeypatch.setattr(module.Segmenter, "load", lambda *_, **__: made)
    return made


def write(path, size=(8, 16), **options):
    """Write a picture that is bright on the left as stored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, : size[1] // 2] = 255
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def photos(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / "photos" / f"{name}.png")
    damaged = tmp_path / "photos" / "b.png"
    damaged.write_bytes(damaged.read_bytes()[:50])
    return tmp_path / "photos"


def run(*arguments):
    return main(["predict", "run", *map(str, arguments)])


@pytest.mark.parametrize("format", ["png", "labelme"])
def test_what_can_be_read_is_done_and_the_rest_is_listed(
    photos, segmenter, tmp_path, format, capsys
):
    out = tmp_path / "masks"
    assert run(photos, "--out", out, "--format", format) == 1
    said = capsys.readouterr().err
    assert "1 of 3 images could not be read; 2 masks were made:" in said
    assert "b.png: is damaged" in " ".join(said.split())
    ending = {"png": "png", "labelme": "json"}[format]
    assert sorted(path.name for path in out.iterdir()) == [f"a.{ending}", f"c.{ending}"]
    assert run(photos, "--out", out, "--format", format) == 1
    assert "--resume" in capsys.readouterr().err
    segmenter.seen.clear()
    write(photos / "b.png", (16, 8))
    assert run(photos, "--out", out, "--format", format, "--resume") == 0
    assert segmenter.seen == [(16, 8)]
    assert len(list(out.iterdir())) == 3
    assert run(photos, "--out", out, "--format", format, "--resume") == 0
    assert len(segmenter.seen) == 1


def test_one_file_of_all_images_holds_those_that_can_be_read(photos, segmenter, tmp_path, capsys):
    out = tmp_path / "masks"
    assert run(photos, "--out", out, "--format", "coco") == 1
    made = json.loads((out / "instances.json").read_text())
    assert [image["file_name"] for image in made["images"]] == ["a.png", "c.png"]
    assert run(photos, "--out", out, "--format", "coco", "--resume") == 2
    assert "a file for each image (png, labelme)" in capsys.readouterr().err


def test_an_overlay_that_is_missing_is_made(photos, segmenter, tmp_path):
    out = tmp_path / "masks"
    write(photos / "b.png")
    assert run(photos, "--out", out) == 0
    assert run(photos, "--out", out, "--overlay", "--resume") == 0
    assert len(list(out.glob("*.overlay.jpg"))) == 3
    (out / "a.overlay.jpg").unlink()
    segmenter.seen.clear()
    assert run(photos, "--out", out, "--overlay", "--resume") == 0
    assert len(segmenter.seen) == 1


def test_resume_and_overwrite_exclude_each_other(photos, segmenter, tmp_path, capsys):
    assert run(photos, "--out", tmp_path / "masks", "--resume", "--overwrite") == 1
    assert "exclude each other" in capsys.readouterr().err


def test_what_file_managers_leave_is_passed_over(segmenter, tmp_path):
    photos = tmp_path / "photos"
    write(photos / "a.png")
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "__MACOSX/a.png", "__MACOSX/._a.png"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"\0\5\26\7")
    assert run(photos, "--out", tmp_path / "masks") == 0
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["a.png"]


@pytest.mark.parametrize("format", ["png", "labelme", "coco"])
def test_a_photograph_stored_rotated_is_labelled_as_people_see_it(segmenter, tmp_path, format):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned to the right: its left end is up
    photo = write(tmp_path / "phone.jpg", (16, 32), exif=exif)
    out = tmp_path / "masks"
    assert run(photo, "--out", out, "--format", format, "--overlay") == 0
    assert Image.open(out / "phone.overlay.jpg").size == (16, 32)
    if format == "png":
        mask = np.array(Image.open(out / "phone.png"))
        assert mask.shape == (32, 16)
        assert mask[:14].all()
        assert not mask[18:].any()
    elif format == "labelme":
        made = json.loads((out / "phone.json").read_text())
        assert (made["imageHeight"], made["imageWidth"]) == (32, 16)
    else:
        (image,) = json.loads((out / "instances.json").read_text())["images"]
        assert (image["height"], image["width"]) == (32, 16)
