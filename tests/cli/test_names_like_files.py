"""An image `a.jpg.png` is called `a.jpg` in every step, and its files `a.jpg.png`."""

import numpy as np
import pytest
from PIL import Image
from tests.cli.test_main import TINY, run

import weakseg
from weakseg.marks.label_maps import write_label_map


@pytest.fixture
def labelled(tmp_path, folder):
    """Write images, among them a.jpg.png and a.png, with label maps of the same names."""
    root = tmp_path / "labelled"
    for place in ("images", "masks"):
        (root / place).mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "a", "b.png", "c.JPG")):
        with Image.open(folder / "images" / f"img{number}.png") as picture:
            picture.save(root / "images" / f"{name}.png")
        mask = Image.open(folder / "masks" / f"img{number}.png")
        write_label_map(root / "masks" / f"{name}.png", np.asarray(mask))
    (root / "classes.txt").write_text("background\nsquare\nbar\n")
    (root / "splits").mkdir()
    (root / "splits" / "train.txt").write_text("a\nc.JPG\n")
    (root / "splits" / "val.txt").write_text("a.jpg\nb.png\n")
    return root


def test_names_that_end_like_files_stay_through_all_steps(labelled, tmp_path):
    names = ["a.jpg.png", "a.png", "b.png.png", "c.JPG.png"]
    trained, masks, data = tmp_path / "run", tmp_path / "masks", tmp_path / "imported"
    assert run("import", labelled, "--out", data) == 0
    assert sorted(path.name for path in (data / "images").iterdir()) == names
    assert run("train", data, "--out", trained, *TINY) == 0
    assert run("predict", trained, data / "images", "--out", masks, "--format", "coco") == 0
    assert run("predict", trained, data / "images", "--out", masks) == 0
    assert sorted(path.name for path in masks.glob("*.png")) == names
    assert run("evaluate", trained, data) == 0
    settings = weakseg.ImportSettings(images=[data / "images"])
    done = weakseg.import_marks(masks / "instances.json", tmp_path / "back", settings)
    assert done.images == 4
    assert sorted(path.name for path in (tmp_path / "back" / "images").iterdir()) == names
