"""Lists of images beside files of marks, which say the images' splits in whatever format."""

from __future__ import annotations

from pathlib import Path

from weakseg.formats.data_folders import (
    Listed,
    is_data_folder,
    is_voc_folder,
    read_splits,
    split_findings,
    splits_folder,
    voc_layout,
)
from weakseg.images.names import folded
from weakseg.marks.findings import Finding
from weakseg.support.wording import counted

_NO_FOLDERS = {"", ".", "..", "images", "jpegimages"}


class BesideLists:
    """Lists of images beside files of marks, in whatever format: the splits of the images.

    Args:
        path: The file or folder of marks. The lists of a data folder are left to its reader, which
            has the very names of the images.

    Attributes:
        are_read: The reader reads them.
        said: Findings of the reader, which are not to be repeated.
    """

    def __init__(self, path: Path) -> None:
        self.are_read = path.is_dir() and is_data_folder(path)
        root = path if path.is_dir() else path.parent
        self._folder = voc_layout(root).splits if is_voc_folder(root) else splits_folder(root)
        self.said: set[Finding] = set()
        self._lines: dict[str, list[tuple[list[str], Listed]]] = {}
        self._unused: dict[Listed, str] = {}
        splits = {} if self.are_read else read_splits(self._folder)
        for name, listed in splits.items():
            self._lines.setdefault(folded(name.rpartition("/")[2]), []).append(
                (_parts(name), listed)
            )
            self._unused[listed] = name

    def find(self, name: str) -> Listed | None:
        """Return the line of an image: of its path, or of the end of it; None where it is in none.

        Args:
            name: The image's path, without the ending.
        """
        own = _parts(name)
        found: list[tuple[int, Listed]] = []
        for parts, listed in self._lines.get(folded(name.rpartition("/")[2]), ()):
            both = min(len(own), len(parts))
            if own[-both:] == parts[-both:]:
                found.append((both, listed))
        most = max((both for both, _ in found), default=0)
        best = [listed for both, listed in found if both == most]
        if len({listed.split for listed in best}) != 1:
            return None
        self._unused.pop(best[0], None)
        return best[0]

    def findings(self) -> tuple[Finding, ...]:
        """Return what is odd: images in several lists, and lines that are no image found so far."""
        found = split_findings(self._folder) if self._lines else ()
        found = tuple(finding for finding in found if finding not in self.said)
        if not self._unused:
            return found
        listed, name = next(iter(self._unused.items()))
        count = len(self._unused)
        message = f"{counted(count, 'line is', 'lines are')} of no image, {name!r} for example"
        return (*found, Finding("missing", message, listed.path, listed.line))


def _parts(name: str) -> list[str]:
    """Return the folders and the file's name of an image, without folders that hold all images."""
    parts = [part for part in folded(name).replace("\\", "/").split("/") if part not in _NO_FOLDERS]
    return parts or [""]
