"""Data folders and files of annotation tools as streams of images with their marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.joining import joined
from weakseg.formats.source import Annotated, SourceOptions, ending_with
from weakseg.marks.classes import ClassList, OpenClassList, decomposed_message, read_classes
from weakseg.marks.findings import Finding
from weakseg.readers.detection import Source, check_heeded, opened_source
from weakseg.readers.unnamed_images import with_unnamed
from weakseg.readers.voc import has_named_colours
from weakseg.recipes.options import DataOptions, resolve_options
from weakseg.recipes.recipe import DataConfig
from weakseg.support.errors import DataError


@dataclass(frozen=True)
class InspectionSource:
    """A data set to inspect.

    Args:
        images: Its images, to be iterated once.
        classes: Its classes.
        config: Which marks count and how they are drawn, merged from all options.
        total: Number of images, where known before they are read.
    """

    images: Iterable[Annotated]
    classes: ClassList
    config: DataConfig
    total: int | None


@contextmanager
def opened_data(
    path: Path, data: DataOptions, options: SourceOptions, format_name: str | None = None
) -> Iterator[InspectionSource]:
    """Open a data folder, a PASCAL VOC folder or files of an annotation tool.

    Args:
        path: A folder, a file, a zip, or a data.yaml.
        data: Which marks of a data folder count and how they are drawn; wins over data.yaml.
        options: How to read files of a tool.
        format_name: The format, where it cannot be detected.

    Yields:
        The data set; it can be read inside the block.

    Raises:
        DataError: It is in no format that can be read.
        RecipeError: One of `options` has no effect.
    """
    as_it_is = format_name is None and DataFolder.recognises(path)
    if as_it_is and not has_named_colours(path, options):
        check_heeded(options, {path: None})
        yield _data_folder(DataFolder.open(path, data))
        return
    config = resolve_options(data)
    with opened_source(path, format_name) as source:
        check_heeded(options, {path: source.format})
        classes, repeats = _first_look(source, options, config)
        finder = OpenClassList(classes.names, closed=True)  # which also finds what means void
        read = joined([source.read(finder, options)], [source.label], hold=repeats)
        read = with_unnamed(read, [source])
        images = ending_with(read, lambda: _spellings(finder))
        yield InspectionSource(images, classes, config, None)


def _spellings(classes: OpenClassList) -> tuple[Finding, ...]:
    names = sorted(classes.decomposed)
    return tuple(Finding("unsure", decomposed_message(name)) for name in names)


def _data_folder(folder: DataFolder) -> InspectionSource:
    every = folder.every()
    # Findings of the whole folder stand at its first image, as those of a file do.
    findings = chain([folder.findings()], repeat(()))
    images = (
        Annotated(
            record.name,
            record.marks,
            record.image,
            folder.turned[record.name].size if record.name in folder.turned else None,
            folder.root,
            f"image {record.name!r}",
            split,
            found,
            is_listed=split is not None,
        )
        for (record, split), found in zip(every, findings, strict=False)
    )
    return InspectionSource(images, folder.classes, folder.config, len(every))


def _first_look(
    source: Source, options: SourceOptions, config: DataConfig
) -> tuple[ClassList, bool]:
    """Read the files once for the names of their classes, and whether they repeat an image."""
    found = OpenClassList()
    images = Counter[str]()
    try:
        images.update(item.name for item in source.read(found, options))
    except DataError:  # which is a finding, once the classes are known
        if not config.classes:
            raise
    repeats = max(images.values(), default=0) > 1
    if config.classes:
        return read_classes(Path(config.classes)), repeats
    if len(found.names) < 2:
        raise DataError("expected marks of at least one class, but found none", path=source.path)
    return ClassList(tuple(found.names), str(source.path)), repeats
