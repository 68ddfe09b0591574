"""Inspection of one image: its marks, the pixels they label, and findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from weakseg.formats.source import Annotated
from weakseg.inspection.image_checks import check_image_file
from weakseg.inspection.mark_checks import (
    NEAR_EMPTY_AREA,
    class_name,
    finding_in,
    is_class,
    label_map_fault,
    position_text,
    usable_marks,
    with_every_value,
)
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Size
from weakseg.marks.findings import Finding, finding_from
from weakseg.marks.kinds import Box, Drawn, Marks
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import MAX_CLASSES, UNLABELLED, VOID
from weakseg.marks.rasterize import USUAL_RULES, DrawingRules, draw_marks, lay_over, pixel_of
from weakseg.support.errors import DataError
from weakseg.support.wording import counted

Histogram = NDArray[np.int64]  # (256,): number of pixels by value of a label map

_MAX_NAMED = 5  # wrong values of a label map
_LABEL_MAPS = {"scribbles": "scribbles", "masks": "mask"}  # kind of marks -> field of Marks


@dataclass(frozen=True)
class ImageInspection:
    """Result for one image.

    Args:
        item: The image as it was read.
        size: Height and width, where known.
        marks: The marks that can be drawn, clipped to the image.
        findings: Findings in it.
        marked: Number of marks by class, for each kind.
        pixels: Pixels that the marks label, by value of a label map.
        named: Classes, except background, by the kind that names them.
        boxed: Pixels of masks inside a box of their class; None without masks or boxes.
        masked: Pixels of connected areas of masks that meet a box of their class; None likewise.
            Other areas are of objects that have no box.
    """

    item: Annotated
    size: Size | None
    marks: Marks
    findings: tuple[Finding, ...]
    marked: dict[str, Counter[int]]
    pixels: Histogram
    named: dict[str, frozenset[int]]
    boxed: Histogram | None
    masked: Histogram | None

    @property
    def name(self) -> str:
        """Name of the image."""
        return self.item.name

    @cached_property
    def shows(self) -> frozenset[int | str]:
        """Class ids, maybe `VOID`, and kinds of marks that it has."""
        shown: set[int | str] = {kind for kind, classes in self.marked.items() if classes}
        shown.update(*self.marked.values(), np.flatnonzero(self.pixels).tolist())
        return frozenset(shown - {UNLABELLED})


@dataclass
class _Layer:
    """Label map of some kinds of marks."""

    labels: LabelMap
    conflicts: dict[str, int]
    counts: Histogram = field(init=False)

    def __post_init__(self) -> None:
        self.counts = histogram(self.labels)

    @property
    def labelled(self) -> int:
        return self.labels.size - int(self.counts[UNLABELLED])


def inspect_image(
    item: Annotated,
    classes: ClassList,
    rules: DrawingRules = USUAL_RULES,
    *,
    decode: bool = False,
) -> ImageInspection:
    """Inspect one image; whatever is wrong with it becomes a finding.

    Args:
        item: The image with its marks.
        classes: The classes.
        rules: How marks are drawn.
        decode: Decode the image, not only its header.

    Raises:
        DataError: `rules.boxes_complete` is set and no class is background.
    """
    size, of_image = check_image_file(item, decode=decode)
    marks, of_marks = usable_marks(item, size, classes)
    findings = [*item.findings, *of_image, *of_marks]
    layers: dict[str, _Layer] = {}
    if size is not None:
        marks, layers, of_layers = _draw(item, marks, size, classes, rules)
        findings += [*of_layers, *_conflicts(item, layers)]
        findings += _contradicted_points(item, marks, layers.get("masks"), classes)
    pixels = _combined(layers)
    if _is_unmarked(marks, pixels, classes, drawn=size is not None):
        findings.append(finding_in(item, "unmarked", "has no mark that can be used"))
    masks = layers.get("masks")
    boxed, masked = _inside_boxes(masks, marks.boxes) if masks and marks.boxes else (None, None)
    return ImageInspection(
        item=item,
        size=size,
        marks=marks,
        findings=tuple(findings),
        marked=_marks_by_class(marks, layers),
        pixels=pixels,
        named=_named_classes(marks, masks, classes),
        boxed=boxed,
        masked=masked,
    )


def histogram(labels: LabelMap) -> Histogram:
    """Count the pixels of each value of a label map, (256,)."""
    # Pillow counts bytes as they are; numpy would first make eight bytes of each.
    return np.array(Image.fromarray(labels).histogram(), np.int64)


def _draw(
    item: Annotated,
    marks: Marks,
    size: Size,
    classes: ClassList,
    rules: DrawingRules,
) -> tuple[Marks, dict[str, _Layer], list[Finding]]:
    """Draw the marks; return those that could be drawn, the layers from bottom to top, findings.

    Masks, and scribbles where they are a label map, have a layer each. The marks below them share
    one, named "below".
    """
    layers: dict[str, _Layer] = {}
    findings: list[Finding] = []
    every_value = with_every_value(classes)

    def drawn(kinds: set[str]) -> _Layer:
        drawing = draw_marks(
            marks.only(kinds),
            size,
            every_value,
            rules,
            image=item.name,
        )
        return _Layer(drawing.labels, drawing.conflicts)

    for name, kinds in _layers_to_draw(marks, rules).items():
        try:
            layers[name] = drawn(kinds)
        except DataError as error:
            path = _label_map(marks, name)
            if path is None:  # the rules are wrong, not this image
                raise
            findings.append(label_map_fault(path, size) or finding_from(error))
            marks = replace(marks, **{_LABEL_MAPS[name]: None})  # type: ignore[arg-type]
            layers[name] = drawn(kinds)
        path = _label_map(marks, name)
        if path is not None:
            findings += _drop_unknown(layers[name], path, classes)
            findings += _small_areas(layers[name], path, classes) if name == "masks" else []
    return marks, layers, findings


def _label_map(marks: Marks, kind: str) -> Path | None:
    path: Path | None = getattr(marks, _LABEL_MAPS[kind]) if kind in _LABEL_MAPS else None
    return path


def _layers_to_draw(marks: Marks, rules: DrawingRules) -> dict[str, set[str]]:
    """Return the kinds of marks in each layer, bottom layer first; empty ones are left out."""
    below = {"points", "scribbles"} | ({"boxes"} if rules.boxes_complete else set())
    layers = {"below": below, "masks": {"masks"}}
    if marks.scribbles is not None:
        layers = {"below": below - {"scribbles"}, "scribbles": {"scribbles"}, "masks": {"masks"}}
    return {name: kinds for name, kinds in layers.items() if not marks.only(kinds).is_empty}


def _drop_unknown(layer: _Layer, path: Path, classes: ClassList) -> list[Finding]:
    unknown = [
        int(value)
        for value in np.flatnonzero(layer.counts[:UNLABELLED])
        if not is_class(int(value), classes)
    ]
    if not unknown:
        return []
    y, x = np.argwhere(np.isin(layer.labels, unknown))[0]
    layer.labels[np.isin(layer.labels, unknown)] = UNLABELLED
    layer.counts = histogram(layer.labels)
    more = ", …" if len(unknown) > _MAX_NAMED else ""
    values = ", ".join(map(str, unknown[:_MAX_NAMED])) + more
    return [
        Finding(
            "unknown",
            f"holds {values} (first at x={x}, y={y}): expected 0 to "
            f"{len(classes) - 1}, {UNLABELLED} (unlabelled) or {VOID} (void); left out",
            path,
        )
    ]


def _small_areas(layer: _Layer, path: Path, classes: ClassList) -> list[Finding]:
    counts = layer.counts[: min(len(classes), MAX_CLASSES)]
    return [
        Finding(
            "empty",
            f"class {class_name(int(value), classes)} has only "
            f"{counted(int(counts[value]), 'pixel')}",
            path,
        )
        for value in np.flatnonzero((counts > 0) & (counts < NEAR_EMPTY_AREA))
    ]


def _conflicts(item: Annotated, layers: dict[str, _Layer]) -> list[Finding]:
    return [
        finding_in(
            item,
            "conflict",
            f"{kind} of different classes share {pixels:,} pixels, "
            f"{pixels / max(1, layer.labelled):.2%} of those they label",
        )
        for layer in layers.values()
        for kind, pixels in layer.conflicts.items()
    ]


def _contradicted_points(
    item: Annotated, marks: Marks, masks: _Layer | None, classes: ClassList
) -> list[Finding]:
    if masks is None:
        return []
    found = []
    for point in marks.points:
        column, row = pixel_of(point, (masks.labels.shape[0], masks.labels.shape[1]))
        label = int(masks.labels[row, column])
        if is_class(label, classes) and point.class_id not in (label, VOID):
            message = (
                f"a point of {class_name(point.class_id, classes)} at "
                f"{position_text(point.x, point.y)} lies where a mask has "
                f"{class_name(label, classes)}"
            )
            found.append(finding_in(item, "conflict", message))
    return found


def _combined(layers: dict[str, _Layer]) -> Histogram:
    """Count pixels of all layers together; the upper layer wins, as in `draw_marks`."""
    if not layers:
        return np.zeros(256, np.int64)
    first, *upper = layers.values()
    if not upper:
        return first.counts
    labels = first.labels.copy()
    for layer in upper:
        lay_over(labels, layer.labels)
    return histogram(labels)


def _is_unmarked(marks: Marks, pixels: Histogram, classes: ClassList, *, drawn: bool) -> bool:
    if not drawn:
        return marks.is_empty
    return not (marks.tags or marks.boxes or pixels[: len(classes)][:MAX_CLASSES].any())


def _marks_by_class(marks: Marks, layers: dict[str, _Layer]) -> dict[str, Counter[int]]:
    """Count marks; a class in a label map is one mark."""

    def of(*drawn: Drawn) -> Counter[int]:
        return Counter(mark.class_id for mark in drawn)

    painted: dict[str, list[Drawn]] = {"scribbles": [], "masks": []}
    for region in marks.regions:
        painted[f"{region.kind}s"].append(region)
    counted = {
        "tags": Counter(marks.tags),
        "boxes": of(*marks.boxes),
        "points": of(*marks.points),
        "scribbles": of(*marks.strokes, *painted["scribbles"]),
        "masks": of(*marks.polygons, *painted["masks"]),
    }
    for kind, name in _LABEL_MAPS.items():
        if getattr(marks, name) is not None and kind in layers:
            held = np.flatnonzero(layers[kind].counts[:UNLABELLED]).tolist()
            counted[kind].update(set(held) - counted[kind].keys())
    return counted


def _named_classes(
    marks: Marks, masks: _Layer | None, classes: ClassList
) -> dict[str, frozenset[int]]:
    """Return the classes that each kind names, except background, which is no tag."""
    named: dict[str, frozenset[int]] = {}
    if marks.tags:
        named["tags"] = marks.tags
    if marks.boxes:
        named["boxes"] = frozenset(box.class_id for box in marks.boxes)
    if masks is not None and masks.labelled:
        named["masks"] = frozenset(np.flatnonzero(masks.counts[:UNLABELLED]).tolist())
    ignored = {0, VOID} if classes.has_background else {VOID}
    return {kind: found - ignored for kind, found in named.items()}


def _inside_boxes(masks: _Layer, boxes: tuple[Box, ...]) -> tuple[Histogram, Histogram]:
    """Count the pixels of each class inside a box of it, and those of areas that meet one."""
    labels, outside = masks.labels, masks.labels.copy()
    for box in boxes:
        part = outside[box.window((outside.shape[0], outside.shape[1]))]
        part[part == box.class_id] = UNLABELLED
    inside = masks.counts - histogram(outside)
    inside[UNLABELLED] = 0
    meeting = inside.copy()
    for class_id in np.flatnonzero((inside > 0) & (inside < masks.counts)):
        areas, _ = ndimage.label(labels == class_id, np.ones((3, 3)))
        boxed = np.unique(areas[(labels == class_id) & (outside == UNLABELLED)])
        meeting[class_id] = np.bincount(areas.ravel())[boxed].sum()
    return inside, meeting
