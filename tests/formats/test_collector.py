import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.collector import Collector
from weakseg.marks.kinds import Box, Region
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

FILE = Path("a.json")
SHAPE = Entry(FILE, "shape 1")


@pytest.fixture
def collector():
    return Collector(Entry(FILE, "image 1"))


@pytest.mark.parametrize(
    ("degrees", "pivot", "box"),
    [
        (0, (0.5, 0.5), Box(4, 5, 4, 14, 7)),
        (90, (0.5, 0.5), Box(4, 8, 1, 11, 10)),
        (360, (0.5, 0.5), Box(4, 5, 4, 14, 7)),
        (90, (0, 0), Box(4, 1, 4, 4, 13)),  # clockwise about the top left corner
        (-90, (0, 0), Box(4, 5, -6, 8, 3)),
    ],
)
def test_a_rotated_rectangle_is_the_box_around_it(collector, degrees, pivot, box):
    collector.rectangle(4, (5, 4), (10, 4), SHAPE, degrees=degrees, pivot=pivot)
    assert collector.marks().boxes == (box,)
    assert [finding.kind for finding in collector.findings()] == ["unsure"] * (degrees % 360 != 0)


def test_sums_of_decimals_make_no_box_a_pixel_larger(collector):
    assert 1.1 + 2.2 > 3.3
    collector.rectangle(1, (1.1, 1.1), (2.2 + 0.7, 2.2 + 1.7), SHAPE)
    assert collector.marks().boxes == (Box(1, 1, 1, 3, 4),)


@pytest.mark.parametrize("edges", [(-3, 4), (0, 4), (3, -1)])
def test_a_rectangle_without_area_is_found(collector, edges):
    collector.rectangle(1, (5, 5), edges, SHAPE)
    (finding,) = collector.findings()
    assert str(finding) == "a.json, shape 1: a box without area; left out"
    assert collector.marks().is_empty


@pytest.mark.parametrize("edges", [(math.inf, 4), (3, math.nan)])
def test_places_that_are_no_numbers_are_errors(collector, edges):
    with pytest.raises(DataError, match=r"a\.json, shape 1: expected places near the image"):
        collector.rectangle(1, (5, 5), edges, SHAPE)


def test_of_a_mask_the_bounding_box_is_kept(collector):
    mask = np.zeros((20, 30), bool)
    mask[4:6, 7:10] = True
    collector.mask(2, mask, SHAPE, instance=9)
    assert collector.marks().regions == (Region(2, 2, 3, (0, 6), 7, 4, instance=9),)


@pytest.mark.parametrize("runs", [(6,), (6, 0), (2, 0, 4)])
def test_painted_areas_without_pixels_are_found(collector, runs):
    collector.region(Region(1, 2, 3, runs), SHAPE)
    collector.mask(1, np.zeros((2, 3), bool), Entry(FILE, "shape 2"))
    assert [finding.kind for finding in collector.findings()] == ["empty", "empty"]
    assert collector.marks().is_empty


def test_what_is_not_used_is_counted_in_one_finding(collector):
    for kind in ("cuboid", "skeleton", "cuboid"):
        collector.unread(f"shapes of kind {kind}")
    (finding,) = collector.findings()
    assert finding.message == (
        "weakseg does not use shapes of kind cuboid (2 times), shapes of kind skeleton"
    )


def test_fractions_need_the_size_of_an_image_that_can_be_read(collector, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    sizes = [collector.fraction_size(tmp_path / name) for name in ("a.png", "b.png")]
    assert sizes == [(20, 30), None]
    assert collector.fraction_size(None) is None
    assert [finding.kind for finding in collector.findings()] == ["damaged", "missing"]
    assert collector.findings()[0].path == tmp_path / "b.png"
