import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.upright import UprightPicture, turn_marks, upright_picture
from weakseg.formats.source import Annotated
from weakseg.images.orientation import turn_array
from weakseg.images.reading import read_image
from weakseg.marks.kinds import Box, Marks, Point, Polygon
from weakseg.support.errors import DataError


def photo(path: Path, orientation: int | None) -> Path:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 255  # white on the left, as stored
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    return path


def item(picture, size=None):
    return Annotated("photo", Marks(), picture, size, Path("marks.json"), "shape 1")


def test_a_photograph_that_is_stored_upright_is_taken_as_it_is(tmp_path):
    path = photo(tmp_path / "a.jpg", 1)
    assert upright_picture(item(path, (20, 40))) == UprightPicture(path, (20, 40))


def test_a_turned_photograph_is_written_upright_where_the_marks_were_drawn_on_it_so(tmp_path):
    seen = upright_picture(item(photo(tmp_path / "a.jpg", 6), (40, 20)))
    assert (seen.size, seen.turn, seen.findings) == ((40, 20), 1, ())
    picture = seen.picture
    turned = np.asarray(Image.open(io.BytesIO(picture)))
    assert turned.shape == (40, 20, 3)
    assert turned[5, 10, 0] > 200 > 50 > turned[35, 10, 0]
    assert Image.open(io.BytesIO(picture)).getexif().get(0x0112, 1) == 1


def test_marks_in_stored_pixels_are_turned_with_the_photograph(tmp_path):
    seen = upright_picture(item(photo(tmp_path / "a.jpg", 6), (20, 40)))
    assert (seen.size, seen.turn) == ((20, 40), 6)
    assert np.asarray(Image.open(io.BytesIO(seen.picture))).shape == (40, 20, 3)
    (finding,) = seen.findings
    assert "drawn on the pixels as they are stored, are turned" in finding.message


@pytest.mark.parametrize("orientation", range(1, 9))
def test_marks_are_turned_as_the_pixels_are(tmp_path, orientation):
    labels = np.zeros((20, 40, 3), np.uint8)
    labels[3, 7] = labels[10:13, 5:25] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(labels).save(tmp_path / "a.png", exif=exif)
    shown = read_image(tmp_path / "a.png")[..., 0]
    assert (turn_array(labels, orientation)[..., 0] == shown).all()
    box = Box(1, 5, 10, 24, 12)
    marks = Marks(boxes=(box,), points=(Point(1, 7, 3.9),), polygons=(Polygon(1, (box.ring,)),))
    turned = turn_marks(marks, orientation, (20, 40))
    assert set(turned.polygons[0].rings[0]) == set(turned.boxes[0].ring)
    (box,), (point,) = turned.boxes, turned.points
    assert shown[int(point.y), int(point.x)] == 255
    drawn = np.zeros_like(shown)
    drawn[box.window(drawn.shape)] = 255
    drawn[int(point.y), int(point.x)] = 255
    assert (drawn == shown).all()


@pytest.mark.parametrize(("orientation", "size"), [(3, (20, 40)), (6, None)])
def test_what_cannot_be_known_is_told(tmp_path, orientation, size):
    seen = upright_picture(item(photo(tmp_path / "a.jpg", orientation), size))
    assert isinstance(seen.picture, bytes)
    assert "EXIF orientation" in seen.findings[0].message


def test_another_size_than_stated_is_an_error_that_names_the_file_of_marks(tmp_path):
    with pytest.raises(DataError, match=r"marks.json, shape 1: says .* \(30, 40\) while it is"):
        upright_picture(item(photo(tmp_path / "a.jpg", None), (30, 40)))


def test_embedded_bytes_that_are_no_image_name_the_file_of_marks():
    with pytest.raises(DataError, match=r"marks.json.*no image 'photo'"):
        upright_picture(item(b"nothing"))


@pytest.mark.parametrize(
    ("marks", "turn"),
    [
        (Marks(points=(Point(1, 35, 10), Point(1, 5, 5))), 6),
        (Marks(points=(Point(1, 15, 10), Point(1, 5, 5))), 1),
        (Marks(points=(Point(1, 35, 10), Point(1, 5, 35))), 1),  # fits neither
        (Marks(boxes=(Box(1, 15, 2, 24, 9),)), 1),  # over the border, as people draw
    ],
)
def test_marks_without_a_stated_size_are_turned_where_they_fit_the_stored_pixels_alone(
    tmp_path, marks, turn
):
    """The photograph is 40 wide and 20 high as it is stored, 20 and 40 as it is seen."""
    seen = upright_picture(replace(item(photo(tmp_path / "a.jpg", 6)), marks=marks))
    assert seen.turn == turn
    assert ("fit the stored pixels alone" in seen.findings[0].message) == (turn == 6)
