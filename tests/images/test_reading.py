"""Pictures that are damaged or too large."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.images.reading import (
    MAX_PIXELS,
    check_image,
    image_size,
    read_image,
    read_size,
    size_fault,
)
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError


def test_the_limit_is_that_from_which_on_pillow_opens_nothing():
    assert MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(("side", "fits"), [(0, False), (1, True), (13_377, True), (13_378, False)])
def test_a_picture_has_at_least_one_pixel_and_at_most_the_limit(side, fits):
    assert (size_fault(side, side) is None) == fits


@pytest.mark.parametrize("read", [read_image, image_size, check_image])
@pytest.mark.parametrize(
    ("side", "says"),
    [
        (60_000, f"expected a picture of 1 to {MAX_PIXELS} pixels"),
        (9000, "a picture of 9000 × 9000 pixels is not in 2000 bytes"),
    ],
)
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(tmp_path, read, side, says):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    raw = path.read_bytes()
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + raw[24:29]
    claimed = raw[:12] + header + zlib.crc32(header).to_bytes(4, "big") + raw[33:]
    path.write_bytes(claimed.ljust(2000, b"\0"))
    with pytest.raises(DataError, match=rf"a\.png: .*{says}"):
        read(path)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (2.5, 5), (1e9, 1e9), (None, 5), (True, 5)])
def test_sizes_of_no_image_are_refused(size):
    with pytest.raises(DataError, match=r"a.json, entry: expected"):
        read_size(*size, Entry(Path("a.json"), "entry"))
