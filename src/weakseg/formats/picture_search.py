"""Search for the image that a file of marks names, in another case or with another ending too."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from weakseg.images.names import folded
from weakseg.images.reading import IMAGE_SUFFIXES, image_name, is_image
from weakseg.marks.findings import Finding, Oddity
from weakseg.support.folders import existing, is_litter

_NAMED = 3  # folders in one message
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
_RENDERED = (".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".tga")
UNREAD_SUFFIXES = frozenset({*_RENDERED, *_RAW, ".dcm", ".nii", ".npy", ".pdf"})
"""Endings of kinds of images that are not read."""

_ENDINGS = (*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES))


class PictureSearch:
    """A search for images, which lists each folder once and notes what it settled on.

    A name is first looked for as it is written, with or without an ending. Where there is no such
    file in any folder, the one file counts that differs in case or in Unicode's normal form, or
    else in its ending. Where several do, none counts.

    Args:
        within: The only folders, with those inside them, whose files count; by default any.
    """

    def __init__(self, within: Sequence[Path] | None = None) -> None:
        self._within = within
        self._listings: dict[Path, dict[str, list[Path]]] = {}
        self._renamings: dict[tuple[Path, Callable[[str], str]], dict[str, list[Path]]] = {}
        self._notes: dict[Finding, None] = {}
        self._others: dict[Path, dict[str, list[Path]]] = {}
        self._missed: dict[str, str] = {}

    def find(
        self,
        candidates: Iterable[Path],
        folders: Sequence[Path],
        source: Path,
        *,
        but: Collection[Path] = (),
    ) -> Path | None:
        """Return the image file of a name, or None.

        Args:
            candidates: The path as written, and what else it may be, the best first.
            folders: Where to look.
            source: The file that names the image, for findings.
            but: Files that are no images, though they have the name.
        """
        candidates = list(candidates)
        for candidate in candidates:
            paths = [folder / candidate for folder in folders]
            found = self._first(_exact, paths, but) or self._first(self._alike, paths, but)
            if found is None:
                continue
            name = folded(found.name if is_image(candidate) else found.stem)
            if found.name != candidate.name and found.stem != candidate.name:
                what = "another ending" if name != folded(candidate.name) else "another spelling"
                self.note(
                    f"the image {str(candidate)!r} is there with {what} alone, as "
                    f"{found.name!r}, which is taken",
                    source,
                )
            return found
        if candidates:
            last = candidates[-1].name
            self._missed[folded(image_name(last))] = self._why_missed(last, folders)
        return None

    def why_missed(self, name: str) -> str:
        """Return why the image of a name was not found; nothing where it was not looked for."""
        return self._missed.get(folded(name.rpartition("/")[2]), "")

    def _why_missed(self, name: str, folders: Sequence[Path]) -> str:
        there = list(dict.fromkeys(folder for folder in folders if folder.is_dir()))
        key = folded(image_name(name))
        alike = [item.name for folder in there for item in self._images(folder).get(key, [])]
        if len(alike) > 1:
            return f"{alike[0]!r} and {alike[1]!r} are both like {name!r}, neither is the same"
        stem = folded(Path(name).stem)
        unread = [item.name for folder in there for item in self._unread(folder).get(stem, [])]
        if unread:
            return f"{unread[0]!r} is of a kind that is not read: convert it to JPEG or PNG"
        looked = ", ".join(map(str, there[:_NAMED])) or "any folder"
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        return f"no {name!r}, with any ending, in {looked}{more}"

    def find_renamed(
        self, name: str, rule: Callable[[str], str], folders: Sequence[Path], source: Path
    ) -> Path | None:
        """Return the one image in some folders that a tool's rule gives a name, or None.

        Args:
            name: The name as the tool writes it, with its ending.
            rule: The tool's name for a file's name.
            folders: Where to look; images of folders inside do not count.
            source: The file that names the image, for findings.
        """
        found: dict[Path, Path] = {}
        for folder in filter(Path.is_dir, folders):
            alike = self._renamed(folder, rule).get(folded(name), [])
            found |= {item.resolve(): item for item in alike}
        if len(found) > 1:
            first, second, *_ = sorted(item.name for item in found.values())
            self._missed[folded(image_name(name))] = (
                f"{first!r} and {second!r} would both be {name!r}, renamed by the upload"
            )
        if len(found) != 1:
            return None
        (picture,) = found.values()
        message = f"the image {name!r} is taken to be {picture.name!r}, renamed by the upload"
        self.note(message, source)
        return picture

    def note(self, message: str, source: Path, kind: Oddity = "unsure") -> None:
        """Add a finding about an image that was settled on, or a file that was passed over."""
        self._notes[Finding(kind, message, source)] = None

    def take_notes(self) -> tuple[Finding, ...]:
        """Return the findings since the last call."""
        notes, self._notes = tuple(self._notes), {}
        return notes

    def may_take(self, path: Path) -> bool:
        """Whether a file is in the folders that count, by its path or where that leads."""
        if self._within is None:
            return True
        inside = (path.relative_to(each) for each in self._within if path.is_relative_to(each))
        if any(".." not in below.parts for below in inside):
            return True
        place = path.resolve()
        return any(place.is_relative_to(each.resolve()) for each in self._within)

    def _first(
        self,
        look: Callable[[Path], Iterator[Path]],
        paths: Iterable[Path],
        but: Collection[Path],
    ) -> Path | None:
        for path in paths:
            try:
                alike = (item for item in look(path) if item not in but and self.may_take(item))
                found = next(alike, None)
            except (OSError, ValueError):  # a name too long, or with a zero byte, is no file
                continue
            if found is not None:
                return found
        return None

    def _alike(self, path: Path) -> Iterator[Path]:
        """Yield the one image that differs in case or normal form, or else in its ending."""
        folder = self._folder(path.parent)
        if folder is None:
            return
        stem = path.stem if is_image(path) else path.name
        alike = self._images(folder).get(folded(stem), [])
        same = [item for item in alike if folded(item.name) == folded(path.name)]
        if len(best := same or alike) == 1:
            yield best[0]

    def _folder(self, path: Path) -> Path | None:
        """Return a folder whose path may differ in case or normal form."""
        if path.is_dir() or path == path.parent:
            return path if path.is_dir() else None
        parent = self._folder(path.parent)
        if parent is None:
            return None
        alike = [item for item in parent.iterdir() if folded(item.name) == folded(path.name)]
        return alike[0] if len(alike) == 1 and alike[0].is_dir() else None

    def _renamed(self, folder: Path, rule: Callable[[str], str]) -> dict[str, list[Path]]:
        if (folder, rule) not in self._renamings:
            renaming: dict[str, list[Path]] = {}
            for item in itertools.chain.from_iterable(self._images(folder).values()):
                renaming.setdefault(folded(rule(item.name)), []).append(item)
            self._renamings[folder, rule] = renaming
        return self._renamings[folder, rule]

    def _images(self, folder: Path) -> dict[str, list[Path]]:
        return self._listed(folder, self._listings, is_image)

    def _unread(self, folder: Path) -> dict[str, list[Path]]:
        def is_unread(path: Path) -> bool:
            return path.suffix.lower() in UNREAD_SUFFIXES

        return self._listed(folder, self._others, is_unread)

    @staticmethod
    def _listed(
        folder: Path,
        listings: dict[Path, dict[str, list[Path]]],
        counts: Callable[[Path], bool],
    ) -> dict[str, list[Path]]:
        if folder not in listings:
            listing: dict[str, list[Path]] = {}
            for item in sorted(folder.iterdir()):
                if counts(item) and not is_litter(Path(item.name)):
                    listing.setdefault(folded(item.stem), []).append(item)
            listings[folder] = listing
        return listings[folder]


def _exact(path: Path) -> Iterator[Path]:
    if is_image(path) and existing(path):
        yield path
    yield from filter(existing, (path.with_name(path.name + ending) for ending in _ENDINGS))
