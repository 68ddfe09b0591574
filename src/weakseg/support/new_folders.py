"""Folders that appear complete or not at all, and replace only what weakseg itself wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from weakseg.support.errors import RunError
from weakseg.support.files import unwritable
from weakseg.support.folders import is_litter
from weakseg.support.locks import LOCK_FILE, Lock, writing_in

FILE_LIST = ".weakseg-files"
"""File in a folder that weakseg made: sizes and names of all that it wrote there."""


@contextmanager
def new_folder(root: Path, command: str, *, overwrite: bool = False) -> Iterator[Path]:
    """Open a folder to be filled, which appears under its name once the block ends without error.

    Args:
        root: The folder to make.
        command: What makes it, for the messages of others ("weakseg import").
        overwrite: Replace a folder that was made so, and not changed since. It is removed once the
            new one stands.

    Yields:
        A hidden folder beside it.

    Raises:
        RunError: There is something at this path already, another process is at work on it, or it
            cannot be written.
    """
    place = root.resolve()  # a link stays one
    part = _beside(place, "part")
    try:
        with ExitStack() as stack:
            lock = stack.enter_context(writing_in(part, command))
            stack.callback(shutil.rmtree, part, ignore_errors=True)
            restore(place)
            _empty(part)
            replaced = None
            if _check_free(root, overwrite=overwrite):
                replaced = stack.enter_context(writing_in(place, command))
            yield part
            _list_files(part)
            _swap(part, place, lock, replaced)
    except OSError as error:
        raise RunError(unwritable(root, error)) from error


def _swap(part: Path, root: Path, lock: Lock, replaced: Lock | None) -> None:
    """Give a folder its name, and only then remove the one that had it."""
    old = _beside(root, "old")
    if replaced is not None:
        root.rename(old)
        replaced.path = old / LOCK_FILE
    elif root.exists():
        root.rmdir()  # empty
    part.rename(root)
    lock.path = root / LOCK_FILE
    shutil.rmtree(old, ignore_errors=True)


def restore(root: Path) -> None:
    """Bring back a folder whose replacement broke off before the new one had its name."""
    root = root.resolve()
    old = _beside(root, "old")
    with suppress(OSError):
        if old.is_dir() and not root.exists():
            old.rename(root)
        elif old.is_dir():
            shutil.rmtree(old)


def _beside(root: Path, ending: str) -> Path:
    return root.with_name(f".{root.name}.{ending}")


def _check_free(root: Path, *, overwrite: bool) -> bool:
    """Return whether there is a folder to replace.

    Raises:
        RunError: There is something that is not to be replaced.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    if not overwrite:
        raise RunError(
            f"{root}: expected no such path or an empty folder, but something is there. Choose "
            "another --out, or replace what weakseg imported there with --overwrite."
        )
    try:
        lines = (root / FILE_LIST).read_text("utf-8").split("\n")
    except (OSError, ValueError):
        raise RunError(
            f"{root}: is not known to be weakseg's ({FILE_LIST} is not in it), so --overwrite "
            "leaves it alone. Choose another --out, or remove the folder yourself."
        ) from None
    written = set(lines)
    changed = [line.partition("\t")[2] for line in _lines(root) if line not in written]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RunError(
            f"{root}: {changed[0]!r}{more} was added or changed since weakseg wrote the folder, so "
            "--overwrite leaves it alone. Choose another --out, or remove the folder yourself."
        )
    return True


def _empty(folder: Path) -> None:
    """Remove what an import left that was killed."""
    for path in folder.iterdir():
        if path.name == LOCK_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _list_files(root: Path) -> None:
    text = "".join(f"{line}\n" for line in sorted(_lines(root)))
    (root / FILE_LIST).write_text(text, encoding="utf-8")


def _lines(root: Path) -> Iterator[str]:
    """Yield size and name of each file below a folder, without caches and files of programs."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            where = path.relative_to(root)
            if not is_litter(where) and name != FILE_LIST:
                yield f"{path.lstat().st_size}\t{where.as_posix()}"
