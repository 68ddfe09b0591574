"""Images of more than 8 bits a channel, and what a file holds beside its colours."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.upright import upright_picture
from weakseg.formats.source import Annotated
from weakseg.images.reading import check_image, image_size, opened, opened_image, read_image
from weakseg.images.unused import unused_parts
from weakseg.inference.segmenter import _as_rgb
from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.support.errors import DataError

VALUES = np.arange(600, 2904, 2).reshape(24, 48)  # as of a camera of 12 bits


def write_rgb16_png(path):
    """Write a colour PNG of 16 bits, which Pillow cannot."""
    rows = np.repeat(VALUES[..., None], 3, axis=2).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 48, 24, 16, 2, 0, 0, 0),
        b"IDAT": zlib.compress(raw),
        b"IEND": b"",
    }
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks.items()
        )
    )


def write_tiff(path, values, bits, sample_format=1):
    """Write a TIFF of one strip, of samples as they are."""
    height, width, bands = values.shape
    data = values.tobytes()
    deep = struct.pack(f"<{bands}H", *[bits] * bands)
    formats = struct.pack(f"<{bands}H", *[sample_format] * bands)
    at = 8 + len(data)
    tags = [
        (256, 4, 1, width), (257, 4, 1, height),
        (258, 3, bands, bits if bands == 1 else at),
        (259, 3, 1, 1), (262, 3, 1, 1 if bands == 1 else 2), (273, 4, 1, 8), (277, 3, 1, bands),
        (278, 4, 1, height), (279, 4, 1, len(data)),
        *([(338, 3, bands - 3, 0)] if bands > 3 else []),
        (339, 3, bands, sample_format if bands == 1 else at + len(deep)),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    extra = deep + formats
    head = b"II*\0" + struct.pack("<I", at + len(extra))
    path.write_bytes(head + data + extra + struct.pack("<H", len(tags)) + directory + b"\0\0\0\0")


def deep_file(kind, folder):
    path = folder / f"deep.{'tif' if 'tif' in kind else 'png'}"
    match kind:
        case "png grey":
            Image.fromarray(VALUES.astype(np.uint16)).save(path)
        case "png colour":
            write_rgb16_png(path)
        case "tif colour":
            write_tiff(path, np.repeat(VALUES[..., None], 3, axis=2).astype("<u2"), 16)
        case "tif signed":
            write_tiff(path, (VALUES - 1000)[..., None].astype("<i2"), 16, 2)
        case "tif float":
            Image.fromarray(VALUES.astype(np.float32)).save(path)
        case "tif 32":
            Image.fromarray(VALUES.astype(np.int32)).save(path)
    return path


DEEP = [
    ("png grey", "whole numbers of 16 bits a channel, from 600 to 2902"),
    ("png colour", "whole numbers of 16 bits a channel, from about 512 to 3071"),
    ("tif colour", "whole numbers of 16 bits a channel, from about 512 to 3071"),
    ("tif signed", "signed whole numbers of 16 bits a channel, from -400 to 1902"),
    ("tif float", "floating-point numbers of 32 bits a channel, from 600 to 2902"),
    ("tif 32", "whole numbers of 32 bits a channel, from 600 to 2902"),
]


@pytest.mark.parametrize(("kind", "said"), DEEP)
def test_more_than_8_bits_are_refused_by_file_type_and_range(tmp_path, kind, said):
    path = deep_file(kind, tmp_path)
    item = Annotated("deep", Marks(tags=frozenset({1})), path, None, tmp_path / "marks.json")
    for read in (read_image, image_size, check_image, lambda _: upright_picture(item)):
        with pytest.raises(DataError, match=rf"deep\..*{said}.* 8 bits"):
            read(path)
    with Image.open(path) as picture, pytest.raises(DataError, match=said):
        _as_rgb(picture)
    found = inspect_marks([item], ClassList(("background", "cat")), min_images=1)
    (finding,) = found.findings
    assert finding.kind == "damaged"
    assert said in finding.message


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
def test_8_bits_are_read_in_every_mode(tmp_path, mode, suffix):
    path = tmp_path / f"a{suffix}"
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[:4] = 255
    try:
        Image.fromarray(colours).convert(mode).save(path)
    except (OSError, ValueError, KeyError):
        pytest.skip("no such file")
    read = read_image(path).astype(int)
    assert read.shape == (8, 8, 3)
    assert read[:3].min() > 200
    assert read[5:].max() < 60


def transparent(path):
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[2] = 100
    picture = Image.new("RGB", (8, 8))
    picture.putalpha(Image.fromarray(alpha))
    picture.save(path)


def opaque(path):
    Image.new("RGBA", (8, 8), (9, 9, 9, 255)).save(path)


def pages(path):
    Image.new("RGB", (8, 8)).save(
        path.with_suffix(".tif"), save_all=True, append_images=[Image.new("RGB", (8, 8))] * 2
    )
    path.with_suffix(".tif").rename(path)


def four_bands(path):
    write_tiff(path, np.zeros((8, 8, 4), np.uint8), 8)


@pytest.mark.parametrize(
    ("write", "parts"),
    [
        (opaque, ()),
        (transparent, ("transparency",)),
        (pages, ("pages beyond the first of 3",)),
        (four_bands, ("bands beyond the first 3 of 4",)),
    ],
)
def test_what_is_not_used_of_an_image_is_a_finding(tmp_path, write, parts):
    path = tmp_path / "a.png"
    write(path)
    with opened_image(path) as picture:
        assert unused_parts(picture) == parts
    item = Annotated("a", Marks(tags=frozenset({1})), path, None, tmp_path / "marks.json")
    found = inspect_marks([item], ClassList(("background", "cat")), min_images=1)
    messages = [finding.message for finding in found.findings]
    assert messages == [f"weakseg does not use its {part}" for part in parts]
    imported = [finding.message for finding in upright_picture(item).findings]
    assert imported == [f"image 'a': weakseg does not use its {part}" for part in parts]


def test_label_maps_may_have_16_bits(tmp_path):
    with opened(deep_file("png grey", tmp_path), what="label map") as picture:
        assert np.array(picture).max() == 2902
