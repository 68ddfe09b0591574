"""Paths as arguments; writing files so that a killed process or a full disk leaves no half file."""

from __future__ import annotations

import errno
import pickle
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from weakseg.support.errors import RunError, WeaksegError
from weakseg.support.parts import part_of
from weakseg.support.stopping import check_stop
from weakseg.support.wording import shortened

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_IN_WORDS = re.compile(
    r"No space left on device|Disk quota exceeded|File too large"
    r"|inline_container\.cc.* unexpected pos"  # torch's writer, whose stream fails without a reason
)


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
    except WeaksegError:
        raise
    except Exception as error:
        if isinstance(error, OSError) or is_full_disk(error):
            raise RunError(unwritable(path, error)) from error
        raise


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is that a disk, quota or limit is used up.

    The writers of torch and safetensors, and processes that load images, pass it on as text.

    Examples:
        >>> is_full_disk(OSError(errno.ENOSPC, "No space left on device"))
        True
        >>> is_full_disk(OSError(errno.EACCES, "Permission denied"))
        False
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if not isinstance(error, OSError) and _FULL_IN_WORDS.search(str(error)):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def unwritable(path: Path, error: Exception) -> str:
    """Return the message for a path that the system did not let be written."""
    if is_full_disk(error):
        return f"{path}: the disk is full; nothing was written. Free some space and try again."
    return f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})."


def why_unreadable(error: Exception) -> str:
    """Return in one line why a file of arrays or tensors cannot be read.

    A pickle of anything else, which could run programs, is refused by numpy and torch with advice
    on how to load it all the same; that is left out.
    """
    text = str(error).strip()
    is_refused = isinstance(error, ValueError) and "pickle" in text  # by numpy
    if is_refused or isinstance(error, pickle.UnpicklingError):
        return "it is a pickle of more than tensors, or damaged; for safety it is never loaded"
    return shortened(f"{type(error).__name__}: {text}".split("\n")[0])
