"""Label Studio's code for painted areas: run lengths of RGBA values, packed into bits.

A stream holds, in this order: the number of values (32 bits), the bits of a value minus 1 (5), four
widths of lengths minus 1 (4 each), and blocks. A block is a bit that says whether it repeats one
value, the choice among the widths (2), a length minus 1 (so wide), and one value or, where it does
not repeat, as many values as it is long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.drawing import Canvas

Numbers = NDArray[np.int64]

_HEADER = (32, 5, 4, 4, 4, 4)  # bits
_CHANNELS = 4
_VALUE_BITS = 8  # this and the next as the tool itself writes them
_WIDTHS = np.array([3, 4, 8, 16])
_LONGEST = 1 << 16
_AT_ONCE = 1 << 16  # blocks whose bits are made together; bounds the memory


def decode_brush(rle: Sequence[int], height: int, width: int) -> Canvas:
    """Unpack a painted area.

    Args:
        rle: The bytes of the stream.
        height: Rows of the image.
        width: Columns of the image.

    Returns:
        The pixels that are not fully transparent, (height, width).

    Raises:
        ValueError: The stream is no list of bytes, is cut off, or is of an image of another size.

    Examples:
        >>> mask = np.array([[0, 1, 1], [1, 0, 0]], bool)
        >>> decode_brush(encode_brush(mask), 2, 3).astype(int).tolist()
        [[0, 1, 1], [1, 0, 0]]
    """
    stream = _Bits(rle)
    count, *sizes = (stream.read(bits) for bits in _HEADER)
    value_bits, *widths = (size + 1 for size in sizes)
    if count != height * width * _CHANNELS:
        raise ValueError(
            f"expected {_CHANNELS} values for each of {height} × {width} pixels, but got {count} "
            "values"
        )
    done = 0
    ends, painted = [0], []  # of runs of pixels; a run up to value n ends that of n // 4 pixels
    while done < count:
        repeats, choice = stream.read(1), stream.read(2)
        length = stream.read(widths[choice]) + 1
        if done + length > count:
            raise ValueError(f"a run of {length} values goes past the last of {count}")
        if repeats:
            painted.append(stream.read(value_bits) > 0)
            ends.append((done + length) // _CHANNELS)
        else:
            values = [stream.read(value_bits) for _ in range(length)]
            alphas = range(-(done + 1) % _CHANNELS, length, _CHANNELS)
            painted += [values[place] > 0 for place in alphas]
            ends += [(done + place + 1) // _CHANNELS for place in alphas]
        done += length
    return np.repeat(np.array(painted, bool), np.diff(ends)).reshape(height, width)


def encode_brush(mask: Canvas) -> list[int]:
    """Pack a painted area, white and opaque inside, as Label Studio's own tools do.

    Args:
        mask: The area, (H, W).

    Returns:
        The bytes of the stream.

    Raises:
        ValueError: The area has more values than the stream can count.

    Examples:
        >>> encode_brush(np.array([[True]]))
        [0, 0, 0, 4, 57, 27, 252, 127, 224]
    """
    if mask.size * _CHANNELS >= 1 << _HEADER[0]:
        raise ValueError(f"expected fewer than {1 << 30} pixels, but got {mask.size}")
    header = [mask.size * _CHANNELS, _VALUE_BITS - 1, *(_WIDTHS - 1)]
    bits = [_to_bits(np.array(header), np.array(_HEADER))]
    lengths, values, widths, choices = _blocks(mask.ravel())
    codes = (((4 | choices) << widths | lengths - 1) << _VALUE_BITS) | values
    sizes = 3 + widths + _VALUE_BITS
    for first in range(0, codes.size, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        bits.append(_to_bits(codes[some], sizes[some]))
    packed: list[int] = np.packbits(np.concatenate(bits)).tolist()
    return packed


def _blocks(flat: Canvas) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return lengths and values of the blocks, widths of the lengths, and the choice of widths."""
    starts = np.flatnonzero(np.diff(flat, prepend=~flat[:1]))
    runs = np.diff(starts, append=flat.size) * _CHANNELS
    choices = np.searchsorted(1 << _WIDTHS[:-1], runs)
    # A run too long for any width becomes several blocks; all but the last are of full length.
    blocks = -(-runs // _LONGEST)
    run = np.repeat(np.arange(runs.size), blocks)
    lengths = np.full(run.size, _LONGEST)
    lengths[np.cumsum(blocks) - 1] = runs - (blocks - 1) * _LONGEST
    values = np.where(flat[starts], (1 << _VALUE_BITS) - 1, 0)
    return lengths, values[run], _WIDTHS[choices][run], choices[run]


def _to_bits(numbers: Numbers, sizes: Numbers) -> NDArray[np.uint8]:
    """Write numbers one after the other, each in its own number of bits, highest first."""
    ends = np.cumsum(sizes)
    shift = np.repeat(ends, sizes) - 1 - np.arange(ends[-1])
    return (np.repeat(numbers, sizes) >> shift & 1).astype(np.uint8)


class _Bits:
    """Reads numbers out of a stream of bits."""

    def __init__(self, data: Sequence[int]) -> None:
        try:
            self._data = bytes(data)
        except (TypeError, ValueError):
            raise ValueError(f"expected bytes, 0 to 255, but got {data!r:.60}") from None
        self._position = 0

    def read(self, size: int) -> int:
        start, end = self._position, self._position + size
        if end > 8 * len(self._data):
            raise ValueError(f"the stream of {len(self._data)} bytes is cut off")
        self._position = end
        around = int.from_bytes(self._data[start >> 3 : (end + 7) >> 3], "big")
        return around >> (-end & 7) & ((1 << size) - 1)
