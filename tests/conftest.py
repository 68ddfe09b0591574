"""Small data that tests share, made on the spot."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from weakseg.formats.source import Annotated
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import write_label_map

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of golden numbers and photographs; skip where it is absent."""
    path = Path(os.environ.get("WEAKSEG_SHARED", Path(__file__).parents[1] / ".." / "shared"))
    if not path.is_dir():
        pytest.skip("WEAKSEG_SHARED names no folder")
    return path.resolve()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a data folder: six noisy images, in each a bright square on dark ground."""
    return make_folder(tmp_path / "data")


def make_folder(root: Path, images: int = 6, size: tuple[int, int] = (48, 64)) -> Path:
    rng = np.random.default_rng(0)
    for name in ("images", "masks", "scribbles", "splits"):
        (root / name).mkdir(parents=True)
    (root / "classes.txt").write_text("background\nsquare\nbar\n")
    points = ["image,class,x,y"]
    names = [f"img{number}" for number in range(images)]
    for number, name in enumerate(names):
        kind = 1 + number % 2
        mask = np.zeros(size, np.uint8)
        mask[10:30, 20:40] = kind
        picture = rng.integers(0, 60, (*size, 3)) + (mask > 0)[..., None] * (60 + 60 * kind)
        Image.fromarray(picture.astype(np.uint8)).save(root / "images" / f"{name}.png")
        write_label_map(root / "masks" / f"{name}.png", mask)
        scribble = np.full(size, 254, np.uint8)
        scribble[20, 24:36] = kind
        scribble[40, 5:50] = 0
        write_label_map(root / "scribbles" / f"{name}.png", scribble)
        points += [f"{name},{'square' if kind == 1 else 'bar'},30,20", f"{name},background,5,5"]
    (root / "points.csv").write_text("\n".join(points) + "\n")
    (root / "tags.csv").write_text(
        "image,class\n" + "".join(f"{name},{1 + i % 2}\n" for i, name in enumerate(names))
    )
    (root / "splits" / "train.txt").write_text("\n".join(names[:-2]) + "\n")
    (root / "splits" / "val.txt").write_text("\n".join(names[-2:]) + "\n")
    return root


SIZE = (40, 60)  # height, width


@pytest.fixture
def classes() -> ClassList:
    return ClassList(("background", "cat", "dog", "cow"))


@pytest.fixture
def annotated(tmp_path: Path) -> Callable[..., Annotated]:
    """Give a function that makes an image of noise with marks; no two images are the same."""
    rng = np.random.default_rng(0)

    def make(name="photo", marks=None, *, size=SIZE, **more):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        values = {"picture": path, "size": None, "path": tmp_path / "marks.json"} | more
        return Annotated(name, marks or Marks(), **values)

    return make


@pytest.fixture
def label_map(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a label map, unlabelled but for rectangles of a value."""

    def write(name, *rectangles, size=SIZE):
        labels = np.full(size, 254, np.uint8)
        for value, rows, columns in rectangles:
            labels[slice(*rows), slice(*columns)] = value
        path = tmp_path / f"{name}-labels.png"
        write_label_map(path, labels)
        return path

    return write
