"""Objects in XML files of PASCAL VOC: boxes, perhaps rotated, and outlines, counted in two ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weakseg.formats.collector import Collector
from weakseg.formats.tool_exports import rotation_of
from weakseg.marks.kinds import Place
from weakseg.marks.label_values import VOID
from weakseg.support.entries import Entry

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_UNKNOWN = ("source/database", "source/annotation", "source/image")
_FROM_ONE = 0.5  # pixel i, counted from 1, has its centre half a pixel before i


def counts_from_zero(root: Element) -> str | None:
    """Return the tool that wrote a file, if it is one that counts pixels from 0.

    Such a tool writes the edges of boxes, x and x + width, where PASCAL VOC has the first and the
    last pixel, counted from 1. Label Studio says its name. Datumaro, which CVAT uses, says that all
    it does not know is "Unknown", and writes fractions.
    """
    if text_of(root, "owner/name") == "Label Studio":
        return "Label Studio"
    if any(text_of(root, place) != "Unknown" for place in _UNKNOWN):
        return None
    objects = root.findall("object")
    edges = [text_of(each, f"bndbox/{edge}") for each in objects for edge in _EDGES]
    is_datumaro = all("." in edge for edge in edges)
    is_datumaro &= all(each.find("occluded") is not None for each in objects)
    return "Datumaro or CVAT" if objects and is_datumaro else None


def has_outline(element: Element) -> bool:
    """Whether an object has an outline, as Roboflow and supervision write it."""
    return any(len(ring) for ring in element.findall("polygon"))


def add_object(
    element: Element, class_id: int, collector: Collector, entry: Entry, *, from_zero: bool
) -> None:
    """Add the box of an object, and its outline; what is damaged is left out and noted.

    Args:
        element: The object.
        class_id: Its class.
        collector: Takes the marks.
        entry: Where it stands.
        from_zero: Whether the file counts pixels from 0; see `counts_from_zero`.
    """
    if class_id != VOID or not has_outline(element):
        with collector.one_mark():
            _add_box(element, class_id, collector, entry, from_zero=from_zero)
    for ring in element.findall("polygon"):
        if len(ring):
            with collector.one_mark():
                shift = 0.0 if from_zero else _FROM_ONE
                places = [(x - shift, y - shift) for x, y in _corners(ring, entry)]
                collector.polygon(class_id, places, entry)


def _add_box(
    element: Element, class_id: int, collector: Collector, entry: Entry, *, from_zero: bool
) -> None:
    degrees = rotation_of(_attributes(element))
    if element.find("bndbox") is not None:
        left, top, right, bottom = _edges(element, entry, from_zero=from_zero)
    elif element.find("robndbox") is not None:  # of roLabelImg
        names = ("cx", "cy", "w", "h", "angle")
        x, y, width, height, angle = (_number(element, "robndbox", name, entry) for name in names)
        left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        degrees = math.degrees(angle)
    else:
        if not has_outline(element):
            collector.note("unread", "no bndbox; only the name was taken, as a tag", entry)
        return
    if right <= left or bottom <= top:
        collector.note("empty", "a box that ends before it begins; left out", entry)
        return
    size = right - left, bottom - top
    collector.rectangle(class_id, (left, top), size, entry, degrees=degrees)


def _edges(element: Element, entry: Entry, *, from_zero: bool) -> tuple[float, float, float, float]:
    """Read the edges of a box; fractions that count from 1 lie in the pixel to which they round."""
    left, top, right, bottom = (_number(element, "bndbox", name, entry) for name in _EDGES)
    if from_zero:
        return left, top, right, bottom
    first = (math.floor(value + 0.5) - 1 for value in (left, top))
    last = (math.floor(value + 0.5) for value in (right, bottom))
    return (*first, *last)  # type: ignore[return-value]


def _attributes(element: Element) -> dict[str, str]:
    found = element.iterfind("attributes/attribute")
    return {text_of(each, "name"): text_of(each, "value") for each in found}


def _corners(ring: Element, entry: Entry) -> list[Place]:
    """Read an outline, x1, y1, x2, y2 and so on."""
    texts = {child.tag: child.text for child in ring}
    count = sum(tag.startswith("x") for tag in texts)
    return [
        (entry.number(texts.get(f"x{i}"), f"x{i}"), entry.number(texts.get(f"y{i}"), f"y{i}"))
        for i in range(1, count + 1)
    ]


def text_of(element: Element, child: str) -> str:
    """Return the text of a child, without space around it; nothing where there is none."""
    return (element.findtext(child) or "").strip()


def _number(element: Element, parent: str, name: str, entry: Entry) -> float:
    return entry.number(element.findtext(f"{parent}/{name}"), name)
