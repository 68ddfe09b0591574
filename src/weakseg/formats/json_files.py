"""Reading of JSON files and their fields; damage raises a DataError that names file and entry."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.formats.source import read_number
from weakseg.images.reading import opened, size_fault
from weakseg.support.errors import DataError

_DEPTH = 64  # of nesting; deeper values cannot even be quoted in a message
_START = 1 << 16  # bytes by which a file is recognised

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_NO_BRACKETS = re.compile(rf"{_STRING}|[^][}}{{\"]++", re.DOTALL)
_TOKENS = re.compile(rf"({_STRING})(\s*:)?|([][}}{{])", re.DOTALL)
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")


def read_json(path: Path, encoding: str | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        encoding: Its encoding; UTF-8, UTF-16 or UTF-32 are recognised.

    Raises:
        DataError: The file is missing, no JSON, cut off, nested too deeply, or names a key of an
            object twice.
    """
    return _only_value(_read_text(path, encoding), path)


def json_items(path: Path) -> Iterator[Any]:
    """Read the items of a JSON file that holds a list, one at a time; or its one value.

    Raises:
        DataError: As in `read_json`; items before the fault have been yielded then.
    """
    text = _read_text(path)
    position = _skip_space(text, 0)
    if not text.startswith("[", position):
        yield _only_value(text, path)
        return
    position = _skip_space(text, position + 1)
    if text.startswith("]", position):
        _expect_end(text, position + 1, path)
        return
    while True:
        item, position = _parse(text, position, path)
        yield item
        position = _skip_space(text, position)
        if text.startswith("]", position):
            break
        if not text.startswith(",", position):
            raise _broken(json.JSONDecodeError("Expecting ',' or ']'", text, position), path)
        position = _skip_space(text, position + 1)
    _expect_end(text, position + 1, path)


def first_keys(path: Path) -> tuple[bool, frozenset[str]]:
    """Read the keys at the beginning of a JSON file.

    Args:
        path: The file; it may be missing or something else.

    Returns:
        Whether it holds a list; and the keys in its object, or in the first object of its list, as
        far as they stand in the beginning, with those above them: "annotations.result".

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.json"
        >>> _ = path.write_text('[{"id": 3, "data": {"image": "a.j')
        >>> is_list, keys = first_keys(path)
        >>> is_list, sorted(keys)
        (True, ['data', 'data.image', 'id'])
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_START)
    except (OSError, ValueError):
        return False, frozenset()
    text = raw.decode(json.detect_encoding(raw), errors="replace").lstrip()
    is_list = text.startswith("[")
    if not text.startswith(("[", "{")):
        return False, frozenset()
    keys: set[str] = set()
    above: list[str] = []  # for each open bracket, the keys that lead to it
    here = ""
    for string, colon, bracket in _TOKENS.findall(text):
        if len(above) > _DEPTH:
            break
        if bracket in ("{", "["):
            above.append(here)
        elif bracket and above:
            here = above.pop()
            if len(above) <= is_list:
                break
        elif colon and above:
            here = f"{above[-1]}.{string[1:-1]}".removeprefix(".")
            keys.add(here)
    return is_list, frozenset(keys)


def read_object(value: Any, what: str, path: Path, entry: str | None = None) -> dict[str, Any]:
    """Check that a value of a JSON file is an object.

    Args:
        value: The value.
        what: Its name in messages.
        path: The file.
        entry: Where in it.

    Raises:
        DataError: It is no object.
    """
    if not isinstance(value, dict):
        raise DataError(
            f"expected an object as {what}, but got {value!r:.60}", path=path, entry=entry
        )
    return value


def read_list(value: Any, what: str, path: Path, entry: str | None = None) -> list[Any]:
    """Check that a value is a list; see `read_object`.

    Raises:
        DataError: It is no list.
    """
    if not isinstance(value, list):
        raise DataError(f"expected a list as {what}, but got {value!r:.60}", path=path, entry=entry)
    return value


def read_text(value: Any, what: str, path: Path, entry: str | None = None) -> str:
    """Check that a value is a text; see `read_object`.

    Raises:
        DataError: It is no text.
    """
    if not isinstance(value, str):
        raise DataError(f"expected a text as {what}, but got {value!r:.60}", path=path, entry=entry)
    return value


def read_key(value: Any, what: str, path: Path, entry: str | None = None) -> int | str:
    """Check that a value is an id; see `read_object`.

    Raises:
        DataError: It is neither a whole number nor a text.
    """
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise DataError(
            f"expected a whole number or a text as {what}, but got {value!r:.60}",
            path=path,
            entry=entry,
        )
    return value


def read_numbers(value: Any, what: str, path: Path, entry: str | None = None) -> list[float]:
    """Check that a value is a list of numbers; see `read_object`.

    Raises:
        DataError: It is no list, or holds something else than finite numbers.
    """
    if not isinstance(value, list):
        raise DataError(
            f"expected a list of numbers in {what}, but got {value!r:.60}", path=path, entry=entry
        )
    for number in value:
        if type(number) not in (int, float):
            raise DataError(
                f"expected numbers in {what}, but got {number!r:.60}", path=path, entry=entry
            )
        if not abs(number) <= sys.float_info.max:
            raise DataError(
                f"expected finite numbers in {what}, but got {number!r:.60}", path=path, entry=entry
            )
    return value


def read_corners(
    value: Any, what: str, path: Path, entry: str | None = None
) -> tuple[tuple[float, float], ...]:
    """Read places that stand in one list as x, y, x, y.

    Raises:
        DataError: It is no list of finite numbers, or an x is without its y.
    """
    numbers = read_numbers(value, what, path, entry)
    if len(numbers) % 2:
        raise DataError(
            f"expected x and y of each place in {what}, but got {len(numbers)} numbers",
            path=path,
            entry=entry,
        )
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def stated_size(
    height: Any, width: Any, path: Path, entry: str | None = None
) -> tuple[int, int] | None:
    """Read the size of an image; 0, empty and missing mean that none is stated.

    Raises:
        DataError: It is no size; see `read_size`.
    """
    if not height or not width:
        return None
    return read_size(height, width, path, entry)


def read_size(
    height: Any,
    width: Any,
    path: Path,
    entry: str | None = None,
    *,
    of: str = "the image",
) -> tuple[int, int]:
    """Read the size of an image or a mask.

    Raises:
        DataError: Height and width are not whole, not positive, or of no image that can be read.
    """
    rows = read_number(height, f"{of}'s height", path, entry)
    columns = read_number(width, f"{of}'s width", path, entry)
    fault = size_fault(rows, columns)
    if not (rows.is_integer() and columns.is_integer()):
        got = f"{rows:g} × {columns:g}"
        fault = f"expected whole numbers as {of}'s height and width, but got {got}"
    if fault:
        raise DataError(fault, path=path, entry=entry)
    return int(rows), int(columns)


def read_base64(value: Any, what: str, path: Path, entry: str | None = None) -> bytes:
    """Decode base64, with or without the head of a data URL.

    Raises:
        DataError: They are not.
    """
    try:
        if not isinstance(value, str):
            raise ValueError(f"got {value!r:.60}")
        return base64.b64decode(value.partition(",")[2] or value, validate=True)
    except ValueError as error:
        raise DataError(f"expected base64 as {what} ({error})", path=path, entry=entry) from error


def read_png_mask(
    value: Any, limit: tuple[int, int] | None, path: Path, entry: str
) -> NDArray[np.bool_]:
    """Decode a painted area from a PNG in base64.

    Args:
        value: The value.
        limit: Height and width that the area may have at most, where known.
        path: The file.
        entry: Where in it.

    Returns:
        The pixels that are not transparent or, in a picture without transparency, not 0, (h, w).

    Raises:
        DataError: It is no PNG, is damaged, or is too large.
    """
    raw = read_base64(value, "the mask", path, entry)
    if not raw.startswith(b"\x89PNG"):
        raise DataError(f"expected a PNG as the mask, but got {raw[:8]!r}", path=path, entry=entry)
    with opened(raw, what=f"mask ({entry})", path=path) as picture:
        if limit is not None and (picture.height > limit[0] or picture.width > limit[1]):
            raise DataError(
                f"the mask (H, W) is {(picture.height, picture.width)}, larger than the image, "
                f"which is {limit}",
                path=path,
                entry=entry,
            )
        pixels = np.asarray(picture.getchannel("A") if "A" in picture.getbands() else picture) > 0
    mask: NDArray[np.bool_] = np.logical_or.reduce(pixels.reshape(*pixels.shape[:2], -1), axis=2)
    return mask


def _read_text(path: Path, encoding: str | None = None) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode(encoding or json.detect_encoding(raw))
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"is not readable as text ({error})", path=path) from error
    brackets = np.frombuffer(_NO_BRACKETS.sub("", text).encode(), np.uint8)
    opening = np.isin(brackets, [ord("["), ord("{")])
    depth = int(np.where(opening, 1, -1).cumsum().max(initial=0))
    if depth > _DEPTH:
        raise DataError(f"expected JSON of at most {_DEPTH} levels, but got {depth}", path=path)
    return text


def _only_value(text: str, path: Path) -> Any:
    value, end = _parse(text, _skip_space(text, 0), path)
    _expect_end(text, end, path)
    return value


def _parse(text: str, position: int, path: Path) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, position)
        if _HALF_CHARACTER.search(text, position, end):
            json.dumps(value, ensure_ascii=False).encode()  # raises where the other half is missing
    except (ValueError, RecursionError) as error:
        raise _broken(error, path) from error
    return value, end


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r:.60} stands twice in an object")
    return keys


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _broken(error: Exception, path: Path) -> DataError:
    return DataError(f"is damaged or no JSON ({error})", path=path)


def _expect_end(text: str, position: int, path: Path) -> None:
    end = _skip_space(text, position)
    if end != len(text):
        raise _broken(json.JSONDecodeError("Extra data", text, end), path)


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
