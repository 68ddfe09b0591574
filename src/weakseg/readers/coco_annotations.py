"""Annotations of an image in a COCO file, as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weakseg.formats.collector import Collector
from weakseg.formats.pictures import find_picture
from weakseg.formats.run_lengths import read_run_lengths, region_of_runs
from weakseg.formats.source import SourceOptions
from weakseg.formats.tool_exports import rotation_of
from weakseg.images.reading import opened, read_size
from weakseg.marks.drawing import Canvas, Size
from weakseg.marks.kinds import Region
from weakseg.marks.label_values import VOID
from weakseg.support.entries import Entry
from weakseg.support.wording import counted

Object = dict[str, Any]


@dataclass(frozen=True)
class Conventions:
    """What holds for all annotations of a file.

    Args:
        class_ids: Ids of classes by the ids of categories.
        has_shapes: Annotations have shapes; else they are tags.
        crowds_are_void: What is marked as a crowd is left out of training, as in the published
            files of COCO; elsewhere it is an object like any other.
    """

    class_ids: Mapping[int | str, int]
    has_shapes: bool
    crowds_are_void: bool


class ImageReader:
    """Reader of the annotations of one image.

    Args:
        conventions: What holds for the file.
        collector: Takes up marks and findings.
        size: Height and width of the image, where the file states them; masks state them too.
    """

    def __init__(self, conventions: Conventions, collector: Collector, size: Size | None) -> None:
        self.size = size
        self.collector = collector
        self._conventions = conventions
        self._uncovered: Canvas | None = None  # what no panoptic segment covers, (H, W)

    def read(self, annotation: Object, number: int, options: SourceOptions) -> None:
        """Read an annotation; `number` is its place in the file, from 1 on."""
        entry = Entry(self.collector.entry.path, f"annotation {number}")
        if "segments_info" in annotation:
            self._read_panoptic(annotation, entry, options)
            return
        with self.collector.one_mark():
            class_id = self._class_of(annotation, entry)
            if class_id is None:
                return
            if self._conventions.has_shapes:
                self._read_shapes(annotation, class_id, entry, number)
            else:
                self.collector.tag(class_id)

    def finish(self) -> None:
        """Make void what no panoptic segment covers."""
        if self._uncovered is not None and self._uncovered.any():
            self.collector.mask(VOID, self._uncovered, self.collector.entry)

    def _class_of(self, thing: Object, entry: Entry) -> int | None:
        key = entry.key(thing.get("category_id"), "'category_id'")
        if key not in self._conventions.class_ids:
            message = f"its category {key!r} is not in the file; left out"
            self.collector.note("unknown", message, entry)
            return None
        return VOID if self._is_left_out(thing) else self._conventions.class_ids[key]

    def _is_left_out(self, thing: Object) -> bool:
        return is_crowd(thing) and self._conventions.crowds_are_void

    def _read_shapes(self, annotation: Object, class_id: int, entry: Entry, number: int) -> None:
        outline = annotation.get("segmentation")
        outline = [] if outline is None or outline == {} else outline
        outline = [ring for ring in outline if ring != []] if isinstance(outline, list) else outline
        box, points = (
            [] if annotation.get(key) is None else entry.numbers(annotation[key], f"'{key}'")
            for key in ("bbox", "keypoints")
        )
        if len(box) not in (0, 4):
            raise entry.expected("x, y, width and height as 'bbox'", box)
        if not (outline or box or points):
            self.collector.note("empty", "has neither box nor outline; left out", entry)
        if class_id == VOID:
            # What is left out is an area, so a box serves only where there is no outline.
            outline, box = outline or _ring_of(box), []
        self._read_outline(outline, class_id, entry, number)
        self._read_key_points(points, class_id, entry, number)
        if box:
            x, y, width, height = box
            degrees = rotation_of(annotation.get("attributes"))
            self.collector.rectangle(
                class_id, (x, y), (width, height), entry, number, degrees=degrees
            )

    def _read_outline(self, outline: Any, class_id: int, entry: Entry, number: int) -> None:
        if isinstance(outline, list):
            for ring in outline:
                corners = entry.corners(ring, "'segmentation'")
                self.collector.polygon(class_id, corners, entry, number)
        elif isinstance(outline, dict):
            size, runs = read_run_lengths(outline, "'segmentation'", entry)
            self._check_size(size, entry)
            self.collector.region(region_of_runs(class_id, runs, size, number), entry)
        else:
            raise entry.error(
                "expected lists of coordinates or run lengths as 'segmentation', but "
                f"got {outline!r:.60}"
            )

    def _check_size(self, size: Size, entry: Entry) -> None:
        if self.size not in (None, size):
            raise entry.error(f"its mask (H, W) is {size} while its image is {self.size}")
        self.size = size

    def _read_key_points(
        self, numbers: Sequence[float], class_id: int, entry: Entry, number: int
    ) -> None:
        if len(numbers) % 3:
            raise entry.error(
                f"expected x, y and visibility of each key point, but got {len(numbers)} numbers"
            )
        for x, y, visibility in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
            if visibility not in (0, 1, 2):
                raise entry.error(
                    f"expected 0, 1 or 2 as a key point's visibility, but got {visibility}"
                )
            if visibility:
                self.collector.point(class_id, (x, y), entry, number)

    def _read_panoptic(self, annotation: Object, entry: Entry, options: SourceOptions) -> None:
        written = entry.text(annotation.get("file_name"), "'file_name'")
        path = entry.path or Path()
        beside = (path.with_suffix(""), path.parent.parent / path.stem)
        file = find_picture(written, path, replace(options, images=(*beside, *options.images)))
        if file is None:
            self.collector.note("missing", f"there is no mask {written!r}")
            return
        segments = self._segments(annotation, entry)
        numbers = _segment_numbers(file)
        self._check_size(numbers.shape, entry)
        known = np.array(sorted(segments), int)
        # Place of each pixel's segment among those that are known, from 1 on; 0 for all others.
        place = np.searchsorted(known, numbers, side="right")
        place[~np.isin(numbers, known)] = 0
        extents = ndimage.find_objects(place, max_label=known.size)
        for number, (class_id, of_segment) in segments.items():
            own = int(np.searchsorted(known, number)) + 1
            if extents[own - 1] is None:
                self.collector.note("empty", "covers no pixel; left out", of_segment)
                continue
            rows, columns = extents[own - 1]
            region = Region.from_mask(
                class_id,
                place[rows, columns] == own,
                columns.start,
                rows.start,
                instance=number or None,
            )
            self.collector.region(region, of_segment)
        uncovered = place == 0
        unlisted = np.unique(numbers[uncovered & (numbers != 0)])
        if unlisted.size:
            ids = counted(unlisted.size, "segment of its mask is", "segments of its mask are")
            message = f"{ids} not in 'segments_info' (the first: {unlisted[0]}); void"
            self.collector.note("unknown", message, entry)
        self._uncovered = uncovered if self._uncovered is None else self._uncovered & uncovered

    def _segments(self, annotation: Object, entry: Entry) -> dict[int, tuple[int, Entry]]:
        """Read the class of each panoptic segment, and where it stands, by its number."""
        segments: dict[int, tuple[int, Entry]] = {}
        listed = entry.list(annotation["segments_info"], "'segments_info'")
        for count, value in enumerate(listed, 1):
            place = entry.part(f"segment {count}")
            segment = place.object(value, "a segment")
            number = place.integer(segment.get("id"), "'id'")
            if number in segments or not 0 <= number < 1 << 24:
                raise place.error(
                    "expected a number of its own, below 2^24, as a segment's 'id', but got "
                    f"{number!r:.60}"
                )
            class_id = self._class_of(segment, place)
            if class_id is not None:
                segments[number] = class_id, place
        return segments


def is_crowd(thing: Object) -> bool:
    """Check whether an annotation or a segment is marked as a crowd."""
    return bool(thing.get("iscrowd") == 1)


def _ring_of(box: Sequence[float]) -> list[list[float]]:
    if not box:
        return []
    x, y, width, height = box
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def _segment_numbers(mask: Path) -> NDArray[np.int32]:
    """Read the number of each pixel's segment, R + 256 G + 65536 B, (H, W)."""
    with opened(mask, what="mask") as picture:
        read_size(picture.height, picture.width, Entry(mask), of="the mask")
        red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), np.int32), -1, 0)
    numbers: NDArray[np.int32] = red | green << 8 | blue << 16
    return numbers
