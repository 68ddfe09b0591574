import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from weakseg.formats.brush import decode_brush, encode_brush

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))
pictures = array_shapes(min_dims=2, max_dims=2, max_side=8).flatmap(
    lambda size: arrays(np.uint8, (*size, 4), elements=st.sampled_from([0, 1, 255]))
)

# Streams that label_studio_sdk 2.1.2 makes of RGBA values.
SMALL = np.array([[0, 0, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 1]], bool)
SMALL_RLE = [0, 0, 0, 60, 57, 27, 252, 224, 23, 255, 239, 128, 79, 255, 56, 4, 127, 224]
LONG = np.arange(150)[:, None].repeat(130, 1) >= 3  # a run of more values than one block holds
LONG_RLE = [0, 1, 48, 176, 57, 27, 255, 6, 23, 0, 255, 255, 255, 252, 170, 95, 252]
SINGLE = [[0, 1, 0], [1, 0, 0]]  # alpha of (255, 0, 10, 200) and (0, 0, 0, 1); (9, 9, 9, 0) is none
SINGLE_RLE = [
    0,
    0,
    0,
    24,
    57,
    27,
    252,
    96,
    0,
    127,
    128,
    0,
    0,
    80,
    25,
    19,
    0,
    0,
    3,
    24,
    4,
    65,
    32,
    0,
    0,
]


def stream(values, blocks, value_bits=8, widths=(3, 4, 8, 16)):
    """Write a stream out as text, bit by bit: blocks are (choice, length, values)."""
    bits = f"{values:032b}{value_bits - 1:05b}" + "".join(f"{width - 1:04b}" for width in widths)
    for choice, length, content in blocks:
        bits += f"{int(len(content) == 1)}{choice:02b}{length - 1:0{widths[choice]}b}"
        bits += "".join(f"{value:0{value_bits}b}" for value in content)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


@pytest.fixture(scope="module")
def official():
    return pytest.importorskip("label_studio_sdk.converter.brush")


@settings(deadline=None)
@given(masks)
def test_an_area_is_the_same_after_packing_and_unpacking(mask):
    assert (decode_brush(encode_brush(mask), *mask.shape) == mask).all()


@pytest.mark.parametrize(("mask", "rle"), [(SMALL, SMALL_RLE), (LONG, LONG_RLE)])
def test_streams_are_those_of_the_official_tool(mask, rle):
    assert encode_brush(mask) == rle[: len(encode_brush(mask))]
    assert not any(rle[len(encode_brush(mask)) :])
    assert (decode_brush(rle, *mask.shape) == mask).all()


def test_pixels_with_any_opacity_are_painted_whatever_their_colour():
    assert decode_brush(SINGLE_RLE, 2, 3).astype(int).tolist() == SINGLE


def test_blocks_of_different_values_and_other_widths_are_read():
    # Values 0 to 9 are written out, 10 to 15 are one run of 300; of 4 pixels.
    content = [0, 0, 0, 7, 500, 0, 0, 0, 0, 0]
    rle = stream(16, [(1, 10, content), (0, 6, [300])], value_bits=12, widths=(5, 11, 2, 1))
    assert decode_brush(rle, 2, 2).tolist() == [[True, False], [True, True]]


@settings(deadline=None)
@given(masks)
def test_the_official_tool_reads_what_is_packed_and_packs_the_same(official, mask):
    packed = encode_brush(mask)
    alpha = official.decode_rle(packed).reshape(*mask.shape, 4)[..., 3]
    assert (alpha == mask * 255).all()
    assert official.mask2rle(mask.astype(np.uint8) * 255)[: len(packed)] == packed


@settings(deadline=None)
@given(pictures)
def test_what_the_official_tool_packs_is_read(official, picture):
    mask = decode_brush(official.encode_rle(picture.ravel()), *picture.shape[:2])
    assert (mask == (picture[..., 3] > 0)).all()


@pytest.mark.parametrize("size", [(3, 4), (0, 0), (60000, 60000)])
def test_a_stream_of_an_image_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match=r"expected 4 values for each of .* but got 60 values"):
        decode_brush(SMALL_RLE, *size)


@pytest.mark.parametrize("length", range(len(SMALL_RLE) - 1))
def test_a_stream_that_is_cut_off_is_refused(length):
    with pytest.raises(ValueError, match=f"the stream of {length} bytes is cut off"):
        decode_brush(SMALL_RLE[:length], 3, 5)


def test_a_run_past_the_end_is_refused():
    with pytest.raises(ValueError, match="a run of 8 values goes past the last of 4"):
        decode_brush(stream(4, [(0, 8, [1])]), 1, 1)


@pytest.mark.parametrize("rle", [[1, 256], [-1], [0.5], ["a"], [None], [[1]], "abc"])
def test_what_is_no_list_of_bytes_is_refused(rle):
    with pytest.raises(ValueError, match="expected bytes, 0 to 255"):
        decode_brush(rle, 1, 1)


def test_more_pixels_than_a_stream_can_count_are_refused():
    huge = np.broadcast_to(np.zeros((1, 1), bool), (1 << 15, 1 << 15))
    with pytest.raises(ValueError, match="expected fewer than 1073741824 pixels"):
        encode_brush(huge)


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 6), st.integers(0, 6))
def test_any_bytes_give_an_area_or_an_error(data, height, width):
    head = (4 * height * width).to_bytes(4, "big")
    try:
        mask = decode_brush(list(head + data), height, width)
    except ValueError:
        return
    assert mask.shape == (height, width)
