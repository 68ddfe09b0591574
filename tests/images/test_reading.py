"""Pictures that are damaged or too large."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.images.reading import (
    USUAL_MAX_PIXELS,
    check_image,
    image_size,
    read_image,
    read_size,
    size_fault,
)
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, WeaksegError


@pytest.mark.parametrize(("side", "fits"), [(0, False), (1, True), (63_245, True), (63_246, False)])
def test_a_picture_has_at_least_one_pixel_and_at_most_the_limit(side, fits):
    assert (size_fault(side, side) is None) == fits


@pytest.mark.parametrize("read", [read_image, image_size, check_image])
@pytest.mark.parametrize(
    ("side", "says"),
    [
        (70_000, f"expected a picture of 1 to {USUAL_MAX_PIXELS} pixels"),
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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("read", [read_image, image_size, check_image])
def test_pillow_s_own_limit_neither_warns_nor_refuses(tmp_path, monkeypatch, read, suffix, recwarn):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(path)
    for limit in (1500, 500):  # of Pillow: a warning above it, an error above twice as much
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert getattr(read(path), "shape", (40, 50))[:2] == (40, 50)
        assert limit == Image.MAX_IMAGE_PIXELS
    assert not recwarn.list


def test_the_limit_is_one_s_own(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(path)
    monkeypatch.setenv("WEAKSEG_MAX_PIXELS", "2000")
    assert image_size(path) == (40, 50)
    monkeypatch.setenv("WEAKSEG_MAX_PIXELS", "1999")
    with pytest.raises(DataError, match=r"a\.png: .* 1 to 1999 pixels.* WEAKSEG_MAX_PIXELS"):
        read_image(path)
    monkeypatch.setenv("WEAKSEG_MAX_PIXELS", "many")
    with pytest.raises(WeaksegError, match="expected a whole number from 1 on, but got 'many'"):
        read_image(path)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (2.5, 5), (1e9, 1e9), (None, 5), (True, 5)])
def test_sizes_of_no_image_are_refused(size):
    with pytest.raises(DataError, match=r"a.json, entry: expected"):
        read_size(*size, Entry(Path("a.json"), "entry"))
