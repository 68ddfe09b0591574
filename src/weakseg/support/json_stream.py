"""Strict reading of JSON files of any size: long lists item by item, and items once more."""

from __future__ import annotations

import codecs
import io
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.json_files import MAX_DEPTH, depth_of, read_json, skip_space, value_at

_CHUNK = 1 << 18  # bytes that are read at once
_FAULTS = (OSError, ValueError, RecursionError)


class Span(NamedTuple):
    """Place of a value in a file, in bytes of its text in UTF-8."""

    start: int
    length: int


class Member(NamedTuple):
    """Member of a file's object, or an item of a list in it.

    Args:
        key: The member's key.
        value: Its value; of a list that is read item by item, an empty list and then each item.
        span: Where an item is; None for a whole member.
    """

    key: str
    value: Any
    span: Span | None = None


def json_items(path: Path) -> Iterator[Any]:
    """Read the items of a JSON file that holds a list, one at a time; or its one value.

    Raises:
        DataError: As in `read_json`; items before the fault have been yielded then.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.json"
        >>> _ = path.write_text('[{"a": 1}, {"a": 2}]')
        >>> list(json_items(path))
        [{'a': 1}, {'a': 2}]
    """
    yield from JsonStream(path).values()


class JsonStream:
    """A JSON file of which only one item of a long list is in memory at a time.

    The text of files in UTF-16 and UTF-32 is held as a whole.

    Args:
        path: The file.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.json"
        >>> _ = path.write_text('{"a": 1, "b": [{"c": 2}, {"c": 3}]}')
        >>> stream = JsonStream(path)
        >>> *_, last = stream.members({"b"})
        >>> last
        Member(key='b', value={'c': 3}, span=Span(start=25, length=8))
        >>> list(stream.items([last.span]))
        [{'c': 3}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version: tuple[int, int] | None = None

    def members(self, lists: Collection[str]) -> Iterator[Member]:
        """Read the members one after the other, in the order of the file.

        Args:
            lists: Keys of lists that are read item by item.

        Raises:
            DataError: The file holds no object, or cannot be read as in `read_json`.
        """
        try:
            with self._opened() as file:
                yield from _Parser(file).members(lists)
        except _FAULTS as error:
            # Raises with the fault, and its line and column.
            Entry(self.path).object(read_json(self.path), "the file")
            raise self._changed() from error

    def values(self) -> Iterator[Any]:
        """Read the items of a file that holds a list, or its one value.

        Raises:
            DataError: The file cannot be read as in `read_json`.
        """
        try:
            with self._opened() as file:
                parser = _Parser(file)
                if parser.begins_list():
                    yield from parser.values()
                    return
            yield read_json(self.path)
        except _FAULTS as error:
            read_json(self.path)
            raise self._changed() from error

    def items(self, spans: Iterable[Span | tuple[int, int]]) -> Iterator[Any]:
        """Read items once more, by their places.

        Raises:
            DataError: The file has changed since `members` read it.
        """
        try:
            with self._opened() as file:
                for start, length in spans:
                    file.seek(start)
                    yield json.loads(file.read(length).decode())
        except (OSError, ValueError) as error:
            raise self._changed() from error

    def _opened(self) -> IO[bytes]:
        """Open the file as bytes in UTF-8, after a byte order mark."""
        file = self.path.open("rb")
        found = os.fstat(file.fileno())
        version = found.st_size, found.st_mtime_ns
        self._version = self._version or version
        encoding = json.detect_encoding(file.read(4))
        if version == self._version and encoding in ("utf-8", "utf-8-sig"):
            file.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
            return file
        with file:
            if version != self._version:
                raise self._changed()
            file.seek(0)
            return io.BytesIO(file.read().decode(encoding).encode())

    def _changed(self) -> DataError:
        return DataError("has changed while it was read; try again", path=self.path)


class _Parser:
    """The text of a file from a position on, which is read on where a value needs more of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._position = 0
        self._byte = file.tell()  # at which the position is

    def members(self, lists: Collection[str]) -> Iterator[Member]:
        """Read the members of the object.

        Raises:
            ValueError: The file is no JSON object, or none that `read_json` accepts.
            RecursionError: It is nested too deeply.
        """
        seen = set()
        self._skip_space()
        self._take("{")
        self._skip_space()
        after = self._next("}") or ","
        while after == ",":
            self._skip_space()
            key = self._value(":", 1)[0]
            if not isinstance(key, str) or key in seen:
                raise ValueError(f"the key {key!r:.60}")
            seen.add(key)
            self._skip_space()
            if key in lists and self._next("["):
                yield Member(key, [])
                for item, span in self._items(2):
                    yield Member(key, item, span)
                self._skip_space()
                after = self._take(",}")
            else:
                value, _, after = self._value(",}", 1)
                yield Member(key, value)
        self._end()

    def begins_list(self) -> bool:
        """Whether the file holds a list, whose bracket is passed then."""
        self._skip_space()
        return bool(self._next("["))

    def values(self) -> Iterator[Any]:
        """Read the items of the list that begins the file.

        Raises:
            ValueError: As by `members`.
            RecursionError: As by `members`.
        """
        for item, _ in self._items(1):
            yield item
        self._end()

    def _end(self) -> None:
        self._skip_space()
        if self._position < len(self._text):
            raise ValueError("more text after the value")

    def _items(self, above: int) -> Iterator[tuple[Any, Span]]:
        """Read the items of a list after its bracket, below so many, and where each is."""
        self._skip_space()
        after = self._next("]") or ","
        while after == ",":
            self._skip_space()
            item, span, after = self._value(",]", above)
            yield item, span

    def _value(self, ends: str, above: int) -> tuple[Any, Span, str]:
        """Read the value at the position, and the sign after it.

        Args:
            ends: Signs of which one follows the value.
            above: Brackets that are open.

        Returns:
            The value, where it is, and the sign.
        """
        while (found := self._whole_value(ends)) is None:
            if not self._read_on():
                raise ValueError("a value that is cut off")
        value, end, after = found
        text, start, first = self._text, self._position, self._byte
        brackets = text.count("[", start, end) + text.count("{", start, end)
        if above + brackets > MAX_DEPTH and above + depth_of(text[start:end]) > MAX_DEPTH:
            raise ValueError("too many levels")
        self._move(end)
        span = Span(first, self._byte - first)
        self._move(after)
        return value, span, text[after - 1]

    def _whole_value(self, ends: str) -> tuple[Any, int, int] | None:
        """Read the value at the position, if all of it is there.

        Returns:
            The value, the position after it, and that after the sign that follows.
        """
        try:
            value, end = value_at(self._text, self._position)
        except ValueError:
            return None
        sign = skip_space(self._text, end)
        # Without what follows, a number may be a part of one.
        return (value, end, sign + 1) if self._text[sign : sign + 1] in set(ends) else None

    def _take(self, signs: str) -> str:
        """Move past one of some signs."""
        sign = self._text[self._position : self._position + 1]
        if sign not in set(signs):
            raise ValueError(f"expected one of {signs}")
        self._move(self._position + 1)
        return sign

    def _next(self, sign: str) -> str:
        """Move past a sign, if it is the next one, and return it."""
        return self._take(sign) if self._text.startswith(sign, self._position) else ""

    def _skip_space(self) -> None:
        self._move(skip_space(self._text, self._position))
        while self._position == len(self._text) and self._read_on():
            self._move(skip_space(self._text, 0))

    def _read_on(self) -> bool:
        """Add the next piece of the file, and let go of what is behind the position.

        Returns:
            Whether there was more.
        """
        ahead = self._text[self._position :]
        # As much again, so that a long value is not tried too often.
        raw = self._file.read(max(_CHUNK, len(ahead)))
        self._text = ahead + self._decoder.decode(raw, final=not raw)
        self._position = 0
        return bool(raw)

    def _move(self, position: int) -> None:
        """Move on to a position of the text."""
        passed = self._text[self._position : position]
        self._byte += len(passed) if passed.isascii() else len(passed.encode())
        self._position = position
