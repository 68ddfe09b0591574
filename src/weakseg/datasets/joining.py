"""Images of several annotation files as one stream, with the marks of each image joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count

from weakseg.formats.source import Annotated
from weakseg.images.same_picture import is_same_picture
from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry
from weakseg.support.wording import counted

_ORDER = ("train", "val", "test")


class RepeatedImageError(Exception):
    """An image is there twice in a stream that is passed on image by image."""


def joined(
    streams: Sequence[Iterable[Annotated]], labels: Sequence[str], *, hold: bool = False
) -> Iterator[Annotated]:
    """Join what several sources hold of the same images.

    An image is known by its path, or by its file name where only one image has that name; of
    pictures that differ, the second is another image, whose name begins with its source's label.
    One source is passed on image by image; of several, the marks are held until all are read.
    Marks of one image in several files or entries of a source are joined, too, with a finding.

    Args:
        streams: The images of each source, in which a name stands for one picture.
        labels: What tells the sources apart: a folder's name, for one.
        hold: Hold the marks of one source, too.

    Yields:
        Each image once, in the order in which the sources first name it.

    Raises:
        DataError: Two sources state different sizes of an image.
        RepeatedImageError: One source names an image twice, and its marks are not held.
    """
    if len(streams) == 1 and not hold:
        yield from _each_once(streams[0])
        return
    images: dict[str, Annotated] = {}
    for stream, label in zip(streams, labels, strict=True):
        # Within one source, images of one name in two folders are two images.
        earlier: dict[str, list[str]] = {}
        for name in images:
            earlier.setdefault(_file_name(name), []).append(name)
        names: dict[str, str] = {}
        for item in stream:
            if item.name in names:
                item = _repeated(item, images[names[item.name]])
            else:
                names[item.name] = _name_of(item, images, earlier, label)
            name = names[item.name]
            images[name] = _join(images[name], item) if name in images else _named(item, name)
    yield from images.values()


def _each_once(stream: Iterable[Annotated]) -> Iterator[Annotated]:
    names: set[str] = set()
    for item in stream:
        if item.name and item.name in names:
            raise RepeatedImageError(item.name)
        names.add(item.name)
        yield item


def _repeated(item: Annotated, first: Annotated) -> Annotated:
    """Return what a source holds of an image besides what it has held before."""
    new = {}
    for kind in ("boxes", "points", "strokes", "polygons", "regions"):
        known = set(getattr(first.marks, kind))
        new[kind] = tuple(mark for mark in getattr(item.marks, kind) if mark not in known)
    where = first.entry if first.path == item.path and first.entry else first.path.name
    message = f"image {item.name!r} is there twice, first in {where}; its marks are joined"
    equal = sum(len(getattr(item.marks, kind)) - len(left) for kind, left in new.items())
    if equal:
        message += f", {counted(equal, 'equal one', 'equal ones')} once"
    finding = Finding("duplicate", message, item.path, item.entry)
    marks = replace(item.marks, **new)  # type: ignore[arg-type]
    return replace(item, marks=marks, findings=(*item.findings, finding))


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def _name_of(
    item: Annotated,
    images: Mapping[str, Annotated],
    earlier: Mapping[str, Sequence[str]],
    label: str,
) -> str:
    """Return the name of the same image in earlier sources, else one that no image has."""
    alike = earlier.get(_file_name(item.name), [])
    by_name = [item.name] if item.name in alike else alike if len(alike) == 1 else []
    seen = [name for name in alike if item.picture is not None and images[name].picture is not None]
    for name in dict.fromkeys([*by_name, *seen]):
        if _is_same(images[name], item):
            return name
    folders = chain([label], (f"{label}_{number}" for number in count(2)))
    names = chain([item.name], (f"{folder}/{item.name}" for folder in folders))
    return next(name for name in names if name not in images)


def _is_same(one: Annotated, other: Annotated) -> bool:
    return is_same_picture(one.picture, other.picture)


def _named(item: Annotated, name: str) -> Annotated:
    """Rename an image whose name another picture has."""
    if name == item.name:
        return item
    message = (
        f"the image {item.name!r} is another picture than the one of that name in another "
        f"source; it is called {name!r}"
    )
    finding = Finding("unsure", message, item.path, item.entry)
    return replace(item, name=name, findings=(*item.findings, finding))


def _join(first: Annotated, second: Annotated) -> Annotated:
    if first.size and second.size and first.size != second.size:
        raise Entry(second.path, second.entry).error(
            f"says that image {second.name!r} has size (H, W) {second.size} while {first.path} "
            f"says {first.size}: {_way_out(first.size, second.size)}"
        )
    findings = first.findings + second.findings
    splits = [split for split in (first.split, second.split) if split]
    if len(set(splits)) == 2:
        splits.sort(key=lambda split: _ORDER.index(split) if split in _ORDER else len(_ORDER))
        message = (
            f"image {first.name!r} is in {second.split} here and in {first.split} in {first.path}; "
            f"put in {splits[0]} alone"
        )
        findings += (Finding("duplicate", message, second.path, second.entry),)
    return replace(
        first,
        marks=first.marks + second.marks,
        picture=first.picture or second.picture,
        size=first.size or second.size,
        split=splits[0] if splits else None,
        findings=findings,
        is_listed=first.is_listed or second.is_listed,
    )


def _way_out(first: tuple[int, int], second: tuple[int, int]) -> str:
    """Return what to do where two files state different sizes of one image."""
    if first == second[::-1]:
        return (
            "a photograph that is stored rotated was marked once as it is shown and once as it is "
            "stored; import the files one by one, which turns the marks, then both data folders"
        )
    return "the marks of one of them would lie wrongly; put right the size in it, or leave it out"
