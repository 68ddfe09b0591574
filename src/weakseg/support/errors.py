"""Exceptions. Messages name what is wrong, where, what was expected, and what to do."""

from __future__ import annotations

from pathlib import Path

from weakseg.support.wording import shortened

MAX_MESSAGE = 2000
"""Characters of a message."""


class WeaksegError(Exception):
    """Base of every error weakseg raises on purpose; the command line prints it in one piece.

    Args:
        message: What is wrong; of a message that is very long, the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message, MAX_MESSAGE))


class DataError(WeaksegError):
    """An image, a label map, a mark or a table is wrong.

    Args:
        message: What is wrong and what was expected.
        path: The file that is wrong.
        entry: Where inside the file (a line, a key, a point).

    Examples:
        >>> print(DataError("class 'cow' is not in classes.txt", path="points.csv", entry="line 3"))
        points.csv, line 3: class 'cow' is not in classes.txt
    """

    def __init__(
        self, message: str, *, path: str | Path | None = None, entry: str | None = None
    ) -> None:
        where = ", ".join(str(part) for part in (path, entry) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)
        self.path = None if path is None else Path(path)
        self.entry = entry


class RecipeError(WeaksegError):
    """A recipe holds an unknown key or a value of the wrong type or range."""


class RunError(WeaksegError):
    """A run folder is in the way, incomplete, or of another recipe."""


class WeightsError(WeaksegError):
    """Weights cannot be found, read or fitted to the network."""


class NonFiniteError(WeaksegError):
    """A loss became NaN or infinite."""


class MissingExtraError(WeaksegError):
    """What was asked for needs a package that is not installed; the message says which extra."""
