"""Inspection of every image and every mark of a data set, one image at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor

from weakseg.formats.source import Annotated
from weakseg.inspection.counts import Inspection, Tally
from weakseg.inspection.duplicates import DuplicateFinder
from weakseg.inspection.image_inspection import ImageInspection, inspect_image
from weakseg.marks.classes import ClassList
from weakseg.marks.findings import Finding, finding_from
from weakseg.marks.rasterize import USUAL_RULES, DrawingRules
from weakseg.support.errors import DataError
from weakseg.support.progress import progress

_AHEAD = 8  # images under way for each worker


def inspect_marks(
    images: Iterable[Annotated],
    classes: ClassList,
    *,
    min_images: int = 5,
    rules: DrawingRules = USUAL_RULES,
    decode: bool = False,
    workers: int | None = None,
    total: int | None = None,
) -> Inspection:
    """Count the marks of a data set, and find what is wrong with them.

    Whatever is wrong with an image becomes a finding and stops nothing. Images are streamed, few in
    memory at a time.

    Args:
        images: Images with their marks. Their files must stay where they are until the sheets
            are drawn.
        classes: The classes.
        min_images: Expected number of images of each class.
        rules: How marks are drawn.
        decode: Decode every image, not only its header, to find truncated ones.
        workers: Number of threads; by default one, or one a processor to decode (headers and small
            marks only keep threads waiting for each other).
        total: Number of images, for the progress bar.

    Returns:
        Counts, findings and a sample of images to show.

    Raises:
        DataError: `rules.boxes_complete` is set and no class is background.

    Examples:
        >>> from pathlib import Path
        >>> from weakseg.marks.kinds import Marks, Point
        >>> marks = Marks(points=(Point(1, 3, 4),))
        >>> cat = Annotated("cat", marks, None, (20, 30), Path("clicks.json"))
        >>> found = inspect_marks([cat], ClassList(("background", "cat")), min_images=1)
        >>> found.classes[1].pixels, found.finding_counts
        (88, {'missing': 1})
    """
    if total is None and isinstance(images, Sized):
        total = len(images)
    tally, duplicates, unread = Tally(classes), DuplicateFinder(), list[Finding]()
    inspected = _in_threads(
        lambda item: inspect_image(item, classes, rules, decode=decode),
        _skip_errors(images, unread),
        workers or (os.cpu_count() or 1 if decode else 1),
    )
    for image in progress(inspected, "Inspecting", total):
        tally.add(image)
        duplicates.add(image.item)
    tally.note(unread)
    tally.note(duplicates.findings())
    tally.note(tally.class_findings(min_images))
    tally.note(tally.split_findings())
    tally.note(tally.mask_findings())
    tally.note(tally.apart_findings())
    return tally.result()


def _skip_errors(images: Iterable[Annotated], unread: list[Finding]) -> Iterator[Annotated]:
    """Yield images; collect the reader's errors as findings, and go on as long as it does."""
    reader = iter(images)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except DataError as error:
            finding = finding_from(error)
            if finding in unread:  # the reader does not get any further
                return
            unread.append(finding)


def _in_threads(
    work: Callable[[Annotated], ImageInspection], items: Iterable[Annotated], workers: int
) -> Iterator[ImageInspection]:
    """Process items in threads; results keep their order, and few are waiting at a time."""
    if workers == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[ImageInspection]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
