"""YOLO, as Darknet, Ultralytics and tools that export labels beside images lay it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture, read_name
from weakseg.formats.source import Annotated, Format, SourceOptions
from weakseg.formats.tool_exports import rotation_hint
from weakseg.images.reading import image_name, is_image
from weakseg.marks.classes import ClassFinder
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.readers.yolo_config import (
    Config,
    is_list,
    label_folders,
    labels_beside_images,
    named_file,
    read_config,
    recognises,
    settings,
)
from weakseg.readers.yolo_corners import are_rotated_boxes
from weakseg.readers.yolo_points import has_points
from weakseg.readers.yolo_splits import SplitFinder
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import (
    existing,
    files_below,
    read_lines,
    split_of,
    usual_split,
)
from weakseg.support.inside import check_plain
from weakseg.support.json_files import read_json

_CVAT_FOLDERS = "obj_*_data"  # of its "YOLO 1.1", by split
_ARE_ROTATED = (
    "its labels are parallelograms, so they are read as rotated boxes (YOLO OBB); task: segment in "
    "data.yaml makes outlines of them"
)
_MAY_BE_ROTATED = (
    "its labels have four corners each and are read as outlines; task: obb in data.yaml makes "
    "rotated boxes of them"
)
_MAY_HAVE_POINTS = (
    "its labels are read as outlines, and may be boxes with key points: kpt_shape: [N, 2] in "
    "data.yaml says so"
)
_CORNERS = 4  # of a box that is rotated
_DIGITS = 2  # of a place in pixels; fractions are written with six


def _read(path: Path, classes: ClassFinder, options: SourceOptions) -> Iterator[Annotated]:
    """Read the files of labels, and the images that have none.

    Lines of five values become boxes, longer ones outlines, both numbered by their line; corners of
    rotated boxes become the boxes around them. They are
    fractions of the image's size, so marks of an image that is not there are left out. Lines that
    are damaged are left out and noted. Splits are those that data.yaml states, else those that
    folders name.

    Raises:
        DataError: A file is damaged as a whole, or there is none.
    """
    config = read_config(path, classes)
    if config.path.suffix == ".data":
        pairs, findings = list(_listed(config.path)), config.findings
    else:
        there = [*_in_folders(config.root, options), *_beside(config.root)]
        pairs, findings = _in_stated_splits(config, _once(there))
    if not pairs:
        raise DataError("there is neither a file of labels nor an image", path=config.path)
    config, odd = _with_shapes(config, pairs)
    findings += odd
    hint = () if config.has_corners else _rotation_hint(config.path)
    for pair in pairs:
        item = _read_pair(pair, config, options)
        if item.marks.boxes and hint:
            item, hint = replace(item, findings=item.findings + hint), ()
        yield replace(item, findings=findings + item.findings) if findings else item
        findings = ()


def _with_shapes(config: Config, pairs: Sequence[_Pair]) -> tuple[Config, tuple[Finding, ...]]:
    """Look whether labels longer than boxes are rotated boxes, or boxes with key points."""
    if config.has_points or config.task in {"segment", "obb"}:
        return replace(config, has_corners=config.task == "obb"), ()
    lines = [line.split() for pair in pairs if pair.labels for line in _lines(pair.labels)]
    corners, points = are_rotated_boxes(lines), has_points(lines)
    if corners:
        message = _ARE_ROTATED
    elif points:
        message = "its labels are read as boxes with key points, though there is no kpt_shape"
    elif points is None:
        message = _MAY_HAVE_POINTS
    elif corners is None:
        message = _MAY_BE_ROTATED
    else:
        return config, ()
    finding = Finding("unsure", message, config.path)
    has_corners = corners is True
    has_places = points is True and not has_corners
    return replace(config, has_corners=has_corners, has_points=has_places), (finding,)


def _lines(path: Path) -> list[str]:
    """Read the lines of a file of labels; none where it is damaged, which is found later."""
    try:
        return read_lines(path)
    except DataError:
        return []


def _rotation_hint(config: Path) -> tuple[Finding, ...]:
    """Return a finding where a folder is laid out like an export that loses rotated boxes."""
    if config.suffix == ".data" and any(config.parent.glob(_CVAT_FOLDERS)):
        return (rotation_hint("CVAT", "leaves them out", config),)
    notes = config.parent / "notes.json"
    try:
        info = read_json(notes)["info"]
        if info["contributor"] != "Label Studio":
            return ()
    except (DataError, LookupError, TypeError):
        return ()
    return (rotation_hint("Label Studio", "ignores the rotation", notes),)


YOLO = Format(
    "yolo",
    "YOLO: boxes or outlines in data.yaml's, obj.data's or labels' folders, or beside the images",
    recognises,
    _read,
)


@dataclass(frozen=True)
class _Pair:
    """An image and its file of labels.

    Args:
        written: Name of the image.
        image: Its file, if found.
        labels: The file of labels, if there is one.
        split: Name of the split.
        place: Where below the root it is, or should be, without the ending.
        is_listed: The split is stated, not only the name of a folder.
    """

    written: str
    image: Path | None
    labels: Path | None
    split: str | None
    place: str = ""
    is_listed: bool = False


def _listed(config: Path) -> Iterator[_Pair]:
    """Iterate over the lists of images that Darknet's configuration names."""
    for split, written in settings(config).items():
        if split in {"classes", "names", "backup"}:
            continue
        check_plain(split, "a split", Entry(config))
        for line in filter(str.strip, read_lines(named_file(config, written))):
            image = named_file(config, line)
            labels = image.parent / f"{image.stem}.txt"
            folders = image.parts[len(config.parent.parts) :]
            written = "/".join(folders[1:] or folders)
            yield _Pair(written, existing(image), existing(labels), split, is_listed=True)


def _in_stated_splits(
    config: Config, pairs: Sequence[_Pair]
) -> tuple[list[_Pair], tuple[Finding, ...]]:
    """Put images into the splits that data.yaml states; the others keep that of their folder."""
    places = [pair.place for pair in pairs]
    finder = SplitFinder(config.path, config.root, config.stated, places)
    findings = config.findings + finder.findings
    placed = []
    for pair in pairs:
        split = finder.split_of(pair.place)
        placed.append(replace(pair, split=split, is_listed=True) if split else pair)
    stated = {usual_split(key) for key, _ in config.stated}
    if stated == {"train"} and {usual_split(pair.split) for pair in placed} <= {"train", None}:
        message = "is the only split here, so no image is left to score on: --split 0.8 makes one"
        return placed, (*findings, Finding("unsure", message, config.path, "'train'"))
    return placed, findings


def _in_folders(root: Path, options: SourceOptions) -> Iterator[_Pair]:
    """Iterate over `labels/…/NAME.txt` and `images/…/NAME.jpg`, beside or below the splits."""
    for folder in label_folders(root):
        images = folder.with_name("images")
        inside = images.relative_to(root)
        taken = set()
        for labels in files_below(folder, "**/*.[tT][xX][tT]"):
            written = labels.relative_to(folder).with_suffix("").as_posix()
            if not is_list(labels):
                image = find_picture(written, images, options)
                taken.add(image)
                split = split_of(labels.relative_to(root).parts[:-1])
                # A list names the image, which may be `a.jpg.png` where labels are `a.jpg.txt`.
                own = Path(written) if image is None else Path(written).with_name(image.name)
                place = image_name((inside / own).as_posix())
                yield _Pair(written.removeprefix(f"{split}/"), image, labels, split, place)
        for image in files_below(images):
            written = image.relative_to(images).as_posix()
            if is_image(image) and image not in taken:
                split = split_of(image.relative_to(root).parts[:-1])
                place = image_name((inside / written).as_posix())
                yield _Pair(written.removeprefix(f"{split}/"), image, None, split, place)


def _beside(root: Path) -> Iterator[_Pair]:
    """Iterate over images with labels beside them, and other images in their folders."""
    labelled = {image: file for file, image in labels_beside_images(root)}
    folders = {image.parent for image in labelled}
    for image in sorted(item for folder in folders for item in files_below(folder, "*")):
        if is_image(image) and image.is_file():
            inside = image.relative_to(root)
            split, place = split_of(inside.parts[:-1]), image_name(inside.as_posix())
            written = inside.as_posix().removeprefix(f"{split}/")
            yield _Pair(written, image, labelled.get(image), split, place)


def _once(pairs: Iterable[_Pair]) -> list[_Pair]:
    """Return pairs without those of an image that an earlier one has."""
    found: dict[Path | str, _Pair] = {}
    for pair in pairs:
        found.setdefault(pair.image or pair.written, pair)
    return list(found.values())


def _read_pair(pair: _Pair, data: Config, options: SourceOptions) -> Annotated:
    collector = Collector(Entry(pair.labels or pair.image or data.root))
    name = read_name(pair.written, collector.entry)
    lines = read_lines(pair.labels) if pair.labels else []
    numbered = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    image = pair.image or find_picture(pair.written, data.root, options)
    size = collector.fraction_size(image) if numbered else None
    if size is not None:
        for number, values in numbered:
            with collector.one_mark():
                _read_line(values, number, size, data, collector)
        if data.has_points:
            collector.unread("key points after the boxes")
    item = collector.annotated(name, image, None, pair.split)
    return replace(item, is_listed=pair.is_listed)


def _read_line(
    values: Sequence[str], number: int, size: Size, data: Config, collector: Collector
) -> None:
    """Read a box, by its centre, width and height, or the corners of an outline."""
    entry = collector.entry.part(f"line {number}")
    is_box = len(values) == 5 or (data.has_points and len(values) > 5)
    if not is_box and (len(values) < 7 or len(values) % 2 == 0):
        raise entry.error(
            "expected a class with x, y, width and height, or with x and y of three "
            f"corners or more, but got {len(values)} values"
        )
    label = entry.integer(values[0], "number of a class")
    class_id = data.class_of(label, entry)
    fractions = [entry.number(value, "coordinate") for value in values[1:]]
    if is_box:
        x, y, width, height = fractions[:4]
        fractions = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    rows, columns = size
    pairs = zip(fractions[::2], fractions[1::2], strict=True)
    places = [(round(x * columns, _DIGITS), round(y * rows, _DIGITS)) for x, y in pairs]
    if is_box:
        (left, top), (right, bottom) = places
        edges = right - left, bottom - top
        collector.rectangle(class_id, (left, top), edges, entry, number)
    elif data.has_corners and len(places) == _CORNERS:
        level = {len({place[axis] for place in places}) for axis in (0, 1)} == {2}
        collector.box(class_id, places, entry, number, rotated=not level)
    else:
        collector.polygon(class_id, places, entry, number)
