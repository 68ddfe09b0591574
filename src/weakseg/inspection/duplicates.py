"""Images of identical bytes, found without reading all of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from weakseg.formats.source import Annotated
from weakseg.inspection.mark_checks import entry_of
from weakseg.marks.findings import Finding

_PROBE = 4096  # bytes


@dataclass(frozen=True, slots=True)
class _Image:
    name: str
    picture: str | bytes  # path of the file, or the digest of embedded bytes
    source: Path
    entry: str
    split: str | None = None


class DuplicateFinder:
    """Finds images that occur more than once.

    Only files of the same length are compared, first by a few bytes in their middle.
    """

    def __init__(self) -> None:
        self._by_length: defaultdict[int, list[_Image]] = defaultdict(list)

    def add(self, item: Annotated) -> None:
        """Add an image; a missing file is skipped."""
        if item.picture is None:
            return
        picture: str | bytes
        if isinstance(item.picture, bytes):
            length, picture = len(item.picture), hashlib.blake2b(item.picture).digest()
        else:
            try:
                length, picture = item.picture.stat().st_size, str(item.picture)
            except OSError:
                return
        image = _Image(item.name, picture, item.path, entry_of(item), item.split)
        self._by_length[length].append(image)

    def findings(self) -> Iterator[Finding]:
        """Yield the duplicates among the images added so far."""
        for length, images in self._by_length.items():
            for similar in _groups(images, partial(_content, start=length // 2)):
                for first, *copies in _groups(similar, _content):
                    for copy in copies:
                        message = f"its image is the same as that of {first.name!r}"
                        if first.split and copy.split and first.split != copy.split:
                            message += f", though one is in {first.split}, one in {copy.split}"
                        yield Finding("duplicate", message, copy.source, copy.entry)


def _groups(images: Iterable[_Image], key: Callable[[_Image], Hashable]) -> Iterator[list[_Image]]:
    """Yield the groups of two or more images with the same key."""
    images = list(images)
    if len(images) < 2:
        return
    groups: defaultdict[Hashable, list[_Image]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    yield from (group for value, group in groups.items() if value and len(group) > 1)


def _content(image: _Image, start: int | None = None) -> bytes:
    """Return the digest of an image's bytes, or a few bytes from a start; empty if unreadable.

    An embedded image has only its digest.
    """
    if isinstance(image.picture, bytes):
        return image.picture
    try:
        with Path(image.picture).open("rb") as file:
            if start is None:
                return hashlib.file_digest(file, hashlib.blake2b).digest()
            file.seek(start)
            return file.read(_PROBE)
    except OSError:
        return b""
