"""The one list of formats that are read, and telling them apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from weakseg.annotations.readers.archives import unpacked
from weakseg.annotations.readers.datumaro_formats import DATUMARO_FORMATS
from weakseg.annotations.readers.folder import FOLDER
from weakseg.annotations.readers.label_pngs import LABEL_PNGS
from weakseg.annotations.readers.label_studio import LABEL_STUDIO
from weakseg.annotations.readers.labelme import LABELME
from weakseg.annotations.readers.source import (
    Annotated,
    ClassFinder,
    Format,
    SourceOptions,
)
from weakseg.annotations.readers.tables import BOXES, CLICKS, TAGS
from weakseg.annotations.readers.voc import SCRIBBLESUP, VOC
from weakseg.errors import DataError

FORMATS: tuple[Format, ...] = (
    LABELME,
    LABEL_STUDIO,
    FOLDER,
    VOC,
    CLICKS,
    BOXES,
    TAGS,
    *DATUMARO_FORMATS,
    SCRIBBLESUP,
    LABEL_PNGS,
)
"""Every format, in the order in which a file is tried: those with the surest signs first."""


def find_format(path: Path, name: str | None = None) -> Format:
    """Tell the format of a file or folder by its content.

    Args:
        path: The file or folder.
        name: Name of the format, where the user says it.

    Raises:
        DataError: There is no such file, no such format, or none that fits.
    """
    names = ", ".join(item.name for item in FORMATS)
    if name is not None:
        known = {item.name: item for item in FORMATS}
        if name not in known:
            raise DataError(f"there is no format {name!r}; the formats are {names}")
        return known[name]
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    for item in FORMATS:
        if item.recognises(path):
            return item
    raise DataError(
        f"is in none of the formats that are known by their content ({names}); "
        "--format NAME forces one, and says what does not fit it",
        path=path,
    )


def read_source(
    path: Path,
    classes: ClassFinder,
    options: SourceOptions | None = None,
    *,
    format_name: str | None = None,
) -> Iterator[Annotated]:
    """Read a file or folder of marks, in whatever format, image by image.

    Args:
        path: The file, folder, or a zip of one.
        classes: Gives the ids of classes.
        options: What the user says about the files.
        format_name: The format, where its content does not tell.

    Yields:
        Images with their marks.

    Raises:
        DataError: It cannot be read; the message names file and entry.
    """
    with unpacked(path) as inside:
        found = find_format(inside, format_name)
        yield from found.read(inside, classes, options or SourceOptions())
