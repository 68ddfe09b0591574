"""Photographs that a camera stored rotated."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from weakseg.images.reading import check_image, image_size, read_image


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def corner(orientation, path, **options):
    """Write a picture with one bright quarter, stored so."""
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :16] = 255
    Image.fromarray(pixels).save(path, exif=exif_of(orientation), **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_read_as_people_see_it(tmp_path, suffix, orientation):
    path = corner(orientation, tmp_path / f"a{suffix}")
    with Image.open(path) as picture:
        shown = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    assert (read_image(path) == shown).all()
    assert image_size(path) == check_image(path) == shown.shape[:2]
    bright = {
        1: (0, 0),
        2: (0, 1),
        3: (1, 1),
        4: (1, 0),
        5: (0, 0),
        6: (0, 1),
        7: (1, 1),
        8: (1, 0),
    }
    rows, columns = np.nonzero(read_image(path)[..., 0] > 128)
    middle = rows.mean() > shown.shape[0] / 2, columns.mean() > shown.shape[1] / 2
    assert middle == bright[orientation]


def test_a_png_may_say_it_after_its_pixels(tmp_path):
    path = corner(1, tmp_path / "a.png")
    content = path.read_bytes()
    data = exif_of(6).tobytes().removeprefix(b"Exif\0\0")
    chunk = b"eXIf" + data
    late = struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    start = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[start : start + 4], "big")
    without = content[:start] + content[start + length :]
    path.write_bytes(without[:-12] + late + without[-12:])
    assert image_size(path) == read_image(path).shape[:2] == (32, 16)


@pytest.mark.parametrize(
    "damage", [b"", b"II", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"nothing at all"]
)
def test_metadata_that_is_damaged_counts_as_upright(tmp_path, damage):
    path = tmp_path / "a.webp"
    Image.fromarray(np.zeros((16, 32, 3), np.uint8)).save(path, exif=damage)
    assert image_size(path) == read_image(path).shape[:2] == (16, 32)
