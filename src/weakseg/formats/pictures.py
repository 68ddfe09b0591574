"""Images of files of marks: their names, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from weakseg.formats.source import SourceOptions
from weakseg.images.reading import image_name
from weakseg.marks.findings import Finding
from weakseg.support.entries import Entry
from weakseg.support.folders import files_below
from weakseg.support.wording import counted

PHOTO_FOLDERS = ("images", "JPEGImages", "imgs", "img", "img_dir", "image", "images_png")
"""Names of folders of photographs beside one of label maps."""

_NAMED = 3  # files in one message
_NOT_PNG = {".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy"}
_OF_MASKS = re.compile(r"[_-](masks?|segmentation|seg|labels?|gt)$", re.IGNORECASE)


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
    by its path and by its name alone; beside the file; in a folder `images` or `data` beside it;
    and in a folder `images` beside its parent. A file that differs in case, Unicode's normal form
    or ending is taken where there is no other, and noted; see `PictureSearch`.

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
    folders = [*options.images, *more, *_around(source)]
    return options.search.find((relative, Path(relative.name)), folders, source)


def find_renamed(
    name: str, rule: Callable[[str], str], source: Path, options: SourceOptions
) -> Path | None:
    """Find the one image that a tool's rule for names gives a name, where `find_picture` looks.

    Args:
        name: The image's name as the tool writes it.
        rule: The tool's name for a file's name.
        source: The file of marks.
        options: Where else to look.
    """
    folders = [*options.images, *_around(source)]
    return options.search.find_renamed(name, rule, folders, source)


def photo_of(label_map: Path, name: str, root: Path, options: SourceOptions) -> Path | None:
    """Find the photograph of a label map, which often has the same name but for the ending.

    It is looked for in the user's folders of images, in `PHOTO_FOLDERS` beside the label maps'
    folder and inside it, and beside the label map. That of `a_mask.png` may be `a.jpg`.

    Args:
        label_map: The label map.
        name: Its path below the root, without the ending.
        root: The label maps' folder.
        options: Where else to look.
    """
    usual = [folder / own for own in PHOTO_FOLDERS for folder in (root.parent, root)]
    names = [Path(name), Path(label_map.stem)]
    bare = _OF_MASKS.sub("", label_map.stem)
    if bare != label_map.stem:
        names += [Path(name).with_name(bare), Path(bare)]
    places = [
        (names, (*options.images, *usual, *_around(root.parent))),
        (names[1::2], (*options.images, *_around(label_map))),
    ]
    found = (
        options.search.find(candidates, folders, label_map, but=(label_map,))
        for candidates, folders in places
    )
    return next(filter(None, found), None)


def _around(source: Path) -> tuple[Path, ...]:
    """Return the folders in which the images of a file, or a folder, of marks usually are."""
    here = source if source.is_dir() else source.parent
    return here, here / "images", here.parent / "images", here / "data"  # the last is FiftyOne's


def not_png(folder: Path, taken: Collection[Path] = ()) -> tuple[Finding, ...]:
    """Return a finding where a folder of label maps holds pictures that are no PNG, and not read.

    Args:
        folder: The folder; one that is missing holds nothing.
        taken: Photographs, by where their paths lead, which may lie there too.
    """
    others = [
        item
        for item in files_below(folder)
        if item.suffix.lower() in _NOT_PNG and item.resolve() not in taken
    ]
    if not others:
        return ()
    names = ", ".join(item.name for item in others[:_NAMED]) + (", …" if others[_NAMED:] else "")
    count = counted(len(others), "file is", "files are")
    message = f"{count} no PNG, as label maps have to be, and not read: {names}"
    return (Finding("unread", message, folder),)
