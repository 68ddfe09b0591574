"""Data folders of weakseg and of PASCAL VOC: which files hold images, marks, classes and splits."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from weakseg.images.names import NameIndex, NameOf, plain_name
from weakseg.images.reading import IMAGE_SUFFIXES, find_images
from weakseg.marks.classes import VOC_CLASSES, ClassFinder, ClassList, read_classes
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import MARK_KINDS, Marks
from weakseg.marks.points import read_points
from weakseg.marks.tables import OnBadRow, read_boxes, read_tags, refuse_row
from weakseg.support.errors import DataError
from weakseg.support.folders import SPLITS, files_below, files_by_name, read_lines, usual_split
from weakseg.support.inside import check_apart
from weakseg.support.wording import counted

VOC_MASKS = ("SegmentationClassAug", "SegmentationClass", "SegmentationClassPNG")
_VOC_SPLITS = ("ImageSets/Segmentation", "ImageSets/Main")
_USUAL_SPLITS = ("train", "val", "test", "trainval")
_Reader = Callable[[Path, ClassFinder, NameOf, OnBadRow], Mapping[str, Iterable[Any]]]
_READERS: dict[str, _Reader] = {
    "tags": read_tags,
    "boxes": read_boxes,
    "points": read_points,
}


@dataclass(frozen=True)
class FolderLayout:
    """Paths inside a data folder; they need not exist.

    Args:
        root: The folder.
        images: Folder of images.
        splits: Folder of lists of images, NAME.txt.
        masks: Folder of full masks.
        scribbles: Folder of label maps of scribbles.
        classes: The list of classes.
        points: Tables of points.
        annotations: Folder of PASCAL VOC's XML files; None in a folder of weakseg's own.
    """

    root: Path
    images: Path
    splits: Path
    masks: Path
    scribbles: Path
    classes: Path
    points: tuple[Path, ...]
    annotations: Path | None = None

    @property
    def is_voc(self) -> bool:
        """Whether this is a folder of PASCAL VOC."""
        return self.annotations is not None

    @property
    def is_of_labels(self) -> bool:
        """Whether the marks are in `labels`, as YOLO's are; tools write a classes.txt with them."""
        return not self.kinds() and (self.root / "labels").is_dir()

    @property
    def tables(self) -> dict[str, tuple[Path, ...]]:
        """Tables of marks, by kind."""
        return {
            "tags": (self.root / "tags.csv",),
            "boxes": (self.root / "boxes.csv",),
            "points": self.points,
        }

    def check_apart(self, out: Path, *, replaces: bool = False) -> None:
        """Refuse a folder to write that is the data's own, or in one from which data is read.

        Args:
            out: The folder to write.
            replaces: What is in it now is to be removed.

        Raises:
            RunError: It is one.
        """
        read = [self.images, self.splits, self.masks, self.scribbles, self.classes, *self.points]
        if self.annotations is not None:
            read.append(self.annotations)
        if self.splits == self.root:  # the lists lie there, and so may other folders
            read.remove(self.splits)
        check_apart(out, [self.root], below=False)
        check_apart(out, read, replaces=replaces)

    def kinds(self) -> list[str]:
        """List the kinds of marks that the folder holds."""
        there = {kind for kind, paths in self.tables.items() if any(p.is_file() for p in paths)}
        if self.annotations is not None and self.annotations.is_dir():
            there |= {"tags", "boxes"}
        maps = {"scribbles": self.scribbles, "masks": self.masks}
        there |= {kind for kind, folder in maps.items() if folder.is_dir()}
        return [kind for kind in MARK_KINDS if kind in there]

    def read_classes(self) -> ClassList:
        """Read the list of classes; a folder of PASCAL VOC needs none.

        Raises:
            DataError: The list is missing or wrong.
        """
        if self.is_voc and not self.classes.exists():
            return ClassList(VOC_CLASSES, "the classes of PASCAL VOC")
        command = f"weakseg import {shlex.quote(str(self.root))} --out data"
        return read_classes(self.classes, hint=f"; `{command}` makes a data folder of it")


def is_data_folder(path: Path) -> bool:
    """Whether a path is a data folder of weakseg, or of PASCAL VOC with its images."""
    if is_voc_folder(path):
        return True
    own = own_layout(path)
    return own.images.is_dir() and own.classes.is_file() and not own.is_of_labels


def is_voc_folder(path: Path) -> bool:
    """Whether a folder with JPEGImages is one of PASCAL VOC by its content.

    Without marks of PASCAL VOC, a JSON file beside JPEGImages or in it holds the marks: labelme's
    own converter lays COCO out like this.
    """
    if not (path / "JPEGImages").is_dir():
        return False
    inside = ("Annotations", *VOC_MASKS, "tags.csv", "boxes.csv", "points.csv")
    is_marked = any((path / name).exists() for name in (*inside, "scribbles"))
    return is_marked or not any(files_below(path, "*.json", "JPEGImages/*.json"))


def find_layout(root: Path) -> FolderLayout:
    """Find the layout of a folder.

    Raises:
        DataError: It is neither a data folder nor a PASCAL VOC folder.
    """
    if is_voc_folder(root):
        return voc_layout(root)
    if (root / "images").is_dir():
        return own_layout(root)
    raise DataError(
        "expected a data folder (with images/ and classes.txt) or a PASCAL VOC folder "
        "(with JPEGImages/), but found neither",
        path=root,
    )


def own_layout(root: Path) -> FolderLayout:
    """Return the layout of weakseg's own data folder."""
    return FolderLayout(
        root=root,
        images=root / "images",
        splits=splits_folder(root),
        masks=root / "masks",
        scribbles=root / "scribbles",
        classes=root / "classes.txt",
        points=(root / "points.csv",),
    )


def splits_folder(root: Path) -> Path:
    """Find the folder of lists of images: splits/, ImageSets/ of PASCAL VOC, or the root itself."""
    folders = [root / name for name in ("splits", *_VOC_SPLITS)]
    return next(filter(split_lists, (*folders, root)), folders[0])


def voc_layout(root: Path) -> FolderLayout:
    """Return the layout of a PASCAL VOC folder, which may hold weakseg's tables and scribbles too.

    Masks are those of the first folder that holds any of SegmentationClassAug, SegmentationClass
    and SegmentationClassPNG; splits those of ImageSets/Segmentation, or else, and where there is no
    full mask, of ImageSets/Main.
    """
    lists = [root / name for name in ("classes.txt", "class_names.txt")]  # the latter is labelme's
    masks = _first_holding(".png", [root / name for name in VOC_MASKS])
    splits = [root / name for name in _VOC_SPLITS]
    if not _holds(masks, ".png") and split_lists(splits[1]):
        splits.reverse()  # tools without masks list all images there, and some in Segmentation
    return replace(
        own_layout(root),
        images=root / "JPEGImages",
        splits=_first_holding(".txt", splits),
        masks=masks,
        classes=next((path for path in lists if path.is_file()), lists[0]),
        annotations=root / "Annotations",
    )


@dataclass(frozen=True)
class FolderFiles:
    """Files of a data folder by the images' names: paths without the ending, inside their folder.

    Args:
        images: The images.
        annotations: XML files of PASCAL VOC.
        scribbles: Label maps of scribbles.
        masks: Label maps of full masks.
        index: The images' names, found by what people write; those of marks are already.
    """

    images: dict[str, Path]
    annotations: dict[str, Path]
    scribbles: dict[str, Path]
    masks: dict[str, Path]
    index: NameIndex

    @classmethod
    def of(cls, layout: FolderLayout) -> FolderFiles:
        """List the files of a folder.

        Raises:
            DataError: Two images differ in nothing but their ending.
        """
        images = find_images(layout.images)
        index = NameIndex(images)

        def marks(folder: Path | None, ending: str) -> dict[str, Path]:
            return {} if folder is None else _by_image(files_by_name(folder, ending), index)

        return cls(
            images,
            marks(layout.annotations, ".xml"),
            marks(layout.scribbles, ".png"),
            marks(layout.masks, ".png"),
            index,
        )

    @property
    def strangers(self) -> list[Path]:
        """Files of marks that belong to no image."""
        marks = (self.annotations, self.scribbles, self.masks)
        return [path for found in marks for name, path in found.items() if name not in self.images]

    def place_of(self, name: str, root: Path, listed: Listed | None) -> tuple[Path, str]:
        """Return where an image stands: in a list, where no file in the folder `root` has it."""
        files = (self.images, self.annotations, self.scribbles, self.masks)
        if listed is None or any(name in found for found in files):
            return root, f"image {name!r}"
        return listed.path, listed.line

    def names(self, *more: Iterable[str]) -> list[str]:
        """List the names of all images that a file, or one of the collections, names."""
        own = (self.images, self.annotations, self.scribbles, self.masks)
        return sorted({name for found in (*own, *more) for name in found})


def read_tables(
    layout: FolderLayout,
    classes: ClassFinder,
    *,
    kinds: Iterable[str] = tuple(_READERS),
    required: Iterable[str] = (),
    name_of: NameOf = plain_name,
    on_bad_row: OnBadRow = refuse_row,
) -> dict[str, Marks]:
    """Read the tables of tags, boxes and points.

    Args:
        layout: Where they are.
        classes: The classes, to which every mark must belong.
        kinds: Kinds of marks to read; those that have no table are ignored.
        required: Kinds whose table must be there.
        name_of: Names of images by what is written.
        on_bad_row: Called with the error of a row that is no mark.

    Returns:
        Marks by image name; an image may have none.

    Raises:
        DataError: A required table is missing, or one is wrong.
    """
    marks: dict[str, Marks] = {}
    for kind in [kind for kind in _READERS if kind in set(kinds)]:
        for path in layout.tables[kind]:
            if kind not in set(required) and not path.is_file():
                continue
            for name, found in _READERS[kind](path, classes, name_of, on_bad_row).items():
                held = frozenset(found) if kind == "tags" else tuple(found)
                marks[name] = marks.get(name, Marks()) + Marks(**{kind: held})  # type: ignore[arg-type]
    return marks


def split_lists(folder: Path) -> dict[str, Path]:
    """Find the lists of images in a folder of splits.

    The lists that PASCAL VOC has for each class (cat_train.txt, with -1, 0 or 1 behind each name)
    are no splits. In a folder that has other files, too, only lists of the usual names are.

    Returns:
        Files by split: first train, val, test and trainval, then the others by the alphabet. A
        list valid.txt is the split val where there is no val.txt, and trainval.txt is train where
        there is neither of the two; CVAT's default.txt is none.
    """
    of_classes = class_lists(folder)
    is_own = folder.name == "splits" or folder.parent.name == "ImageSets"
    found = {
        path.stem: path
        for path in files_below(folder, "*.txt")
        if path not in of_classes and (is_own or _is_usual_list(path))
    }
    lists: dict[str, Path] = {}
    for stem, path in found.items():
        split = usual_split(stem)
        if split is not None:
            lists[stem if split in found else split] = path
    if _is_whole_training(lists):
        lists["train"] = lists.pop("trainval")
    usual = [split for split in _USUAL_SPLITS if split in lists]
    return {split: lists[split] for split in dict.fromkeys([*usual, *lists])}


def class_lists(folder: Path) -> list[Path]:
    """List the lists of images that PASCAL VOC has for each class, as cat_train.txt."""
    return [path for path in files_below(folder, "*.txt") if _is_of_a_class(path)]


def read_split_list(path: Path, images: NameIndex | None = None) -> list[tuple[int, str]]:
    """Read the images of a split.

    Args:
        path: A line an image: its name, with or without its ending, and perhaps a second column
            (see `NameIndex.lines`).
        images: The images there are.

    Returns:
        Number of the line, from 1, and name of the image.

    Raises:
        DataError: The list cannot be read.
    """
    numbered = [(number, line) for number, line in enumerate(read_lines(path), 1) if line.strip()]
    names = (images or NameIndex()).lines([line for _, line in numbered])
    return [(number, name) for (number, _), name in zip(numbered, names, strict=True)]


@dataclass(frozen=True)
class Listed:
    """Split of an image, and where the image is listed.

    Args:
        split: Name of the split: of several, the first in the order of `split_lists`.
        path: The list.
        line: Where in it.
    """

    split: str
    path: Path
    line: str


def read_splits(folder: Path, images: NameIndex | None = None) -> dict[str, Listed]:
    """Read which split each image belongs to.

    Args:
        folder: It holds train.txt, val.txt and so on. A folder that is missing holds nothing.
        images: The images there are.

    Returns:
        The split by image.

    Raises:
        DataError: A list cannot be read.
    """
    splits: dict[str, Listed] = {}
    for split, path in split_lists(folder).items():
        for number, name in read_split_list(path, images):
            splits.setdefault(name, Listed(split, path, f"line {number}"))
    return splits


def _is_usual_list(path: Path) -> bool:
    """Whether a text among other files is a list of a split, and not the labels of an image."""
    is_usual = path.stem.lower() in {*SPLITS, "trainval"}
    return is_usual and not any(path.with_suffix(suffix).exists() for suffix in IMAGE_SUFFIXES)


def _is_whole_training(splits: Collection[str]) -> bool:
    """Whether trainval is what to train on, as neither of its parts is listed."""
    return "trainval" in splits and not {"train", "val"} & set(splits)


def split_findings(folder: Path, images: NameIndex | None = None) -> tuple[Finding, ...]:
    """Return a finding for each image in several of train, val and test, and for a list renamed.

    Args:
        folder: The folder of splits, as for `read_splits`, which puts such an image in the first.
        images: The images there are.

    Raises:
        DataError: A list cannot be read.
    """
    splits: dict[str, dict[str, None]] = {}
    lists = split_lists(folder)
    train = lists.get("train")
    renamed: tuple[Finding, ...] = ()
    if train is not None and train.stem == "trainval":
        message = "is taken as train, for there is neither train.txt nor val.txt"
        renamed = (Finding("unsure", message, train),)
    for split, path in lists.items():
        if split in {"train", "val", "test"}:
            for _, name in read_split_list(path, images):
                splits.setdefault(name, {})[split] = None
    return renamed + tuple(
        Finding(
            "duplicate",
            f"is in the splits {' and '.join(held)}; put in {next(iter(held))} alone",
            folder,
            f"image {name!r}",
        )
        for name, held in splits.items()
        if len(held) > 1
    )


def settled_names(index: NameIndex, root: Path) -> tuple[Finding, ...]:
    """Return a finding where names in marks and splits have another spelling than the images'."""
    if not index.settled:
        return ()
    written, name = next(iter(index.settled.items()))
    count = len(index.settled)
    message = (
        f"{counted(count, 'name differs', 'names differ')} from the image's in capitals "
        f"or in Unicode's normal form; {written!r} is taken to mean {name!r}"
    )
    return (Finding("unsure", message, root),)


def _by_image(files: dict[str, Path], images: NameIndex) -> dict[str, Path]:
    """Name files of marks as their images; one of exactly that name counts first."""
    found = {name: images.name_of(name) for name in files}
    exact = {name: path for name, path in files.items() if found[name] == name}
    return {found[name]: path for name, path in files.items()} | exact


def _first_holding(ending: str, folders: list[Path]) -> Path:
    """First folder with a file of this ending; else the first that exists; else the first."""
    holding = (folder for folder in folders if _holds(folder, ending))
    existing = (folder for folder in folders if folder.is_dir())
    return next(holding, next(existing, folders[0]))


def _holds(folder: Path, ending: str) -> bool:
    return any(path.suffix.lower() == ending for path in files_below(folder))


def _is_of_a_class(path: Path) -> bool:
    rest, _, split = path.stem.rpartition("_")
    if not rest or split not in _USUAL_SPLITS:
        return False
    ends = [line.split()[1:][-1:] for line in read_lines(path) if line.strip()]
    return bool(ends) and all(end and end[0] in {"-1", "0", "1"} for end in ends)
