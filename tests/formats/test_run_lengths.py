from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from weakseg.formats.run_lengths import mask_of_runs, read_run_lengths
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

FILE = Path("a.json")


@given(mask=arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_both_forms_unpack_to_the_mask_that_pycocotools_packed(mask):
    mask_utils = pytest.importorskip("pycocotools.mask")
    packed = mask_utils.encode(np.asfortranarray(mask, np.uint8))
    frame = {"size": list(mask.shape), "counts": packed["counts"].decode()}
    size, runs = read_run_lengths(frame, "'segmentation'", Entry(FILE))
    assert size == mask.shape
    assert (mask_of_runs(runs, size) == mask).all()
    assert read_run_lengths(frame | {"counts": runs}, "'segmentation'", Entry(FILE)) == (size, runs)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "expected an object as 'segmentation', but got None"),
        ({"size": [2], "counts": "13"}, "expected height and width"),
        ({"size": [2, 0], "counts": "13"}, "but got one 0 wide and 2 high"),
        ({"size": [2, 3]}, "expected a list as counts"),
        ({"size": [2, 3], "counts": [1, 6]}, "over 2 × 3 pixels, but got 7"),
        ({"size": [2, 3], "counts": [1, 2.0, 3]}, "lengths of runs, but got 2.0"),
        ({"size": [2, 3], "counts": [1, -1, 6]}, "lengths of runs, but got -1"),
        ({"size": [2, 3], "counts": "1P"}, "a text that is cut off"),
    ],
)
def test_damaged_run_lengths_are_errors_that_name_the_entry(value, says):
    with pytest.raises(DataError, match=r"^a\.json, mask 3: ") as caught:
        read_run_lengths(value, "'segmentation'", Entry(FILE, "mask 3"))
    assert says in str(caught.value)
