import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.png_masks import read_base64, read_png_mask
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

SHAPE = Entry(Path("a.json"), "shape 1")


def png(pixels, mode=None):
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_base64_may_have_the_head_of_a_data_url():
    for text in ("aGFsbG8=", "data:image/png;base64,aGFsbG8="):
        assert read_base64(text, "the mask", SHAPE) == b"hallo"


AREA = np.array([[0, 1, 0], [1, 1, 0]], bool)


@pytest.mark.parametrize(
    "text",
    [
        png(AREA),
        png((AREA * 255).astype(np.uint8)),
        png(AREA.astype(np.uint8)),
        png(np.stack([AREA * 9, AREA * 0, AREA * 0], 2).astype(np.uint8)),
        png(np.stack([AREA * 0, AREA * 0, AREA * 0, AREA * 7], 2).astype(np.uint8)),
        png(np.stack([AREA * 0 + 9, AREA * 7], 2).astype(np.uint8)),
    ],
    ids=["bits", "grey", "ones", "colour", "transparent", "grey and transparent"],
)
def test_masks_of_all_kinds_of_png_are_read(text):
    area = read_png_mask(text, (2, 3), SHAPE)
    assert area.dtype == bool
    assert (area == AREA).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "expected base64 as the mask"),
        ("@@", "expected base64 as the mask"),
        (base64.b64encode(b"%!PS-Adobe-3.0 EPSF").decode(), "expected a PNG as the mask"),
        (png(AREA)[:60], "damaged or no mask"),
        (png(np.zeros((3, 3), bool)), r"the mask \(H, W\) is \(3, 3\), larger than the image"),
    ],
)
def test_what_is_no_mask_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        read_png_mask(text, (2, 3), SHAPE)
