"""Files by image name, and photographs beside label maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from weakseg.formats.source import SourceOptions, find_picture


def files_by_name(folder: Path, ending: str) -> dict[str, Path]:
    """Find the files below a folder, by their path inside it without the ending.

    Args:
        folder: The folder; one that is missing holds nothing.
        ending: Their ending, as ".xml", in capitals or not. Hidden files are passed over.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() == ending and not hidden and path.is_file():
            found[inside.with_suffix("").as_posix()] = path
    return found


def first_files(path: Path, ending: str, patterns: tuple[str, ...] = ("*",)) -> list[Path]:
    """Return the file itself, or the first few files of a folder; nothing is raised.

    Args:
        path: A file or a folder.
        ending: Their ending, as ".xml", in capitals or not.
        patterns: Where in the folder; the first that finds any counts.
    """
    try:
        if path.is_file():
            return [path] if path.suffix.lower() == ending else []
        for pattern in patterns:
            files = sorted(
                item
                for item in path.glob(pattern)
                if item.suffix.lower() == ending and not item.name.startswith(".")
            )
            if files:
                return files[:3]
    except OSError:
        pass
    return []


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
    apart = replace(options, images=(*options.images, *usual))
    for written, source, where in (
        (name, root.parent, apart),
        (label_map.stem, label_map, options),
    ):
        found = find_picture(written, source, where)
        if found is not None and found != label_map:
            return found
    return None
