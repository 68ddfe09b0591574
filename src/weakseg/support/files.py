"""Paths as arguments; writing files so that a killed process or a full disk leaves no half file."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from weakseg.support.errors import RunError
from weakseg.support.parts import part_of
from weakseg.support.stopping import check_stop


def as_paths(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """Return one path or several as a list.

    Examples:
        >>> [path.name for path in as_paths("a.json")]
        ['a.json']
        >>> [path.name for path in as_paths([Path("a.json"), "b.json"])]
        ['a.json', 'b.json']
    """
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Open a path to write to, and rename it to `path` once it is written in full.

    Args:
        path: The file to write. Missing parent folders are made.

    Yields:
        A path beside it, with the same ending.

    Raises:
        RunError: The disk is full, or the folder may not be written.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scores.json"
        >>> with replacing(path) as beside:
        ...     _ = beside.write_text("{}")
        >>> path.read_text()
        '{}'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part_of(path) as part:
            yield part
            part.replace(path)
        check_stop()
    except OSError as error:
        raise RunError(unwritable(path, error)) from error


def is_full_disk(error: BaseException) -> bool:
    """Whether an error is that a disk, a quota or a limit on files is used up."""
    numbers = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, OSError) and error.errno in numbers


def unwritable(path: Path, error: OSError) -> str:
    """Return the message for a path that the system did not let be written."""
    if is_full_disk(error):
        return f"{path}: the disk is full; nothing was written. Free some space and try again."
    return f"{path}: cannot be written ({error.strerror or error})."
