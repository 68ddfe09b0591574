"""COCO: instances, stuff, key points, panoptic segmentation and plain labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from weakseg.formats.json_files import first_keys, read_json
from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where
from weakseg.formats.readers.by_datumaro.run_lengths import check_run_lengths
from weakseg.formats.source import SourceOptions, find_picture
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

_SECTIONS = ("images", "annotations", "categories")
_PATTERNS = ("*.json", "annotations/*.json", "*/*.json")
# How the published files are called, the most telling first.
_ORDER = ("instances", "stuff", "panoptic", "person_keypoints", "labels", "image_info")
_READERS = {
    "instances": "CocoInstancesBase",
    "panoptic": "CocoPanopticBase",
    "person_keypoints": "CocoPersonKeypointsBase",
    "labels": "CocoLabelsBase",
}

Numbered = tuple[int, dict[str, Any]]
"""An annotation, and its number in the file, from 1 on."""


def recognises(path: Path) -> bool:
    """Tell whether this is a JSON file with COCO's three sections, or a folder with one."""
    return files.holds_file(path, _PATTERNS, _is_coco)


def _is_coco(path: Path) -> bool:
    is_list, keys = first_keys(path)
    if is_list or "items" in keys or not keys & set(_SECTIONS):
        return False
    # A large file may begin with any of the sections; the others stand further down.
    return files.holds_texts(path, [f'"{key}"' for key in _SECTIONS])


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the images of a file, or of all files of one task in a folder."""
    found = files.files_of(path, _PATTERNS, _is_coco)
    tasks = {file: _named_task(file) for file in found}
    chosen = min(tasks.values(), key=_ORDER.index)
    others = [file.name for file in found if tasks[file] not in (chosen, "image_info")]
    findings = (
        [
            Where(path).finding(
                "unread",
                f"images may have more marks in {', '.join(others)}; name such a file to read "
                "it instead",
            )
        ]
        if others
        else []
    )
    for file in found:
        if tasks[file] == chosen:
            contents = _contents(file)
            for key in contents.images:
                yield _entry(contents, key, options, findings)
                findings = []


def _named_task(path: Path) -> str:
    return next((task for task in _ORDER if path.name.startswith(f"{task}_")), "instances")


@dataclass(frozen=True)
class _Contents:
    """A COCO file.

    Args:
        path: The file.
        task: What its annotations are.
        labels: Names of the categories, and None for void.
        numbers: Places in `labels` by the category's id.
        images: Images by their id.
        annotations: Annotations by the id of their image.
        crowds_are_masks: What is marked as a crowd is a painted mask.
        findings: What was odd about the file as a whole.
    """

    path: Path
    task: str
    labels: tuple[str | None, ...]
    numbers: dict[Any, int]
    images: dict[Any, dict[str, Any]]
    annotations: dict[Any, list[Numbered]]
    crowds_are_masks: bool
    findings: Sequence[Finding]


def _contents(path: Path) -> _Contents:
    tree = read_json(path)
    images, annotations, categories = (
        fields.take(tree, section, list, Where(path)) for section in _SECTIONS
    )
    if not images:
        raise DataError("holds no image", path=path)
    by_id = _by_id(categories, "category", path)
    names = [
        fields.take(category, "name", str, Where(path, f"category {key!r}"))
        for key, category in by_id.items()
    ]
    labels = (*names, None)  # the last for what no panoptic segment covers
    numbers = {key: number for number, key in enumerate(by_id)}
    images = _by_id(images, "image", path)
    sorted_in, findings = _sorted_in(annotations, images, path)
    crowds_are_masks = _crowds_are_masks(tree, annotations)
    if crowds_are_masks:
        findings.append(
            Where(path).finding(
                "unsure",
                "every painted mask is marked as a crowd, as CVAT and datumaro do; taken as masks",
            )
        )
    return _Contents(
        path, _task(annotations), labels, numbers, images, sorted_in, crowds_are_masks, findings
    )


def _by_id(things: Sequence[Any], kind: str, path: Path) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for number, thing in enumerate(things, 1):
        where = Where(path, f"{kind} {number}")
        key = fields.take(thing, "id", (int, str), where)
        if key in found:
            raise where.error(f"the id {key!r} is given twice")
        found[key] = thing
    return found


def _sorted_in(
    annotations: Iterable[Any], images: dict[Any, Any], path: Path
) -> tuple[dict[Any, list[Numbered]], list[Finding]]:
    """Give each annotation to its image; datumaro would pass over those without one."""
    sorted_in: dict[Any, list[Numbered]] = {key: [] for key in images}
    lost = []
    for number, annotation in enumerate(annotations, 1):
        where = Where(path, f"annotation {number}")
        key = fields.take(annotation, "image_id", (int, str), where)
        if key in images:
            sorted_in[key].append((number, annotation))
        else:
            lost.append(where.finding("missing", f"its image {key!r} is not in the file; left out"))
    if len(lost) > 1:
        text = f"{lost[0].message}, as are {len(lost) - 1} more such annotations"
        lost = [replace(lost[0], message=text)]
    return sorted_in, lost


def _crowds_are_masks(tree: dict[str, Any], annotations: Sequence[dict[str, Any]]) -> bool:
    """Tell files of CVAT and datumaro, which mark every mask that is no polygon as a crowd.

    They leave all that describes the data set empty, as the makers of COCO did not.
    """
    info = tree.get("info")
    if not isinstance(info, dict) or "contributor" not in info or any(info.values()):
        return False
    masks = [one for one in annotations if isinstance(one.get("segmentation"), dict)]
    return bool(masks) and all(_is_crowd(one) for one in masks)


def _is_crowd(thing: dict[str, Any]) -> bool:
    return bool(thing.get("iscrowd") == 1)


def _task(annotations: Sequence[dict[str, Any]]) -> str:
    if any("segments_info" in annotation for annotation in annotations):
        return "panoptic"
    if any(annotation.get("keypoints") for annotation in annotations):
        return "person_keypoints"
    shaped = any(one.get("bbox") or one.get("segmentation") for one in annotations)
    return "instances" if shaped or not annotations else "labels"


def _entry(
    contents: _Contents, key: Any, options: SourceOptions, findings: Sequence[Finding]
) -> Entry:
    image = contents.images[key]
    where = Where(contents.path, f"image {key!r}")
    written = fields.take(image, "file_name", str, where)
    split, around = _surroundings(contents.path)
    options = replace(options, images=(*options.images, *around))
    staged = _Staged(fields.stated_size(image.get("height"), image.get("width"), where))
    for annotation in contents.annotations[key]:
        _stage(annotation, contents, staged, options)
    of_file = contents.findings if key == next(iter(contents.images)) else ()
    return Entry(
        written,
        where,
        contents.labels,
        _lay_out(contents, staged) if staged.texts else None,
        find_picture(written, contents.path, options),
        staged.size,
        split,
        rest=len(contents.numbers) if staged.masks else None,
        findings=(*findings, *of_file, *staged.findings),
    )


def _surroundings(path: Path) -> tuple[str | None, Sequence[Path]]:
    """Give the split that a file is of, and the folders in which its images usually are."""
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    task = next((f"{task}_" for task in _ORDER if path.name.startswith(f"{task}_")), None)
    named = path.stem.removeprefix(task) if task else files.split_of([path.stem, path.parent.name])
    if not named:
        return None, [root]
    # CVAT calls the images of no split "default".
    split = None if named == "default" else re.sub(r"\d{4}$", "", named)
    return split, [root / named, root / "images" / named, root]


@dataclass
class _Staged:
    """What is laid out of an image.

    Args:
        size: Its height and width, where stated.
        texts: Its annotations, as JSON.
        masks: The masks of panoptic ones.
        findings: What was odd.
    """

    size: Size | None
    texts: list[str] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def _stage(
    numbered: Numbered, contents: _Contents, staged: _Staged, options: SourceOptions
) -> None:
    """Mend an annotation where datumaro is stricter than the files are, or would pass over it."""
    number, annotation = numbered
    where = Where(contents.path, f"annotation {number}")
    if contents.task == "panoptic":
        shape = _segments(annotation, where, contents, staged, options)
    else:
        shape = _shape(annotation, where, contents, staged)
    if shape is not None:
        try:
            staged.texts.append(json.dumps({"id": number, "image_id": 1} | shape, allow_nan=False))
        except ValueError:
            raise where.error("expected finite numbers, but got NaN or infinity") from None


def _category(
    thing: dict[str, Any], where: Where, contents: _Contents, staged: _Staged
) -> dict[str, Any] | None:
    """Renumber the category: datumaro takes 0 for none, and wants each name once."""
    key = fields.take(thing, "category_id", (int, str), where)
    if key not in contents.numbers:
        staged.findings.append(
            where.finding("unknown", f"its category {key!r} is not in the file; left out")
        )
        return None
    is_crowd = _is_crowd(thing) and not contents.crowds_are_masks
    return {"category_id": contents.numbers[key] + 1, "iscrowd": int(is_crowd)}


def _shape(
    annotation: dict[str, Any], where: Where, contents: _Contents, staged: _Staged
) -> dict[str, Any] | None:
    category = _category(annotation, where, contents, staged)
    box, points = (
        fields.numbers(annotation.get(key) or [], key, where) for key in ("bbox", "keypoints")
    )
    outline = _outline(annotation, where, staged)
    if category is None or contents.task == "labels":
        return category
    if category["iscrowd"]:
        # What is left out is an area, so a box serves only where there is no outline.
        box, outline = [], outline or _corners(box, where)
    if not (box or outline or points):
        if not annotation.get("segmentation"):  # else what is wrong with it is said already
            staged.findings.append(where.finding("empty", "has neither box nor outline; left out"))
        return None
    attributes = annotation.get("attributes")
    angle = attributes.get("rotation", 0) if isinstance(attributes, dict) else 0
    return category | {
        "bbox": box,
        "segmentation": outline,
        "keypoints": points,
        "attributes": {"rotation": angle},
    }


def _outline(annotation: dict[str, Any], where: Where, staged: _Staged) -> Any:
    outline = annotation.get("segmentation") or []
    if isinstance(outline, dict):
        size = check_run_lengths(outline, where)
        if staged.size not in (None, size):
            raise where.error(f"its mask (H, W) is {size} while its image is {staged.size}")
        staged.size = size
        return outline
    if not isinstance(outline, list):
        raise where.error(
            f"expected lists of coordinates or run lengths as 'segmentation', but "
            f"got {outline!r:.60}"
        )
    given = [fields.numbers(ring, "segmentation", where) for ring in outline if ring != []]
    rings = [ring for ring in given if len(ring) >= 6]
    if len(rings) < len(given):
        staged.findings.append(
            where.finding("empty", "an outline of fewer than three corners; left out")
        )
    return rings


def _corners(box: Sequence[float], where: Where) -> list[list[float]]:
    if not box:
        return []
    if len(box) != 4:
        raise where.error(f"expected x, y, width and height as 'bbox', but got {box!r:.60}")
    x, y, width, height = box
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def _segments(
    annotation: dict[str, Any],
    where: Where,
    contents: _Contents,
    staged: _Staged,
    options: SourceOptions,
) -> dict[str, Any] | None:
    written = fields.take(annotation, "file_name", str, where)
    path, root = contents.path, contents.path.parent.parent
    beside = (path.with_suffix(""), root / path.stem)
    mask = find_picture(written, path, replace(options, images=(*beside, *options.images)))
    if mask is None:
        staged.findings.append(where.finding("missing", f"there is no mask {written!r}"))
        return None
    staged.size = files.mask_size(mask)
    segments = []
    for segment in fields.take(annotation, "segments_info", list, where):
        number = fields.take(segment, "id", int, where)
        if category := _category(segment, where, contents, staged):
            segments.append({"id": number} | category)
    staged.masks.append(mask)
    return {"file_name": f"{len(staged.masks)}.png", "segments_info": segments}


def _lay_out(contents: _Contents, staged: _Staged) -> LayOut:
    def lay_out(folder: Path) -> Any:
        (folder / "images").mkdir(exist_ok=True)
        for number, mask in enumerate(staged.masks, 1):
            files.copy_mask(mask, folder / "annotations" / "one" / f"{number}.png")
        height, width = staged.size or (None, None)
        image = {"id": 1, "file_name": "1.jpg", "height": height, "width": width}
        categories = [
            {"id": number, "name": str(number), "keypoints": [], "skeleton": []}
            for number in range(1, len(contents.numbers) + 1)
        ]
        text = (
            f'{{"images": [{json.dumps(image)}], "categories": {json.dumps(categories)}, '
            f'"annotations": [{", ".join(staged.texts)}]}}'
        )
        path = files.write(folder / "annotations" / "one.json", text)
        items = list(plugin("coco.base", _READERS[contents.task])(str(path)))
        for item in items:  # they come in any order
            item.annotations.sort(key=lambda annotation: annotation.id)
        return items

    return lay_out
