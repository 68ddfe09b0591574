from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from weakseg.formats.run_lengths import read_run_lengths, region_of_runs, unpack_counts
from weakseg.marks.drawing import pasted
from weakseg.marks.kinds import Region
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

FILE = Path("a.json")


def cropped(mask):
    """Pack the bounding box of a mask."""
    ((rows, columns),) = ndimage.find_objects(mask.astype(int))
    inside = mask[rows, columns]
    return Region.from_mask(1, inside, columns.start, rows.start, instance=5)


@given(mask=arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_both_forms_unpack_to_the_mask_that_pycocotools_packed(mask):
    mask_utils = pytest.importorskip("pycocotools.mask")
    packed = mask_utils.encode(np.asfortranarray(mask, np.uint8))
    frame = {"size": list(mask.shape), "counts": packed["counts"].decode()}
    size, runs = read_run_lengths(frame, "'segmentation'", Entry(FILE))
    assert size == mask.shape
    region = region_of_runs(1, runs, size, instance=5)
    assert (pasted(size, region).canvas(size) == mask).all()
    if mask.any():
        assert region == cropped(mask)
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


def unpacked_one_by_one(text):
    """Unpack run lengths as the format is described, character by character."""
    runs, number, shift = [], 0, 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 30:
            raise ValueError(f"the character {character!r}")
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                number -= 1 << shift
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    if shift:
        raise ValueError("a text that is cut off")
    return runs


def outcome(unpack, text):
    try:
        return unpack(text)
    except ValueError as error:
        return str(error)


@settings(max_examples=300)
@given(
    text=st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=30)
    | st.text(st.sampled_from("0PQno/p☃\ud800"), max_size=12)
)
@example("n" * 7 + "0")
@example("n" * 6 + "00000")
def test_any_text_is_unpacked_or_refused_as_one_character_after_the_other(text):
    assert outcome(unpack_counts, text) == outcome(unpacked_one_by_one, text)
