"""Index of a COCO file: what its annotations have in common, and where those of an image are."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.marks.findings import Finding, left_out
from weakseg.readers.coco_annotations import Object, is_crowd
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.json_stream import JsonStream, Span

Key = int | str  # an id, as `Entry.key` reads it

_OF_IMAGES = ("id", "file_name", "height", "width")
# From here on are the numbers of crowds in the published files.
_CROWD_NUMBERS = 900_100_000_000
_NOWHERE = -1


class Survey:
    """What the annotations of a file have in common, counted one by one.

    Attributes:
        annotations: How many there are, damaged ones too.
        has_shape: One has a shape.
        is_panoptic: One lists the segments of a mask.
        names_category_0: One is of a category with the id 0.
        crowds: How many are marked as crowds.
        published_crowds: The id of a crowd is as in the published files.
        outlined: One has an outline.
        without_outline: How many have a box and an outline that is empty.
        bare_box: One has a box and no outline.
    """

    def __init__(self) -> None:
        self.annotations = 0
        self.has_shape = False
        self.is_panoptic = False
        self.names_category_0 = False
        self.crowds = 0
        self.published_crowds = False
        self.outlined = False
        self.without_outline = 0
        self.bare_box = False

    def add(self, annotation: Any) -> None:
        """Count an annotation."""
        self.annotations += 1
        if not isinstance(annotation, dict):
            return
        box, outline = annotation.get("bbox"), annotation.get("segmentation")
        if outline:
            self.has_shape = self.outlined = True
        elif box:
            self.has_shape = self.bare_box = True
            self.without_outline += outline == []
        elif annotation.get("keypoints") or annotation.get("segments_info"):
            self.has_shape = True
        self.is_panoptic |= "segments_info" in annotation
        self.names_category_0 |= annotation.get("category_id") == 0
        if is_crowd(annotation):
            self.crowds += 1
            number = annotation.get("id")
            self.published_crowds |= type(number) is int and number >= _CROWD_NUMBERS


class Places:
    """Where annotations are in a file, by their images, in 20 bytes and a few more each."""

    def __init__(self) -> None:
        self._images: dict[Key, int] = {}  # that annotations name, numbered
        self._image_of, self._start, self._length = array("i"), array("q"), array("q")
        self._order: NDArray[np.intp] | None = None  # of annotations, by their images

    def add(self, image: Key | None, span: Span) -> None:
        """Add the next annotation of the file; without an image, it counts as one and is lost."""
        number = _NOWHERE if image is None else self._images.setdefault(image, len(self._images))
        self._image_of.append(number)
        self._start.append(span.start)
        self._length.append(span.length)

    def numbers(self, image: Key) -> list[int]:
        """Return the annotations of an image, by their places in the file, from 1 on."""
        if self._order is None:
            self._order = np.argsort(self._image_of, kind="stable")
            self._ends = np.cumsum(np.bincount(np.asarray(self._image_of) + 1))
        number = self._images.get(image)
        if number is None:
            return []
        found = self._order[self._ends[number] : self._ends[number + 1]].tolist()
        return [place + 1 for place in found]

    def span(self, number: int) -> Span:
        """Return where an annotation is in the file."""
        return Span(self._start[number - 1], self._length[number - 1])

    def lost(self, images: Collection[Key]) -> tuple[int, Key, int] | None:
        """Find annotations of images that are not in the file.

        Args:
            images: The file's images.

        Returns:
            The first such annotation, the image that it names, and how many there are.
        """
        names = list(self._images)
        absent = [number for number, image in enumerate(names) if image not in images]
        found = np.flatnonzero(np.isin(self._image_of, absent))
        if not found.size:
            return None
        first = int(found[0])
        return first + 1, names[self._image_of[first]], found.size


class CocoIndex:
    """Index of a file, made in one pass, by which the annotations of each image are read.

    Args:
        path: The file.

    Attributes:
        tree: The file's object, with empty lists of images and annotations.
        images: What is used of each image.
        survey: What all annotations have in common.
        places: Where they are.
        damaged: Findings of those that name no image.

    Raises:
        DataError: The file is no JSON, or holds no object.
    """

    def __init__(self, path: Path) -> None:
        self._stream = JsonStream(path)
        self.tree: Object = {}
        self.images: list[Any] = []
        self.survey = Survey()
        self.places = Places()
        self.damaged: list[Finding] = []
        for section, value, span in self._stream.members({"images", "annotations"}):
            if span is None:
                self.tree[section] = value
            elif section == "images":
                self.images.append(_used_of(value))
            else:
                self.survey.add(value)
                self.places.add(self._image_of(value), span)

    def read(self, images: Iterable[Key]) -> Iterator[Object]:
        """Read the annotations of some images, image by image, in the order of the file."""
        numbers = chain.from_iterable(map(self.places.numbers, images))
        return self._stream.items(map(self.places.span, numbers))

    def _image_of(self, annotation: Any) -> Key | None:
        """Return the id of an annotation's image; note an annotation without one."""
        entry = Entry(self._stream.path, f"annotation {self.survey.annotations}")
        try:
            return entry.key(
                entry.object(annotation, "an annotation").get("image_id"), "'image_id'"
            )
        except DataError as error:
            self.damaged.append(left_out(error))
            return None


def _used_of(image: Any) -> Any:
    if not isinstance(image, dict):
        return image
    used = {key: image.get(key) for key in _OF_IMAGES}
    url = image.get("coco_url")
    if used["file_name"] is None and isinstance(url, str):
        # LVIS has an address in place of a name, which ends in the folder and the name.
        used["file_name"] = "/".join(url.split("/")[-2:])
    return used
