"""CVAT for images 1.1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.ElementTree import iterparse

from weakseg.formats.readers.by_datumaro import fields, files
from weakseg.formats.readers.by_datumaro.entry import Entry, LayOut, plugin
from weakseg.formats.readers.by_datumaro.marks import Where, left_out
from weakseg.formats.readers.by_datumaro.run_lengths import check_runs
from weakseg.formats.source import SourceOptions, find_picture
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError

_PATTERNS = ("*.xml", "*/*.xml")
_SHAPES = {"box", "polygon", "polyline", "points", "mask", "tag"}
_ROOT = re.compile(r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*)*<annotations[\s/>]", re.DOTALL)


def recognises(path: Path) -> bool:
    """Tell whether this is an XML of annotations of images, or a folder with one."""
    return files.holds_file(path, _PATTERNS, _is_cvat)


def _is_cvat(path: Path) -> bool:
    head = files.head(path)
    return _ROOT.match(head) is not None and re.search(r"<(image|meta)[\s/>]", head) is not None


def look(path: Path, options: SourceOptions) -> Iterator[Entry]:
    """Go through the images of a file, or of all files in a folder."""
    for file in files.files_of(path, _PATTERNS, _is_cvat):
        labels: list[str] = []
        subsets: list[str] = []
        tags: Counter[str] = Counter()
        for element in _elements(file):
            tags[element.tag] += 1
            if element.tag == "label":
                name = element.findtext("name", "").strip()
                if name and name not in labels and element.find("parent") is None:
                    labels.append(name)
            elif element.tag == "subset":
                subsets.append((element.text or "").strip())
            elif element.tag == "image":
                where = Where(file, f"image {tags['image']} {element.get('name', '')!r}")
                split = subsets[0] if len(subsets) == 1 else files.split_of([file.stem])
                yield _entry(element, where, labels, split, options)
                element.clear()
            elif element.tag == "track":
                element.clear()
        if not tags["image"]:
            hint = "; export a video as CVAT for images" if tags["track"] else ""
            raise DataError(f"holds no image{hint}", path=file)


def _elements(path: Path) -> Iterator[Any]:
    """Read an XML piece by piece; entities, which may blow up, are refused."""
    try:
        for _, element in iterparse(str(path), forbid_dtd=True):
            yield element
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise DataError(
            f"is not readable as XML ({type(error).__name__}: {error})", path=path
        ) from error


def _entry(
    image: Any, where: Where, labels: list[str], split: str | None, options: SourceOptions
) -> Entry:
    written = image.get("name", "")
    split = image.get("subset") or split
    folder = where.path.parent / "images"
    around = [folder / split] if split else []
    options = replace(options, images=(*options.images, *around))
    size = fields.stated_size(image.get("height"), image.get("width"), where)
    shapes, findings = _shapes(image, labels, where)
    return Entry(
        written,
        where,
        tuple(labels),
        _lay_out(shapes, len(labels)) if shapes else None,
        find_picture(written, where.path, options),
        size,
        None if split in {None, "default"} else split,
        findings=findings,
    )


def _shapes(
    image: Any, labels: list[str], where: Where
) -> tuple[list[dict[str, str]], list[Finding]]:
    """Give the shapes that datumaro can read, as attributes; new labels are taken up."""
    shapes, findings = [], []
    unread: Counter[str] = Counter()
    for number, element in enumerate(image, 1):
        place = replace(where, entry=f"{where.entry}, {element.tag} {number}")
        label = element.get("label", "").strip()
        if element.tag not in _SHAPES:
            unread[element.tag] += 1
        elif not label:
            findings.append(place.finding("unknown", "has no label; left out"))
        elif element.tag == "polygon" and element.get("points", "").count(";") < 2:
            findings.append(place.finding("empty", "has fewer than three corners; left out"))
        else:
            if element.tag == "mask":
                _check_mask(element, place)
            elif element.tag not in {"box", "tag"}:
                _check_corners(element.get("points", ""), place)
            if label not in labels:
                labels.append(label)
            numbered = {"label": str(labels.index(label)), "tag": element.tag}
            shapes.append(dict(element.attrib) | numbered)
    if unread:
        findings.append(left_out(unread, where))
    return shapes, findings


def _check_corners(written: str, where: Where) -> None:
    wrong = next((pair for pair in written.split(";") if pair.count(",") != 1), None)
    if wrong is not None:
        raise where.error(f"expected corners as x,y;x,y but got {wrong!r:.60}")


def _check_mask(mask: Any, where: Where) -> None:
    left, top, width, height = (
        fields.whole_number(mask.get(side), side, where)
        for side in ("left", "top", "width", "height")
    )
    fields.check_size((height, width), where)
    fields.check_size((top + height, left + width), where)
    if min(left, top) < 0:
        raise where.error(f"expected a mask inside its image, but got one at {left}, {top}")
    runs = [
        fields.whole_number(run, "length of a run", where) for run in mask.get("rle", "").split(",")
    ]
    check_runs(runs, (height, width), where)


def _lay_out(shapes: list[dict[str, str]], labels: int) -> LayOut:
    def lay_out(folder: Path) -> Any:
        height, width = 1, 1  # datumaro paints masks into a picture of the image's size
        root = Element("annotations")
        task = SubElement(SubElement(root, "meta"), "task")
        for number in range(labels):
            SubElement(SubElement(task, "label"), "name").text = str(number)
        image = SubElement(root, "image", id="1", name="1.jpg")
        for shape in shapes:
            if shape["tag"] == "mask":
                height = max(height, int(shape["top"]) + int(shape["height"]))
                width = max(width, int(shape["left"]) + int(shape["width"]))
            SubElement(image, shape.pop("tag"), shape)
        image.attrib |= {"height": str(height), "width": str(width)}
        files.write(folder / "images" / "1.jpg", "")
        path = files.write(folder / "one.xml", tostring(root, encoding="unicode"))
        return plugin("cvat.base", "CvatBase")(str(path))

    return lay_out
