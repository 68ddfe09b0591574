"""Images that lie among those of files of marks, and that none of the files names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from weakseg.formats.source import Annotated, ending_with
from weakseg.images.reading import is_image
from weakseg.marks.findings import Finding
from weakseg.readers.detection import Source
from weakseg.support.folders import files_below
from weakseg.support.wording import counted

_NAMED = 3  # images in a finding


def with_unnamed(images: Iterable[Annotated], sources: Sequence[Source]) -> Iterator[Annotated]:
    """Yield images; the last has a finding where other images lie beside theirs.

    Args:
        images: The images of all sources.
        sources: Where they are from. Formats whose files of marks are images, or that count images
            without marks on their own, are passed over.
    """
    if not all(source.names_images for source in sources):
        yield from images
        return
    taken: dict[Path, set[str]] = {}  # names by folder
    spelt: dict[Path, Path] = {}  # folders as the files have them

    def noted() -> Iterator[Annotated]:
        for image in images:
            if isinstance(image.picture, Path):
                folder = spelt.setdefault(image.picture.parent.resolve(), image.picture.parent)
                taken.setdefault(folder, set()).add(image.picture.name)
            yield image

    yield from ending_with(noted(), lambda: _unnamed(taken, sources))


def _unnamed(taken: Mapping[Path, set[str]], sources: Sequence[Source]) -> tuple[Finding, ...]:
    rest = [
        file
        for folder, names in taken.items()
        for file in files_below(folder, "*")
        if is_image(file) and file.name not in names and file.is_file()
    ]
    if not rest:
        return ()
    names = ", ".join(file.name for file in rest[:_NAMED]) + (", …" if rest[_NAMED:] else "")
    count = counted(len(rest), "image is", "images are")
    folder = Path(os.path.normpath(rest[0].parent))
    for source in sources:
        folder = source.named(folder)
    message = f"{count} in no file of marks; left out: {names}"
    return (Finding("unmarked", message, folder),)
