"""Images of several annotation files as one stream, with the marks of each image joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from weakseg.formats.source import Annotated
from weakseg.support.entries import Entry


def joined(streams: Sequence[Iterable[Annotated]]) -> Iterator[Annotated]:
    """Join what several sources hold of the same images.

    An image is known by its path, or by its file name where only one image has that name. One
    source is passed on image by image; of several, the marks are held until all are read.

    Args:
        streams: The images of each source.

    Yields:
        Each image once, in the order in which the sources first name it.

    Raises:
        DataError: Two sources state different sizes of an image.
    """
    if len(streams) == 1:
        yield from streams[0]
        return
    images: dict[str, Annotated] = {}
    for stream in streams:
        # Within one source, images of one name in two folders are two images.
        earlier: dict[str, list[str]] = {}
        for name in images:
            earlier.setdefault(_file_name(name), []).append(name)
        for item in stream:
            alike = earlier.get(_file_name(item.name), [])
            name = alike[0] if item.name not in images and len(alike) == 1 else item.name
            images[name] = _join(images[name], item) if name in images else item
    yield from images.values()


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def _join(first: Annotated, second: Annotated) -> Annotated:
    if first.size and second.size and first.size != second.size:
        raise Entry(second.path, second.entry).error(
            f"says that image {second.name!r} has size (H, W) {second.size} while {first.path} "
            f"says {first.size}"
        )
    return replace(
        first,
        marks=first.marks + second.marks,
        picture=first.picture or second.picture,
        size=first.size or second.size,
        split=first.split or second.split,
        findings=first.findings + second.findings,
        is_listed=first.is_listed if first.split else second.is_listed,
    )
