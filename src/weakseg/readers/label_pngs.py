"""Label maps and colour-coded masks as PNGs; options name the classes of values or colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from weakseg.formats.label_regions import coloured_regions
from weakseg.formats.pictures import PHOTO_FOLDERS, not_png, photo_of
from weakseg.formats.source import Annotated, Format, SourceOptions, ending_with
from weakseg.images.reading import image_name, is_image, map_size
from weakseg.marks.classes import ClassFinder
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Marks, Region
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette_files import palette_ids, read_palette
from weakseg.marks.pixel_runs import Kind, describe_values, read_colours, read_values
from weakseg.readers.scribblesup import SCRIBBLESUP
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below, files_by_name, first_files
from weakseg.support.wording import counted

_BRUSHES = re.compile(r"task-\d+-annotation-\d+-by-.*\.png")
_NAMED = 3  # photographs without a label map, and values without a class
_PHOTOGRAPH = 64  # different values or colours that a label map hardly has


def read_stated_regions(
    path: Path, classes: ClassFinder, options: SourceOptions, kind: Kind
) -> tuple[Region, ...]:
    """Read one label map, whose values are ids of the class list.

    What the user states about values counts first. 254 is unlabelled else. 255 is void else, where
    the file holds 254 too or the user states what is unlabelled; a 255 alone may mean void (as in
    PASCAL VOC), unlabelled (as in ScribbleSup) or the object, so that an option has to decide.

    Args:
        path: Indexed or grey picture of up to 16 bits.
        classes: The classes; values are looked up as numbers, in ascending order.
        options: What the user states about values.
        kind: Whether it is a full mask or scribbles.

    Returns:
        One area a class; void is one, too.

    Raises:
        DataError: The file cannot be read, or holds a value that is no class.
    """
    runs = read_values(path)
    ids: dict[int, int] = {}
    unknown = []
    counts = runs.counts()
    for value in counts:
        class_id = _class_of(value, counts, classes, options, path)
        if class_id is None:
            unknown.append(value)
        else:
            ids[value] = class_id
    if unknown:
        raise Entry(path).error(f"{describe_values(runs, unknown)}. {_way_to_name(unknown)}")
    return runs.regions(ids, kind)


def _way_to_name(values: Sequence[int]) -> str:
    """Return what to do about values that are no class."""
    names = [f"{value}={'NAME' if value else 'background'}" for value in values[:_NAMED]]
    more = " …" if len(values) > _NAMED else ""
    return (
        f"Name them in an import with --class-map {' '.join(names)}{more}, or with --classes FILE, "
        "a name a line from 0 on; --void VALUE and --unlabelled VALUE are for those of no class"
    )


def _class_of(
    value: int, counts: dict[int, int], classes: ClassFinder, options: SourceOptions, path: Path
) -> int | None:
    if value == options.void:
        return VOID
    if value in (options.unlabelled, UNLABELLED):
        return UNLABELLED
    if value != VOID:
        return _listed(value, classes, path)
    renamed = _listed(VOID, classes, path)
    if renamed is not None:
        return renamed
    if UNLABELLED not in counts and options.unlabelled is None:
        binary = "; if it is your object, with --class-map 0=background 255=NAME of an import"
        raise Entry(path).error(
            f"{counts[VOID]} pixels are 255, which may mean void or unlabelled: say it with "
            f"--void 255 or --unlabelled 255{binary if set(counts) == {0, VOID} else ''}"
        )
    return VOID


def _listed(value: int, classes: ClassFinder, path: Path) -> int | None:
    """Return the class of a value by the list of classes or by its new name."""
    try:
        return classes.find(value, Entry(path))
    except DataError:
        return None


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    path, others = _folder_of_maps(path)
    root = path if path.is_dir() else path.parent
    findings = tuple(Finding("unread", "PNGs beside masks/; left out", item) for item in others)
    files = files_by_name(path, ".png") if path.is_dir() else {path.stem: path}
    if not files:
        raise DataError("expected PNGs, but there are none in this folder", path=path)
    if all(_BRUSHES.match(file.name) for file in files.values()):
        raise DataError(
            'these are masks of Label Studio\'s export "Brush labels to PNG", which do not say of '
            'which image they are: export as "JSON", which holds the same masks, and import that',
            path=path,
        )
    taken: set[Path] = set()
    found = _read_maps(files, root, taken, classes, options)
    folders = {root.parent / name for name in PHOTO_FOLDERS} if path.is_dir() else set()

    def rest() -> tuple[Finding, ...]:
        unread = not_png(root, taken) if path.is_dir() else ()
        return findings + unread + _unmarked(folders, taken)

    yield from ending_with(found, rest)


def _read_maps(
    files: dict[str, Path],
    root: Path,
    taken: set[Path],
    classes: ClassFinder,
    options: SourceOptions,
) -> Iterator[Annotated]:
    """Read label maps; their photographs are added to those that are taken."""
    read_regions = _reader(classes, options)
    for name, file in files.items():
        regions = read_regions(file)
        picture = photo_of(file, name, root, options)
        # A mask may be named cat.png or, with its photograph's ending, cat.jpg.png.
        if picture is None or picture.stem != file.stem:
            name = image_name(name)
        folders, slash, last = name.rpartition("/")
        if picture is not None and last.startswith((f"{picture.stem}_", f"{picture.stem}-")):
            name = f"{folders}{slash}{picture.stem}"
        name = _without_maps_folder(name, picture, root)
        taken.update([picture.resolve()] if picture else [])
        yield Annotated(name, Marks(regions=regions), picture, map_size(file), file)


def _without_maps_folder(name: str, picture: Path | None, root: Path) -> str:
    """Leave the folder of label maps out of a name: the one where its photograph has another.

    Examples:
        >>> _without_maps_folder("train/masks/a", Path("data/train/images/a.jpg"), Path("data"))
        'train/a'
    """
    if picture is None or not picture.is_relative_to(root):
        return name
    *own, last = name.split("/")
    folders = picture.relative_to(root).parts[:-1]
    kept = [one for one, other in zip(own, folders, strict=False) if one == other]
    is_one_apart = len(own) == len(folders) == len(kept) + 1
    return "/".join((*kept, last)) if is_one_apart else name


def _unmarked(folders: Iterable[Path], taken: set[Path]) -> tuple[Finding, ...]:
    """Return a finding where photographs beside the label maps have none."""
    inside = chain.from_iterable(map(files_below, folders))
    rest = sorted(item for item in inside if is_image(item) and item.resolve() not in taken)
    if not rest:
        return ()
    names = ", ".join(item.name for item in rest[:_NAMED]) + (", …" if rest[_NAMED:] else "")
    message = f"{counted(len(rest), 'image has', 'images have')} no label map; left out: {names}"
    return (Finding("unmarked", message, rest[0].parent),)


def _reader(classes: ClassFinder, options: SourceOptions) -> Callable[[Path], tuple[Region, ...]]:
    kind: Kind = "scribble" if options.label_maps == "scribbles" else "mask"
    values = {options.void, options.unlabelled} - {None}
    if options.palette is None:
        if options.void is not None and options.void == options.unlabelled:
            raise DataError(f"value {options.void} is stated to be both void and unlabelled")
        return lambda path: read_stated_regions(path, classes, options, kind)
    if values:
        raise DataError(
            "--void and --unlabelled state values, which colours have not: name colours 'void' "
            "and 'unlabelled' in the palette",
            path=options.palette,
        )
    palette = read_palette(options.palette)
    ids = palette_ids(palette, classes, options.palette)
    return lambda path: coloured_regions(path, palette, ids, kind)


def _recognises(path: Path) -> bool:
    root, _ = _folder_of_maps(path)
    files = first_files(root, ".png", patterns=("*", "*/*"))
    return bool(files) and all(map(_has_few_values, files)) and not SCRIBBLESUP.recognises(path)


def _folder_of_maps(path: Path) -> tuple[Path, list[Path]]:
    """Find the folder of label maps beside one of photographs, which may be PNGs, too.

    Returns:
        The only such folder, or `masks` among several, and the others, which are not read; the path
        itself where no folder of photographs is in it, or PNGs lie beside that.
    """
    photographs = [path / name for name in PHOTO_FOLDERS if (path / name).is_dir()]
    if not photographs or first_files(path, ".png"):
        return path, []
    folders = [item for item in files_below(path, "*") if item not in photographs]
    holding = [item for item in folders if item.is_dir() and files_by_name(item, ".png")]
    masks = path / "masks" if path / "masks" in holding else None
    if masks is None and len(holding) == 1:
        masks = holding[0]
    return (path, []) if masks is None else (masks, [item for item in holding if item != masks])


def _has_few_values(path: Path) -> bool:
    try:
        runs = read_values(path)
    except DataError:
        runs = read_colours(path)
    return len(runs.counts()) <= _PHOTOGRAPH


LABEL_PNGS = Format(
    "label-pngs",
    "label maps as indexed or grey PNGs, or colour-coded ones with --palette FILE",
    _recognises,
    _read,
    heeds=("unlabelled", "void", "palette", "label_maps"),
)
