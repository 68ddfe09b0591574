"""Paths made of names that come out of files: never outside the folder that is written to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, RunError


def name_leads_out(name: str) -> bool:
    r"""Whether a name is anything but a plain relative path: each part a name, none a step up.

    Examples:
        >>> names = ("cats/cat 1", "..cat", "../cat", "/cat", "C:\\cat", "cats//cat", "")
        >>> [name_leads_out(name) for name in names]
        [False, False, True, True, True, True, True]
    """
    windows = PureWindowsPath(name)
    return (
        any(part in {"", ".", ".."} or "\0" in part for part in name.split("/"))
        or ".." in windows.parts
        or windows.root != ""
        or (os.name == "nt" and windows.drive != "")  # elsewhere, "B: cat" is a name
    )


def check_plain(name: str, of: str, entry: Entry) -> None:
    """Refuse a name out of a file that is to become a path, and would lead out of its folder.

    Args:
        name: The name.
        of: What is called so, for the message.
        entry: Where the name stands.

    Raises:
        DataError: It would lead out.
    """
    if name_leads_out(name):
        raise entry.error(
            f"expected a plain name of {of}, but {name!r:.200} leads out of the folder that is "
            "written"
        )


def inside(folder: Path, name: str, ending: str = "") -> Path:
    """Return the path of a name inside a folder.

    Args:
        folder: The folder.
        name: The name, which may hold folders ("cats/cat 1"); from a file, perhaps of a stranger.
        ending: Ending of the file, as ".png".

    Raises:
        DataError: It would lead out of the folder, by its parts or through a link.

    Examples:
        >>> inside(Path("masks"), "cats/cat 1", ".png").as_posix()
        'masks/cats/cat 1.png'
    """
    path = folder / f"{name}{ending}"
    leads_out = name_leads_out(name)
    if not leads_out and path.parent != folder:
        leads_out = not path.parent.resolve().is_relative_to(folder.resolve())
    if leads_out:
        raise DataError(
            f"expected a name inside the folder, but {name!r} leads out of it", path=folder
        )
    return path


def check_apart(
    out: Path, read: Iterable[Path], *, below: bool = True, replaces: bool = False
) -> None:
    """Refuse to write to a folder from which is read, or into one.

    Args:
        out: The folder to write.
        read: Files and folders that are read.
        below: All that is in these folders is read, so that one inside them is refused, too.
        replaces: What is in the folder now is to be removed, so nothing there may be read.

    Raises:
        RunError: One of them is the folder, or holds it, or would be removed.
    """
    target = out.resolve()
    for path in read:
        source = path.resolve()
        if target == source:
            what = "is read from"
        elif below and target.is_relative_to(source):
            what = f"is inside {path}, which is read"
        elif replaces and source.is_relative_to(target):
            what = f"holds {path}, which is read"
        else:
            continue
        raise RunError(f"{out}: {what}, so nothing is written there. Choose another --out.")
