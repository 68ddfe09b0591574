"""Images of files of marks: their names, and where they lie."""

from __future__ import annotations

from pathlib import Path

from weakseg.formats.source import SourceOptions
from weakseg.images.reading import IMAGE_SUFFIXES, image_name
from weakseg.support.entries import Entry


def read_name(written: str, entry: Entry) -> str:
    """Read the name of an image from its path; see `image_name`.

    Raises:
        DataError: Nothing is left of it.
    """
    name = image_name(written)
    if not name:
        raise entry.expected("the name of an image", written)
    return name


def find_picture(written: str, source: Path, options: SourceOptions, *more: Path) -> Path | None:
    """Find the image that a file of marks names.

    It is looked for at the path in the file, relative to the file; in the user's folders of images,
    by its path and by its name alone; beside the file; and in a folder `images` beside the file or
    its parent.

    Args:
        written: The image's path as in the file, with either kind of slash; with or without
            an ending.
        source: The file of marks, or the folder.
        options: Where else to look.
        *more: Folders that the format has for images, looked into after the user's.

    Returns:
        The image file, or None.
    """
    relative = Path(written.replace("\\", "/"))
    here = source if source.is_dir() else source.parent
    folders = [*options.images, *more, here, here / "images", here.parent / "images"]
    for candidate in (relative, Path(relative.name)):
        for folder in folders:
            found = _with_some_ending(folder / candidate)
            if found is not None:
                return found
    return None


def photo_of(label_map: Path, name: str, root: Path, options: SourceOptions) -> Path | None:
    """Find the photograph of a label map, which often has the same name but for the ending.

    It is looked for in the user's folders of images, in folders `images` and `JPEGImages` beside
    the label maps' folder and inside it, and beside the label map.

    Args:
        label_map: The label map.
        name: Its path below the root, without the ending.
        root: The label maps' folder.
        options: Where else to look.
    """
    usual = (root.parent / "images", root.parent / "JPEGImages", root / "images")
    found = (
        find_picture(name, root.parent, options, *usual),
        find_picture(label_map.stem, label_map, options),
    )
    return next((path for path in found if path not in (None, label_map)), None)


def _with_some_ending(path: Path) -> Path | None:
    try:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return path if path.is_file() else None
        endings = [*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES)]
        tries = (path.with_name(path.name + ending) for ending in endings)
        return next((item for item in tries if item.is_file()), None)
    except (OSError, ValueError):  # a name too long, or with a zero byte, is no file
        return None
