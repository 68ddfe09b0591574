"""Locks on folders: who writes there or reads on, released by the system when a process dies."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from weakseg.support.errors import RunError
from weakseg.support.files import unwritable
from weakseg.support.parts import is_alive

LOCK_FILE = ".weakseg.lock"
"""File in a folder that is in use; it names who uses it."""

STALE_AFTER = 600
"""Seconds without a sign of life after which a lock of another machine counts for nothing."""

_SIGN_EVERY = 60  # seconds
_TRIES = 5
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@dataclass(frozen=True)
class Holder:
    """Process that uses a folder."""

    command: str
    process: int
    host: str
    since: str
    writes: bool

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"{self.command} (process {self.process}{where}, since {self.since})"


class Lock:
    """A lock that is held; where its folder is renamed, `path` is to follow."""

    def __init__(self, path: Path) -> None:
        self.path = path


@contextmanager
def writing_in(folder: Path, command: str) -> Iterator[Lock]:
    """Hold a folder, which is made where it is missing, alone.

    Args:
        folder: The folder.
        command: What uses it, for the messages of others ("weakseg train").

    Yields:
        The lock. A folder that was made for it and is empty in the end is removed.

    Raises:
        RunError: Another process holds it or reads it, or it cannot be written.
    """
    is_new = not folder.exists()
    if not (is_new or folder.is_dir()):
        raise RunError(f"{folder}: expected a folder, but it is a file. Choose another --out.")
    try:
        descriptor = _acquire_new(folder, command)
    except OSError as error:
        raise RunError(unwritable(folder, error)) from error
    try:
        with _held(descriptor, folder / LOCK_FILE, writes=True) as lock:
            yield lock
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def reading_from(folder: Path, command: str) -> Iterator[None]:
    """Keep a folder from being replaced while it is read, by any number of processes.

    A folder that cannot be written is not locked, and neither is any on Windows.

    Raises:
        RunError: Another process writes there.
    """
    try:
        descriptor = None if sys.platform == "win32" else _acquire(folder, command, writes=False)
    except OSError:
        descriptor = None
    if descriptor is None:
        yield
        return
    with _held(descriptor, folder / LOCK_FILE, writes=False):
        yield


def _acquire_new(folder: Path, command: str) -> int:
    """Make a folder and lock it; another process may rename or remove it in between."""
    for _ in range(_TRIES):
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return _acquire(folder, command, writes=True)
    return _acquire(folder, command, writes=True)


def _acquire(folder: Path, command: str, *, writes: bool) -> int:
    """Return the descriptor of the locked file, with this process's name in it."""
    path = folder / LOCK_FILE
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o644)
        try:
            asks_system = _lock(descriptor, writes=writes)
            if not _is_at(descriptor, path):  # released, and so removed, in between
                os.close(descriptor)
                continue
            _refuse_others(descriptor, folder, writes=writes, asks_system=asks_system)
            since = datetime.now().astimezone().isoformat(" ", "seconds")
            mine = Holder(command, os.getpid(), socket.gethostname(), since, writes)
            content = json.dumps(asdict(mine)).encode()
            with suppress(OSError):  # on a full disk, the lock is as good without a name in it
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, content, 0)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise RunError(_in_use(folder, holder)) from None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _refuse_others(descriptor: int, folder: Path, *, writes: bool, asks_system: bool) -> None:
    """Refuse a folder whose holder the system cannot have told us of, unless it is long silent."""
    holder = _holder(descriptor)
    if holder is None or not (writes or holder.writes):
        return
    is_here = holder.host == socket.gethostname()
    if is_here and (asks_system or not is_alive(holder.process)):
        return
    left = STALE_AFTER - (time.time() - os.fstat(descriptor).st_mtime)
    if left > 0:
        raise RunError(
            f"{_in_use(folder, holder)} Without a sign of life of it, the folder is free again in "
            f"{max(1, round(left / 60))} min; or remove {LOCK_FILE} in it."
        )


def _in_use(folder: Path, holder: Holder | None) -> str:
    who = "another process" if holder is None else holder
    return f"{folder}: is in use by {who}. Wait for its end, or stop it."


def _holder(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 1 << 16, 0)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


@contextmanager
def _held(descriptor: int, path: Path, *, writes: bool) -> Iterator[Lock]:
    lock, done = Lock(path), threading.Event()

    def signs() -> None:
        while not done.wait(_SIGN_EVERY):
            with suppress(OSError):
                os.utime(lock.path)

    thread = threading.Thread(target=signs, daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        done.set()
        thread.join()
        # Others may read on.
        with suppress(OSError):
            if writes or _lock(descriptor, writes=True):
                lock.path.unlink()
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, writes: bool) -> bool:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # what is locked cannot be read there
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
        return True

else:
    import fcntl

    def _lock(descriptor: int, *, writes: bool) -> bool:
        """Lock a file; return whether the system can lock files there at all.

        Raises:
            BlockingIOError: Another process has it.
        """
        kind = fcntl.LOCK_EX if writes else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            raise
        return True
