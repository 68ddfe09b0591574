"""`weakseg.import_marks`: files of annotation tools in, a data folder out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.importer import Importer
from weakseg.datasets.joining import RepeatedImageError, joined
from weakseg.datasets.writer import writing_data_folder
from weakseg.formats.source import SourceOptions, named_folders
from weakseg.marks.classes import BACKGROUND_NAMES, OpenClassList, read_classes
from weakseg.marks.findings import Finding
from weakseg.readers.detection import check_heeded, named_as_splits, opened_source
from weakseg.readers.unnamed_images import with_unnamed
from weakseg.support.errors import RecipeError, WeaksegError
from weakseg.support.files import as_paths
from weakseg.support.inside import check_apart
from weakseg.support.progress import progress

Complete = Literal["boxes", "masks"]


@dataclass(frozen=True)
class ImportSettings:
    """How files of annotation tools become a data folder.

    Args:
        format: Name of the files' format; by default recognised by their content.
        images: Folders searched for images, besides the paths in the files.
        classes: File with one class name a line, background first; by default the classes that the
            files name, after background.
        class_map: New names for classes, by the files' names; several may become one, and "void"
            leaves out the pixels that lines and areas of that class cover. An empty name stands
            for marks without a label: "=NAME" on the command line.
        drop: Classes whose marks are left out.
        background: Class 0 is background. False where every pixel belongs to a class of the files.
        complete: Kinds of marks that leave no object out: outside all boxes, or masks, of an
            image is background.
        split: Fraction of the images to train on, 0 to 1; the others are for scoring. By default
            the files' own splits, or every image to train on.
        seed: Seed of the split.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means "leave out", the ignore index.
        palette: File that maps the colours of masks to classes.
        label_maps: What label maps are: masks or scribbles.
        crowd: What is marked as a crowd in COCO files: void, or object. By default void in the
            published files of COCO and objects elsewhere, as tools mark masks with holes so.
        link: Link to the images instead of copying them.
        allow_missing: Leave out images that are not found, cannot be read or have another size
            than the file of marks states, instead of stopping.
        strict: Stop at the first mark that would be left out: one that cannot be read, covers
            nothing, or is of no class.
    """

    format: str | None = None
    images: Sequence[str | Path] = ()
    classes: str | Path | None = None
    class_map: dict[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()
    background: bool = True
    complete: Sequence[Complete] = ()
    split: float | None = None
    seed: int = 0
    unlabelled: int | None = None
    void: int | None = None
    palette: str | Path | None = None
    label_maps: Literal["masks", "scribbles"] = "masks"
    crowd: Literal["void", "object"] | None = None
    link: bool = False
    allow_missing: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        for key in ("images", "drop", "complete"):
            value = getattr(self, key)
            if isinstance(value, str | Path):
                raise RecipeError(f"{key}: expected a list, but got {str(value)!r}")
        if not isinstance(self.class_map, Mapping):
            raise RecipeError(f"class_map: expected new names by old, but got {self.class_map!r}")
        is_number = isinstance(self.split, int | float)
        if self.split is not None and not (is_number and 0 < self.split < 1):
            raise RecipeError(f"split: expected a fraction between 0 and 1, but got {self.split!r}")
        if not set(self.complete) <= set(get_args(Complete)):
            raise RecipeError(f"complete: expected boxes or masks, but got {list(self.complete)}")
        if self.complete and not self.background:
            raise RecipeError("complete: needs a background class, but background is false")

    @property
    def source(self) -> SourceOptions:
        """Options of the readers."""
        return SourceOptions(
            images=named_folders(self.images),
            unlabelled=self.unlabelled,
            void=self.void,
            palette=None if self.palette is None else Path(self.palette),
            label_maps=self.label_maps,
            crowd=self.crowd,
        )


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Args:
        root: The data folder.
        images: Number of images.
        marks: Number of images with a kind of marks, by kind.
        classes: Names of the classes.
        splits: Number of images by split.
        lacks_background: There is a class for background, and nothing is marked as it.
        findings: What was odd, the first ones of each kind.
        counts: Number of findings by kind.
        refused: Why a training refuses the folder; None where it does not.
    """

    root: Path
    images: int
    marks: dict[str, int]
    classes: tuple[str, ...]
    splits: dict[str, int]
    lacks_background: bool
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    refused: str | None = None


def import_marks(
    files: str | Path | Iterable[str | Path],
    out: str | Path = "data",
    settings: ImportSettings | None = None,
    *,
    overwrite: bool = False,
) -> Imported:
    """Write a data folder from files of annotation tools; the files are only read.

    Several files are several sources for one set of images: marks of one image, known by its path
    or, where that differs, by its name, are joined. Of different pictures of one name, the second
    is an image of its own.

    Args:
        files: Files or folders in any of the formats; one or several.
        out: The data folder to make.
        settings: How the files are read, and what the folder holds.
        overwrite: Replace a data folder that was imported and not changed since.

    Returns:
        What was imported, and what was odd.

    Raises:
        DataError: A file cannot be read; the message names file and entry.
        RecipeError: The settings name classes that no file holds, or one has no effect.
        RunError: The folder cannot be written, or is among what is read.
    """
    settings = settings or ImportSettings()
    paths, root = as_paths(files), Path(out)
    named = [Path(path) for path in (settings.classes, settings.palette) if path is not None]
    check_apart(root, [*paths, *settings.source.images, *named], replaces=True)
    try:
        return _imported(paths, root, settings, overwrite=overwrite)
    except RepeatedImageError:  # rare, and joining its marks needs all of them at once
        return _imported(paths, root, settings, overwrite=overwrite, hold=True)


def _imported(
    paths: Sequence[Path],
    root: Path,
    settings: ImportSettings,
    *,
    overwrite: bool,
    hold: bool = False,
) -> Imported:
    """Import, holding the marks of all images until all are read or not."""
    classes = _open_classes(settings)
    with ExitStack() as stack:
        sources = named_as_splits(
            [stack.enter_context(opened_source(path, settings.format)) for path in paths]
        )
        check_heeded(settings.source, {source.path: source.format for source in sources})
        writer = stack.enter_context(writing_data_folder(root, classes.names, overwrite=overwrite))
        importer = Importer(
            writer,
            classes,
            complete=settings.complete,
            link=settings.link,
            allow_missing=settings.allow_missing,
            strict=settings.strict,
        )
        joins = len(sources) > 1
        streams = [
            source.read(classes, replace(settings.source, joins=joins)) for source in sources
        ]
        images = joined(streams, [source.label for source in sources], hold=hold)
        for item in progress(with_unnamed(images, sources), "Importing"):
            importer.add(item)
        importer.check(", ".join(map(str, paths)))
        if not settings.background:
            importer.log.note(_background_findings(classes, paths[0]))
        splits = importer.finish(settings.split, settings.seed)
    return Imported(
        root=root,
        images=writer.images,
        marks=dict(importer.kinds),
        classes=tuple(classes.names),
        splits={name: len(images) for name, images in splits.items()},
        lacks_background=settings.background and not importer.has_background,
        findings=tuple(importer.log.kept),
        counts=dict(importer.log.counts),
        refused=_refusal(root),
    )


def _background_findings(classes: OpenClassList, path: Path) -> list[Finding]:
    """Return a finding where class 0 is background, though the user says that it is not."""
    first = classes.names[0]
    if first.lower() not in BACKGROUND_NAMES:
        return []
    message = (
        f"class 0 of the files is {first!r}, so it is background all the same, whatever "
        f"--background says; where it is an object, --class-map {first}=NAME names it"
    )
    return [Finding("unsure", message, path)]


def _refusal(root: Path) -> str | None:
    """Return why a training would refuse a data folder; None if it would not."""
    try:
        DataFolder.open(root).split("train")
    except WeaksegError as error:
        return str(error)
    return None


def _open_classes(settings: ImportSettings) -> OpenClassList:
    """Make the class list that readers fill or, where the user lists classes, look up."""
    names: Sequence[str] = ("background",) if settings.background else ()
    if settings.classes:
        names = read_classes(Path(settings.classes)).names
    return OpenClassList(
        names, rename=settings.class_map, drop=settings.drop, closed=bool(settings.classes)
    )
