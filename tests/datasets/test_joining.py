"""Images of several sources, joined where they are the same picture."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.joining import RepeatedImageError, joined
from weakseg.formats.source import Annotated
from weakseg.marks.kinds import Marks, Point


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    Image.fromarray(small.repeat(10, 0).repeat(10, 1)).save(path)
    return path


def embedded(seed: int, folder: Path) -> bytes:
    """Return a picture packed anew, as labelme keeps it inside its files."""
    buffer = io.BytesIO()
    Image.open(picture(folder / f"of {seed}.png", seed)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def item(name, picture, x=0.0, **values):
    return Annotated(
        name, Marks(points=(Point(1, x, 0),)), picture, None, Path(f"{x:g}.json"), **values
    )


def places(images):
    return {image.name: [point.x for point in image.marks.points] for image in images}


def test_pictures_that_differ_are_two_images_and_copies_are_one(tmp_path):
    streams = [
        [item("a", picture(tmp_path / "1/a.png", seed=1), 1)],
        [item("a", picture(tmp_path / "2/a.png", seed=2), 2)],
        [item("a", picture(tmp_path / "3/a.png", seed=2), 3)],
        [item("a", picture(tmp_path / "4/a.png", seed=1), 4)],
        [item("a", None, 5)],
        [item("a", picture(tmp_path / "6/a.png", seed=6), 6)],
    ]
    images = list(joined(streams, ["one", "two", "three", "four", "five", "two"]))
    assert places(images) == {"a": [1, 4, 5], "two/a": [2, 3], "two_2/a": [6]}
    (finding,) = images[1].findings
    assert "'a' is another picture" in finding.message
    assert "called 'two/a'" in finding.message


def test_a_path_that_only_ends_alike_joins_the_same_picture_alone(tmp_path):
    first, second = picture(tmp_path / "1.png", seed=1), picture(tmp_path / "2.png", seed=2)
    streams = [[item("x/a", first, 1), item("y/a", second, 2)], [item("a", second, 3)]]
    assert places(joined(streams, ["one", "two"])) == {"x/a": [1], "y/a": [2, 3]}
    streams = [[item("x/a", first, 1)], [item("a", second, 2)]]
    assert places(joined(streams, ["one", "two"])) == {"x/a": [1], "a": [2]}


@pytest.mark.parametrize(("seed", "expected"), [(1, {"a": [1, 2]}), (2, {"a": [1], "two/a": [2]})])
def test_a_picture_inside_a_file_is_compared_by_what_it_shows(tmp_path, seed, expected):
    streams = [
        [item("a", picture(tmp_path / "a.png", seed=1), 1)],
        [item("a", embedded(seed, tmp_path), 2)],
    ]
    assert places(joined(streams, ["one", "two"])) == expected


def test_marks_of_one_image_in_one_source_are_joined_and_equal_ones_kept_once():
    stream = [item("a", None, 1), item("b", None, 2), item("a", None, 1), item("a", None, 3)]
    with pytest.raises(RepeatedImageError):
        list(joined([stream], ["one"]))
    images = list(joined([stream], ["one"], hold=True))
    assert places(images) == {"a": [1, 3], "b": [2]}
    assert [finding.message for finding in images[0].findings] == [
        "image 'a' is there twice, first in 1.json; its marks are joined, 1 equal one once",
        "image 'a' is there twice, first in 1.json; its marks are joined",
    ]


def test_an_image_in_two_splits_of_two_sources_is_in_the_first_of_them_and_that_is_said():
    streams = [
        [item("a", None, 1, split="val"), item("b", None, 1, split="test")],
        [item("a", None, 2, split="train", is_listed=True), item("b", None, 2)],
    ]
    first, second = joined(streams, ["one", "two"])
    assert (first.split, first.is_listed, second.split) == ("train", True, "test")
    assert [finding.message for finding in first.findings] == [
        "image 'a' is in train here and in val in 1.json; put in train alone"
    ]
    assert second.findings == ()
