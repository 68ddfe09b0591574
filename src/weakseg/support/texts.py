"""Text files of people's programs: their encoding, and what to do where it is another."""

from __future__ import annotations

from pathlib import Path

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks, as Excel and Notepad write them


def text_encoding(path: Path) -> str:
    """Return the encoding by which a text file is read: UTF-16 by its byte order mark, or UTF-8.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return encoding_of(file.read(2))


def encoding_of(data: bytes) -> str:
    """Return the encoding of a text by its first bytes.

    Examples:
        >>> encoding_of("image".encode("utf-16")), encoding_of(b"image")
        ('utf-16', 'utf-8-sig')
    """
    return "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"


def not_a_text(path: Path, error: Exception) -> DataError:
    """Return the error of a text file that cannot be read, with the line of a foreign byte."""
    if not isinstance(error, UnicodeDecodeError):
        return DataError(f"is not readable as text ({error})", path=path)
    try:
        path.read_bytes().decode(text_encoding(path))
    except UnicodeDecodeError as whole:  # whose position is that in the file
        error = whole
    line = error.object[: error.start].count(b"\n") + 1
    byte = error.object[error.start : error.start + 1]
    fault = "no UTF-16"
    if error.encoding.startswith("utf-8"):
        letter = byte.decode("cp1252", errors="replace")
        maybe = f", but {letter!r} in Windows-1252" if letter.isalpha() else ""
        fault = f"byte 0x{byte.hex().upper()} is no UTF-8{maybe}"
    excel = ' (in Excel as "CSV UTF-8")' if path.suffix.lower() == ".csv" else ""
    return Entry(path, f"line {line}").error(
        f"is not readable as text ({fault}): save the file as UTF-8{excel}"
    )
