"""Small files of foreign formats, and a way to read them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import Annotated, SourceOptions
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.rasterize import rasterize
from weakseg.readers.detection import FORMATS

Read = Callable[..., tuple[dict[str, Annotated], list[str]]]


@pytest.fixture
def read() -> Read:
    """Read with a format of a name: the images by their names, and the names of the classes."""

    def read_all(format_name: str, path: Path, **options: Any) -> tuple[dict[str, Annotated], list]:
        classes = OpenClassList()
        found = next(item for item in FORMATS if item.name == format_name)
        assert found.recognises(path)
        images = list(found.read(path, classes, SourceOptions(**options)))
        assert len({image.name for image in images}) == len(images)
        return {image.name: image for image in images}, classes.names

    return read_all


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Write an image, or a mask of the values that are given."""

    def write(path: Path, values: Any = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if values is None:
            values = np.zeros((20, 30, 3), np.uint8)
        Image.fromarray(np.asarray(values)).save(path)
        return path

    return write


@pytest.fixture
def write_json() -> Callable[[Path, Any], Path]:
    """Write a JSON file."""

    def write(path: Path, tree: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tree))
        return path

    return write


@pytest.fixture
def drawn() -> Callable[[Annotated, list[str]], LabelMap]:
    """Draw the marks of a reader as a label map."""

    def draw(image: Annotated, classes: list[str]) -> LabelMap:
        return rasterize(image.marks, image.size, ClassList(tuple(classes)))

    return draw


@pytest.fixture
def says_left_out() -> Callable[..., None]:
    """Check that one mark of an image is left out, and reported."""

    def check(image: Annotated, says: str, place: str = "") -> None:
        kinds = ("damaged", "unknown")
        (finding,) = (finding for finding in image.findings if finding.kind in kinds)
        assert finding.message.endswith("left out")
        assert re.search(says, str(finding)), finding
        assert place in str(finding)

    return check
