"""Zips that annotation tools export, unpacked while they are read."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, RunError
from weakseg.support.files import is_full_disk
from weakseg.support.folders import is_litter
from weakseg.support.inside import inside
from weakseg.support.parts import temporary_folder

MAX_UNPACKED = 20 * 10**9
"""Bytes that a zip may hold in all."""

MAX_RATIO = 200
"""How much larger than the zip its contents may be, from `FREE_SIZE` on."""

FREE_SIZE = 100 * 10**6
"""Bytes up to which contents may be any number of times larger than the zip."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # which are unpacked piece by piece
_MAX_ENTRIES = 2_000_000
_IS_UTF8 = 0x800
_CHUNK = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a zip into a temporary folder, which is removed afterwards.

    Args:
        path: A zip, told by its content; anything else is passed on as it is.

    Yields:
        The folder, or the one folder that the zip holds.

    Raises:
        DataError: The zip is damaged or encrypted, holds a path that leads out of it or a link,
            is packed by an unusual method, or holds more than is reasonable.

    Examples:
        >>> with unpacked(Path("photos")) as folder:
        ...     folder.name
        'photos'
    """
    if not _is_zip(path):
        yield path
        return
    with temporary_folder() as root:
        folder = root / "unpacked"
        folder.mkdir()
        _unpack(path, folder)
        inside = list(folder.iterdir())
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in {b"PK\3\4", b"PK\5\6"}
    except (OSError, ValueError):
        return False


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            packed = archive.infolist()
            for entry in packed:
                entry.filename = _name_of(entry)
            entries = [entry for entry in packed if not is_litter(PurePosixPath(entry.filename))]
            _check_amount(path, entries)
            for entry in entries:
                _check_entry(Entry(path, repr(entry.filename)), entry)
            for entry in entries:
                _unpack_entry(path, archive, entry, folder)
    except _DAMAGED as error:
        raise DataError(f"is damaged or no zip ({error})", path=path) from error


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; UTF-8 without the flag that says so, as macOS writes it, is known.

    Other names without the flag are in DOS's code page 437, whose letters are hardly UTF-8 too.
    """
    if entry.flag_bits & _IS_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _check_amount(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    size, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if size > MAX_UNPACKED or len(entries) > _MAX_ENTRIES:
        raise Entry(path).error(
            f"holds {len(entries)} entries of {size:,} bytes in all; expected at most "
            f"{_MAX_ENTRIES:,} entries of {MAX_UNPACKED:,} bytes; unpack it yourself if it is "
            "sound"
        )
    if size > FREE_SIZE and size > packed * MAX_RATIO:
        raise Entry(path).error(
            f"says that {packed:,} bytes unpack to {size:,}, more than {MAX_RATIO} times as many; "
            "unpack it yourself if it is sound"
        )


def _check_entry(place: Entry, entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or PureWindowsPath(name).drive or ".." in parts:
        raise place.error("leads out of the zip")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise place.error("is a link; expected files and folders")
    if entry.compress_type not in _METHODS:
        raise place.error(
            "is packed by bzip2, LZMA or another method whose unpacking may take any memory; "
            "expected stored or deflated files: pack the zip anew, or unpack it yourself"
        )
    if entry.flag_bits & 1:
        raise place.error("is encrypted; unpack the zip yourself")


def _unpack_entry(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path
) -> None:
    target = inside(folder, PurePosixPath(entry.filename.replace("\\", "/")).as_posix())
    try:
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        # Python's zipfile stops at the size that the entry declares, and checks its sum.
        with archive.open(entry) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
    except _DAMAGED as error:
        if is_full_disk(error):
            raise RunError(
                f"{path}: unpacking it fills the disk of {tempfile.gettempdir()}. Free some space "
                "there, name another folder by the variable TMPDIR, or unpack the zip yourself."
            ) from error
        raise Entry(path, repr(entry.filename)).error(f"cannot be unpacked ({error})") from error
