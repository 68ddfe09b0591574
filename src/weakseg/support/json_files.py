"""Strict reading of JSON files as a whole; damage raises a DataError."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weakseg.support.errors import DataError
from weakseg.support.texts import not_a_text

MAX_DEPTH = 64  # of nesting; deeper values cannot even be quoted in a message
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


def json_values(path: Path) -> Iterator[Any]:
    r"""Read the values of a file that holds one after the other, as NDJSON has them in lines.

    Raises:
        DataError: As in `read_json`; values before the fault have been yielded then.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.ndjson"
        >>> _ = path.write_text('{"a": 1}\n{"a": 2}\n')
        >>> list(json_values(path))
        [{'a': 1}, {'a': 2}]
    """
    text = _read_text(path)
    position = skip_space(text, 0)
    while position < len(text):
        value, position = _parse(text, position, path)
        yield value
        position = skip_space(text, position)


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
        if len(above) > MAX_DEPTH:
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


def _read_text(path: Path, encoding: str | None = None) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode(encoding or json.detect_encoding(raw))
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise not_a_text(path, error) from error
    depth = depth_of(text)
    if depth > MAX_DEPTH:
        raise DataError(f"expected JSON of at most {MAX_DEPTH} levels, but got {depth}", path=path)
    return text


def depth_of(text: str) -> int:
    """Return how deep brackets are nested in a JSON text, those inside of strings aside.

    Examples:
        >>> depth_of('{"a": [[1], "[["]}')
        3
    """
    brackets = np.frombuffer(_NO_BRACKETS.sub("", text).encode(), np.uint8)
    opening = np.isin(brackets, [ord("["), ord("{")])
    return int(np.where(opening, 1, -1).cumsum().max(initial=0))


def _only_value(text: str, path: Path) -> Any:
    value, end = _parse(text, skip_space(text, 0), path)
    _expect_end(text, end, path)
    return value


def _parse(text: str, position: int, path: Path) -> tuple[Any, int]:
    try:
        return value_at(text, position)
    except (ValueError, RecursionError) as error:
        raise _broken(error, path) from error


def value_at(text: str, position: int) -> tuple[Any, int]:
    """Read the JSON value that begins at a position of a text, strictly.

    Returns:
        The value, and the position after it.

    Raises:
        ValueError: There is none, it names a key of an object twice, or it holds half a character.
        RecursionError: It is nested too deeply.

    Examples:
        >>> value_at('[1, {"a": null}]', 4)
        ({'a': None}, 15)
    """
    value, end = _DECODER.raw_decode(text, position)
    if _HALF_CHARACTER.search(text, position, end):
        json.dumps(value, ensure_ascii=False).encode()  # raises where the other half is missing
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
    end = skip_space(text, position)
    if end != len(text):
        raise _broken(json.JSONDecodeError("Extra data", text, end), path)


def skip_space(text: str, position: int) -> int:
    """Return the position after the white space, if any, at a position of a JSON text."""
    match = _SPACE.match(text, position)
    return match.end() if match else position
