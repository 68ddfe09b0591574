"""Images with marks, made on the spot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import write_label_map
from weakseg.annotations.marks import Marks
from weakseg.annotations.readers.source import Annotated

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
