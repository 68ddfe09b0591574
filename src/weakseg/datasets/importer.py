"""Files of annotation tools in, a data folder out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from weakseg.datasets.import_settings import ImportSettings
from weakseg.datasets.splits import stratified_split
from weakseg.datasets.upright import upright_picture
from weakseg.datasets.writer import DataFolderWriter, writing_data_folder
from weakseg.formats.detection import Source, opened_source
from weakseg.formats.source import Annotated, SourceOptions
from weakseg.marks.classes import DROPPED, ClassList, OpenClassList, read_classes
from weakseg.marks.clipping import clip_marks
from weakseg.marks.findings import Finding, FindingLog
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import draw_marks, tags_of
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.progress import progress


@dataclass(frozen=True)
class Imported:
    """What an import came to.

    Args:
        root: The data folder.
        images: Number of images.
        marks: Images that hold a kind of marks, by kind.
        classes: Names of the classes.
        splits: Number of images by split.
        lacks_background: There is a class for background, and nothing is marked as it.
        findings: What was odd, the first ones of each kind.
        counts: Number of findings by kind.
    """

    root: Path
    images: int
    marks: dict[str, int]
    classes: tuple[str, ...]
    splits: dict[str, int]
    lacks_background: bool
    findings: tuple[Finding, ...]
    counts: dict[str, int]


def import_marks(
    files: Sequence[Path],
    out: Path,
    settings: ImportSettings | None = None,
    *,
    overwrite: bool = False,
) -> Imported:
    """Write a data folder from files of annotation tools; the files are only read.

    Several files are several sources for one set of images: marks of one image, known by its path
    or, where that differs, by its name, are joined.

    Args:
        files: Files or folders in any of the formats.
        out: The data folder to make.
        settings: What is made of them.
        overwrite: Replace a data folder that is there.

    Returns:
        What was imported, and what was odd.

    Raises:
        DataError: A file cannot be read; the message names file and entry.
        RecipeError: The settings name classes that no file holds.
        RunError: The folder cannot be written.
    """
    settings = settings or ImportSettings()
    classes = open_classes(settings)
    with ExitStack() as stack:
        sources = [stack.enter_context(opened_source(path, settings.format)) for path in files]
        writer = stack.enter_context(writing_data_folder(out, classes.names, overwrite=overwrite))
        job = _Import(writer, classes, settings, files)
        for item in progress(_read(sources, classes, settings.source), "Importing"):
            job.add(item)
        splits = job.finish()
    return Imported(
        root=out,
        images=writer.images,
        marks=dict(job.kinds),
        classes=tuple(classes.names),
        splits={name: len(images) for name, images in splits.items()},
        lacks_background=settings.background and not job.has_background,
        findings=tuple(job.log.kept),
        counts=dict(job.log.counts),
    )


def open_classes(settings: ImportSettings) -> OpenClassList:
    """Make the class list that readers fill or ask."""
    names: Sequence[str] = ("background",) if settings.background else ()
    if settings.classes:
        names = read_classes(Path(settings.classes)).names
    return OpenClassList(
        names, rename=settings.class_map, drop=settings.drop, closed=bool(settings.classes)
    )


def _read(
    sources: Sequence[Source], classes: OpenClassList, options: SourceOptions
) -> Iterator[Annotated]:
    """Read sources image by image; one streams, of several the marks are held and joined."""
    streams = [source.read(classes, options) for source in sources]
    yield from streams[0] if len(streams) == 1 else _joined(streams).values()


def _joined(sources: Iterable[Iterable[Annotated]]) -> dict[str, Annotated]:
    """Join what sources say of one image, known by its path, or by its name where that is one."""
    joined: dict[str, Annotated] = {}
    for source in sources:
        # Within one source, images of one name in two folders are two images.
        known: dict[str, list[str]] = {}
        for name in joined:
            known.setdefault(_last(name), []).append(name)
        for item in source:
            alike = known.get(_last(item.name), [])
            name = alike[0] if item.name not in joined and len(alike) == 1 else item.name
            joined[name] = _join(joined[name], item) if name in joined else item
    return joined


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _join(first: Annotated, second: Annotated) -> Annotated:
    if first.size and second.size and first.size != second.size:
        raise DataError(
            f"says that image {second.name!r} has size (H, W) {second.size} while {first.path} "
            f"says {first.size}",
            path=second.path,
            entry=second.entry,
        )
    return replace(
        first,
        marks=first.marks + second.marks,
        picture=first.picture or second.picture,
        size=first.size or second.size,
        split=first.split or second.split,
        findings=first.findings + second.findings,
    )


class _Import:
    """One import: where it writes, and what it has counted so far."""

    def __init__(
        self,
        writer: DataFolderWriter,
        classes: OpenClassList,
        settings: ImportSettings,
        files: Sequence[Path],
    ) -> None:
        self.named = ", ".join(map(str, files))
        self.writer = writer
        self.classes = classes
        self.settings = settings
        self.log = FindingLog()
        self.kinds: Counter[str] = Counter()
        self.has_background = "boxes" in settings.complete
        self.tags: dict[str, frozenset[int]] = {}
        self.own_splits: dict[str, list[str]] = {}

    def add(self, item: Annotated) -> None:
        self._note(*item.findings)
        if not item.name or item.name in self.tags:
            reason = "is there twice; the second is left out" if item.name else "has no name"
            self._note(Finding("duplicate", f"image {item.name!r} {reason}", item.path, item.entry))
            return
        if item.picture is None:
            self._miss(item)
            return
        picture, size, turned = upright_picture(item)
        self._note(*turned)
        classes = ClassList(tuple(self.classes.names))
        marks, outside = clip_marks(item.marks.without(DROPPED), size, item.path, item.entry)
        self._note(*outside)
        # Only what covers pixels can leave pixels out.
        covering = marks.without(VOID)
        marks = replace(marks, tags=covering.tags, boxes=covering.boxes, points=covering.points)
        scribbles = self._draw(item, marks.only({"scribbles"}), size, classes)
        mask = self._draw(item, marks.only({"masks"}), size, classes)
        if mask is not None and "masks" in self.settings.complete:
            mask[mask == UNLABELLED] = 0
        self._write(item, picture, marks, scribbles, mask, classes)

    def _write(
        self,
        item: Annotated,
        picture: Path | bytes,
        marks: Marks,
        scribbles: LabelMap | None,
        mask: LabelMap | None,
        classes: ClassList,
    ) -> None:
        suffix = ".png" if isinstance(picture, bytes) and picture[:4] == b"\x89PNG" else ".jpg"
        self.writer.add(
            item.name,
            picture,
            tags=marks.tags,
            boxes=marks.boxes,
            points=marks.points,
            scribbles=scribbles,
            mask=mask,
            suffix=suffix,
            link=self.settings.link,
        )
        self.kinds.update(marks.kinds)
        drawn = [labels for labels in (scribbles, mask) if labels is not None]
        seen = np.concatenate([np.unique(labels) for labels in drawn]) if drawn else np.zeros(0)
        self.has_background |= 0 in seen or 0 in marks.named_classes
        present = tags_of(seen.astype(np.uint8), marks, classes)
        self.tags[item.name] = frozenset(np.flatnonzero(present).tolist())
        if item.split:
            self.own_splits.setdefault(item.split, []).append(item.name)
        if marks.is_empty:
            self._note(
                Finding("unmarked", f"image {item.name!r} has no mark", item.path, item.entry)
            )

    def finish(self) -> dict[str, list[str]]:
        if not self.tags:
            raise DataError(
                "expected images with marks, but found none that can be used", path=self.named
            )
        if self.classes.unused:
            raise RecipeError(
                f"class_map, drop: no file holds {', '.join(sorted(self.classes.unused))}; "
                f"the classes are {', '.join(self.classes.names)}"
            )
        if len(self.classes.names) < 2:
            raise DataError("expected marks of at least one class, but found none", path=self.named)
        splits = self._splits()
        options: dict[str, Any] = {}
        if "boxes" in self.settings.complete:
            options["boxes_complete"] = True
        self.writer.finish(splits, options=options)
        return splits

    def _splits(self) -> dict[str, list[str]]:
        if self.settings.split is not None:
            train, val = stratified_split(self.tags, self.settings.split, self.settings.seed)
            return {"train": train, "val": val}
        if not self.own_splits:
            return {"train": list(self.tags)}
        rest = self.tags.keys() - {name for names in self.own_splits.values() for name in names}
        if rest:
            self._note(
                Finding(
                    "unsure", f"{len(rest)} images belong to no split; they are left out of all"
                )
            )
        return self.own_splits

    def _draw(
        self, item: Annotated, marks: Marks, size: tuple[int, int], classes: ClassList
    ) -> LabelMap | None:
        if marks.is_empty:
            return None
        drawing = draw_marks(marks, size, classes, scribble_dilation=0, image=item.name)
        for kind, pixels in drawing.conflicts.items():
            self._note(
                Finding(
                    "conflict",
                    f"image {item.name!r}: {kind} of different classes "
                    f"share {pixels} pixels; the later one has them",
                    item.path,
                    item.entry,
                )
            )
        return drawing.labels

    def _miss(self, item: Annotated) -> None:
        message = f"the image {item.name!r} is not found beside it"
        if not self.settings.allow_missing:
            raise DataError(
                f"{message}; --images FOLDER says where images are, --allow_missing leaves out "
                "what is not there",
                path=item.path,
                entry=item.entry,
            )
        self._note(Finding("missing", f"{message}; it is left out", item.path, item.entry))

    def _note(self, *findings: Finding) -> None:
        self.log.note(findings)
