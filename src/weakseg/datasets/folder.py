"""A data folder, or a PASCAL VOC folder as it is -> classes, and the images of a split."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from weakseg.formats.points import read_points
from weakseg.formats.readers.voc import read_voc_xml
from weakseg.formats.tables import read_boxes, read_tags
from weakseg.images.reading import find_images
from weakseg.marks.classes import VOC_CLASSES, ClassList, read_classes
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.recipes.recipe import DataConfig
from weakseg.support.errors import DataError

_log = logging.getLogger(__name__)
MARK_KINDS = ("tags", "boxes", "points", "scribbles", "masks")


@dataclass(frozen=True)
class Record:
    """One image with its marks.

    Args:
        name: Path inside the folder of images, without the ending.
        image: The image file.
        marks: What may be trained on.
        truth: Label map of the full mask, for scoring.
        beneath: Label map on which the marks are drawn: what a stage of the run found out.
    """

    name: str
    image: Path
    marks: Marks
    truth: Path | None
    beneath: Path | None = None


@dataclass(frozen=True)
class Layout:
    """Where a folder keeps what."""

    images: Path
    splits: Path
    masks: Path
    scribbles: Path
    classes: Path
    points: tuple[Path, ...]
    is_voc: bool = False


def load_data_config(data: str | Path, config: DataConfig) -> DataConfig:
    """Fill in where the data is.

    Args:
        data: A folder, or a data.yaml that holds keys of DataConfig, with paths relative to it. A
            folder may hold such a data.yaml itself.
        config: What a recipe and the command line say; it wins over data.yaml where it differs
            from the defaults.

    Raises:
        DataError: There is no such folder, or data.yaml holds unknown keys.
    """
    path = Path(data)
    if path.is_dir():
        if not (path / "data.yaml").is_file():
            return replace(config, root=str(path))
        path = path / "data.yaml"
    if path.suffix not in {".yaml", ".yml"} or not path.is_file():
        raise DataError("expected a folder or a data.yaml, but there is none", path=path)
    tree = _read_data_yaml(path)
    default = DataConfig()
    said = {key: value for key, value in vars(config).items() if value != getattr(default, key)}
    return DataConfig(**{**tree, **said})


def read_class_list(config: DataConfig) -> ClassList:
    """Read the classes of a data folder; a PASCAL VOC folder needs no list.

    Raises:
        DataError: The list is missing or wrong.
    """
    layout = find_layout(config)
    if layout.is_voc and config.classes is None and not layout.classes.exists():
        return ClassList(VOC_CLASSES, "the classes of PASCAL VOC")
    return read_classes(layout.classes)


def read_split(config: DataConfig, split: str, classes: ClassList) -> list[Record]:
    """List the images of a split with their marks.

    Args:
        config: Where the data is and which marks count.
        split: Name of the split; where the folder has no splits, "train" means every image.
        classes: The classes.

    Returns:
        Records in the order of the split.

    Raises:
        DataError: The split is missing or empty, names an image that is not there, or a table of
            marks is wrong.
    """
    layout = find_layout(config)
    images = find_images(layout.images)
    return _records(config, layout, images, _split_names(layout, split, images), classes)


def read_every(config: DataConfig, classes: ClassList) -> list[tuple[Record, str | None]]:
    """List all images with their marks, and the first split that each belongs to.

    Raises:
        DataError: A table of marks is wrong, or there is no image.
    """
    layout = find_layout(config)
    images = find_images(layout.images)
    if not images:
        raise DataError("there is no image", path=layout.images)
    splits: dict[str, str] = {}
    for path in sorted(layout.splits.glob("*.txt")):
        for name in _split_names(layout, path.stem, images):
            splits.setdefault(name, path.stem)
    records = _records(config, layout, images, sorted(images), classes)
    return [(record, splits.get(record.name)) for record in records]


def _records(
    config: DataConfig,
    layout: Layout,
    images: Mapping[str, Path],
    names: Iterable[str],
    classes: ClassList,
) -> list[Record]:
    names = list(names)
    kinds = marks_in_use(config)
    marks = _read_marks(config, layout, classes, set(kinds))
    if layout.is_voc and {"tags", "boxes"} & set(kinds):
        marks = _with_voc_xml(marks, names, Path(config.root) / "Annotations", classes)
    _report_strangers(marks, images, layout)
    records = []
    for name in names:
        mask = _existing(layout.masks / f"{name}.png")
        scribbles = _existing(layout.scribbles / f"{name}.png")
        own = replace(marks.get(name, Marks()), scribbles=scribbles, mask=mask)
        records.append(Record(name, images[name], own.only(set(kinds)), mask))
    return records


def as_marks(record: Record) -> Record:
    """Give the same image with its full mask as its only mark."""
    return replace(record, marks=Marks(mask=record.truth))


def has_split(config: DataConfig, split: str) -> bool:
    """Tell whether the folder lists this split."""
    return (find_layout(config).splits / f"{split}.txt").is_file()


def marks_in_use(config: DataConfig) -> list[str]:
    """Name the kinds of marks to train on: those asked for, those named, or those there are."""
    if config.marks:
        return list(config.marks)
    named = [kind for kind in ("points", "scribbles", "masks") if getattr(config, kind)]
    if named:
        return named
    layout, root = find_layout(config), Path(config.root)
    has_xml = layout.is_voc and (root / "Annotations").is_dir()
    there = {
        "tags": has_xml or (root / "tags.csv").is_file(),
        "boxes": has_xml or (root / "boxes.csv").is_file(),
        "points": any(path.is_file() for path in layout.points),
        "scribbles": layout.scribbles.is_dir(),
        "masks": layout.masks.is_dir(),
    }
    return [kind for kind in MARK_KINDS if there[kind]]


def count_kinds(records: Iterable[Record]) -> dict[str, int]:
    """Count the images that hold each kind of mark; kinds that none holds are left out."""
    counts = Counter(kind for record in records for kind in record.marks.kinds)
    return {kind: counts[kind] for kind in MARK_KINDS if counts[kind]}


def is_data(path: Path) -> bool:
    """Tell whether a path is a data folder, a PASCAL VOC folder or a data.yaml."""
    if path.is_dir():
        return (path / "JPEGImages").is_dir() or (
            (path / "images").is_dir() and (path / "classes.txt").is_file()
        )
    return path.suffix in {".yaml", ".yml"}


def cache_folder(config: DataConfig) -> Path:
    """Say where what is computed from the images is kept.

    Beside the data; where the data may not be written, in the user's cache, by the data's path.
    """
    if config.cache:
        return Path(config.cache)
    root = Path(config.root).resolve()
    # Root may write anywhere, so the folder's own mode tells better what its owner meant.
    if root.stat().st_mode & stat.S_IWUSR and os.access(root, os.W_OK):
        return root / ".weakseg"
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "weakseg" / hashlib.sha256(str(root).encode()).hexdigest()[:12]


def find_layout(config: DataConfig) -> Layout:
    """See whether the root is a data folder or a PASCAL VOC folder.

    Raises:
        DataError: It is neither.
    """
    root = Path(config.root)
    if (root / "JPEGImages").is_dir():
        layout = _voc_layout(root)
    elif (root / "images").is_dir():
        layout = Layout(
            root / "images",
            root / "splits",
            root / "masks",
            root / "scribbles",
            root / "classes.txt",
            (root / "points.csv",),
        )
    else:
        raise DataError(
            "expected a data folder (with images/ and classes.txt) or a PASCAL VOC folder "
            "(with JPEGImages/), but found neither",
            path=root,
        )
    return replace(
        layout,
        masks=Path(config.masks) if config.masks else layout.masks,
        scribbles=Path(config.scribbles) if config.scribbles else layout.scribbles,
        classes=Path(config.classes) if config.classes else layout.classes,
        points=tuple(map(Path, config.points)) or layout.points,
    )


def _voc_layout(root: Path) -> Layout:
    augmented = root / "SegmentationClassAug"
    masks = augmented if augmented.is_dir() else root / "SegmentationClass"
    return Layout(
        root / "JPEGImages",
        root / "ImageSets" / "Segmentation",
        masks,
        root / "scribbles",
        root / "classes.txt",
        (root / "points.csv",),
        is_voc=True,
    )


def _split_names(layout: Layout, split: str, images: Mapping[str, Path]) -> list[str]:
    path = layout.splits / f"{split}.txt"
    if not path.is_file():
        if split == "train" and not layout.splits.is_dir() and images:
            return sorted(images)
        there = sorted(item.stem for item in layout.splits.glob("*.txt"))
        raise DataError(
            f"there is no split {split!r}: expected this file; splits that are there: "
            f"{', '.join(there) or 'none'}",
            path=path,
        )
    lines = enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1)
    names = [(number, line.split()[0]) for number, line in lines if line.strip()]
    if not names:
        raise DataError("the split is empty: expected one image name a line", path=path)
    for number, name in names:
        if name not in images:
            raise DataError(
                f"there is no image {name!r} in {layout.images}", path=path, entry=f"line {number}"
            )
    return list(dict.fromkeys(name for _, name in names))


def _read_marks(
    config: DataConfig, layout: Layout, classes: ClassList, kinds: set[str]
) -> dict[str, Marks]:
    root = Path(config.root)
    tags: dict[str, set[int]] = {}
    boxes: dict[str, list[Box]] = {}
    points: dict[str, list[Point]] = {}
    asked_tables = () if layout.is_voc else config.marks
    if "tags" in kinds and ("tags" in asked_tables or (root / "tags.csv").is_file()):
        tags = read_tags(root / "tags.csv", classes)
    if "boxes" in kinds and ("boxes" in asked_tables or (root / "boxes.csv").is_file()):
        boxes = read_boxes(root / "boxes.csv", classes)
    if "points" in kinds:
        asked = bool(config.points) or "points" in config.marks
        for path in layout.points:
            if asked or path.is_file():
                for image, found in read_points(path, classes).items():
                    points.setdefault(image, []).extend(found)
    return {
        name: Marks(
            frozenset(tags.get(name, ())), tuple(boxes.get(name, ())), tuple(points.get(name, ()))
        )
        for name in tags.keys() | boxes.keys() | points.keys()
    }


def _with_voc_xml(
    marks: Mapping[str, Marks], names: Iterable[str], folder: Path, classes: ClassList
) -> dict[str, Marks]:
    """Add tags and boxes of PASCAL VOC, for images of which no table says any."""
    joined = dict(marks)
    for name in names:
        own, path = joined.get(name, Marks()), folder / f"{name}.xml"
        if not own.tags and not own.boxes and path.is_file():
            joined[name] = own + read_voc_xml(path, classes).marks
    return joined


def _report_strangers(marks: Iterable[str], images: Mapping[str, Path], layout: Layout) -> None:
    strangers = sorted(set(marks) - images.keys())
    if strangers:
        _log.warning(
            "marks are given for %d images that are not in %s (the first: %r); they are left out",
            len(strangers),
            layout.images,
            strangers[0],
        )


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read_data_yaml(path: Path) -> dict[str, object]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"is not readable as YAML ({error})", path=path) from error
    known = vars(DataConfig()).keys()
    if not isinstance(tree, dict) or not tree.keys() <= known:
        unknown = sorted(set(tree) - known) if isinstance(tree, dict) else [tree]
        raise DataError(f"unknown: {unknown}; expected keys among {', '.join(known)}", path=path)
    here = path.parent
    for key in ("root", "scribbles", "masks", "classes", "cache"):
        if tree.get(key):
            tree[key] = str(here / tree[key])
    tree["points"] = [str(here / item) for item in tree.get("points", [])]
    tree.setdefault("root", str(here))
    return tree
