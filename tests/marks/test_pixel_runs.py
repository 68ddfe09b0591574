from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from weakseg.marks.kinds import Region
from weakseg.marks.label_maps import read_label_map
from weakseg.marks.pixel_runs import PixelRuns, read_colours, read_values
from weakseg.support.errors import DataError

pictures = arrays(
    np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 7)), elements=st.integers(0, 3)
)


@given(pictures)
def test_areas_are_those_of_each_class_packed_alone(picture):
    ids = {0: 5, 1: 254, 2: -1, 3: 5}
    found = PixelRuns.of(picture).regions(ids, "mask")
    classes = np.vectorize(ids.get)(picture)
    expected = [Region.from_mask(c, classes == c) for c in (-1, 5) if (classes == c).any()]
    assert list(found) == expected


@given(pictures)
def test_objects_are_cut_out_with_their_number(picture):
    found = PixelRuns.of(picture).objects({1: (7, 40), 2: (7, None)})
    parts = []
    for value, instance in ((1, 40), (2, None)):
        covered = picture == value
        if covered.any():
            y, x = covered.any(1).argmax(), covered.any(0).argmax()
            bottom, right = (axis.max() + 1 for axis in covered.nonzero())
            part = covered[y:bottom, x:right]
            parts.append(Region.from_mask(7, part, x, y, instance=instance))
    assert list(found) == parts


@given(pictures)
def test_values_are_counted_and_found_where_they_are_first(picture):
    runs = PixelRuns.of(picture)
    values, counts = np.unique(picture, return_counts=True)
    assert runs.counts() == dict(zip(values.tolist(), counts.tolist(), strict=True))
    for value in values.tolist():
        y, x = np.argwhere(picture == value)[0]
        assert runs.first(value) == (x, y)


def test_values_of_16_bits_are_read(tmp_path):
    values = np.array([[0, 300], [65535, 0]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert read_values(tmp_path / "a.png").counts() == {0: 2, 300: 1, 65535: 1}


def test_colours_are_numbers_and_transparent_ones_alike(tmp_path):
    picture = np.array([[[1, 2, 3, 255], [9, 9, 9, 0], [0, 0, 0, 0]]], np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert read_colours(tmp_path / "a.png").counts() == {-1: 2, 0x010203: 1}


def test_a_colour_picture_has_no_values(tmp_path):
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: expected an indexed or grey picture"):
        read_values(tmp_path / "a.png")


@pytest.mark.parametrize(
    "read", [read_values, read_colours, partial(read_label_map, num_classes=9)]
)
def test_a_jpeg_that_is_called_png_is_no_label_map(tmp_path, read):
    Image.new("L", (16, 8)).save(tmp_path / "a.png", "JPEG")
    with pytest.raises(DataError, match=r"a\.png: is a JPEG by its content"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("read", [read_values, partial(read_label_map, num_classes=9)])
@pytest.mark.parametrize(
    ("mode", "says"), [("LA", "save it as grey PNG"), ("RGB", "save it as grey PNG")]
)
def test_grey_levels_in_a_mode_of_colours_are_known(tmp_path, read, mode, says):
    Image.new("L", (16, 8), 3).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=says):
        read(tmp_path / "a.png")
    Image.new("RGB", (16, 8), (3, 3, 4)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="--palette FILE"):
        read(tmp_path / "b.png")


def test_a_label_map_of_16_bits_is_refused_with_the_import_that_makes_8(tmp_path):
    Image.fromarray(np.zeros((8, 16), np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="more bits, `weakseg import --format label-pngs"):
        read_label_map(tmp_path / "a.png", num_classes=2)
