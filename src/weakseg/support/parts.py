"""Unfinished files beside those that they will replace, and what killed processes left of them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_AGE = 24 * 3600
"""Seconds after which a part counts as left behind where its process cannot be asked."""

_PART = re.compile(r"\..*\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)\.part(?:\.[^.]*)?", re.DOTALL)
_FOLDER = re.compile(r"weakseg-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-.*")

_ours: set[Path] = set()  # parts that this process is writing
_swept: set[Path] = set()  # folders in which it has looked for those of dead processes


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Open a path beside a file, to be written and then renamed; it is removed in the end.

    The first time that a process writes in a folder, parts there of dead processes are removed.

    Args:
        path: The file, in a folder that is there.

    Yields:
        The path of its part, with the same ending; it names this machine and this process.

    Examples:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with part_of(folder / "scores.json") as part:
        ...     _ = part.write_text("{}")
        ...     is_part(part.name), part.suffix
        (True, '.json')
        >>> list(folder.iterdir())
        []
    """
    if path.parent not in _swept:
        _swept.add(path.parent)
        remove_stale_parts(path.parent)
    # Shorter than the longest names, which leave no room for more.
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=6).hexdigest()
    part = path.with_name(f".{path.stem[:20]}.{digest}.{_owner()}.part{path.suffix}")
    _ours.add(part)
    try:
        yield part
    finally:
        with suppress(OSError):
            part.unlink()
        _ours.discard(part)


def is_part(name: str) -> bool:
    """Whether a file's name is that of an unfinished one."""
    return _PART.fullmatch(name) is not None


def remove_stale_parts(folder: Path) -> None:
    """Remove parts in a folder, not below it, whose process is gone."""
    _remove_stale(folder, _PART)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for what is needed for a while; those of dead processes are removed first.

    Yields:
        The folder, in the system's place for such ones.
    """
    _remove_stale(Path(tempfile.gettempdir()), _FOLDER)
    with tempfile.TemporaryDirectory(
        prefix=f"weakseg-{_owner()}-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        _ours.add(folder)
        try:
            yield folder
        finally:
            _ours.discard(folder)


def is_temporary(path: Path) -> bool:
    """Whether a file is in a temporary folder of this process, and so will be gone."""
    return not _ours.isdisjoint(path.parents)


def leaves_temporary(source: Path, named: Path) -> bool:
    """Whether a path that a file names leads out of the temporary folder that the file is in.

    Args:
        source: The file, or its folder; one that is in no temporary folder may name anything.
        named: The path.
    """
    if not is_temporary(source):
        return False
    place = named.resolve()
    return not any(place.is_relative_to(folder.resolve()) for folder in _ours)


def _remove_stale(folder: Path, pattern: re.Pattern[str]) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            owner = pattern.fullmatch(entry.name)
            path = Path(entry.path)
            if owner is None or path in _ours or not _is_stale(path, **owner.groupdict()):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()


def _is_stale(path: Path, host: str, process: str) -> bool:
    if host == _host() and int(process) == os.getpid():
        return True  # of a process that had this number before
    if host == _host() and not is_alive(int(process)):
        return True
    try:
        return time.time() - path.lstat().st_mtime > MAX_AGE
    except OSError:
        return False


def is_alive(process: int) -> bool:
    """Whether a process of this machine runs; taken to where the system cannot be asked."""
    if os.name == "nt":  # there, the signal 0 would not be harmless
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # of another user
    return True


def _host() -> str:
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()


def _owner() -> str:
    return f"{_host()}-{os.getpid()}"
