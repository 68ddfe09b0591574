"""A look at every image and every mark of a data set, one after the other."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor

from weakseg.formats.source import Annotated
from weakseg.inspection.checks import finding_from
from weakseg.inspection.counts import Inspection, Tally
from weakseg.inspection.duplicates import Copies
from weakseg.inspection.look import Look, Manner, look
from weakseg.marks.classes import ClassList
from weakseg.marks.findings import Finding
from weakseg.support.errors import DataError
from weakseg.support.progress import progress

_AHEAD = 8  # images under way for each worker


def inspect_marks(
    images: Iterable[Annotated],
    classes: ClassList,
    *,
    least_images: int = 5,
    boxes_complete: bool = False,
    decode: bool = False,
    point_radius: float = 6.0,
    scribble_dilation: float = 3.0,
    workers: int | None = None,
    total: int | None = None,
) -> Inspection:
    """Count what is there, and find what is wrong.

    Nothing that is wrong with an image stops it: it becomes a finding. Images stream by, and few
    are held at a time.

    Args:
        images: Images with their marks. Their files must stay where they are until the sheets
            are drawn.
        classes: The classes.
        least_images: How many images a class should have.
        boxes_complete: Every object has a box, so that what no box holds is background.
        decode: Decode every image, not only its header; finds truncated ones.
        point_radius: Radius of a point's disc, in pixels.
        scribble_dilation: Pixels by which scribbles grow.
        workers: Number of threads; by default one, and as many as there are processors to decode:
            headers and small marks keep threads waiting for each other.
        total: Number of images, for the progress bar.

    Returns:
        Counts, findings and a sample of images to show.

    Raises:
        DataError: `boxes_complete` is said where no class is background.

    Examples:
        >>> from pathlib import Path
        >>> from weakseg.marks.kinds import Marks, Point
        >>> marks = Marks(points=(Point(1, 3, 4),))
        >>> cat = Annotated("cat", marks, None, (20, 30), Path("clicks.json"))
        >>> found = inspect_marks([cat], ClassList(("background", "cat")), least_images=1)
        >>> found.classes[1].pixels, found.finding_counts
        (88, {'missing': 1})
    """
    if total is None and isinstance(images, Sized):
        total = len(images)
    manner = Manner(boxes_complete, point_radius, scribble_dilation, decode)
    tally, copies, broken = Tally(classes), Copies(), list[Finding]()
    looked = _in_threads(
        lambda item: look(item, classes, manner),
        _until_broken(images, broken),
        workers or (os.cpu_count() or 1 if decode else 1),
    )
    for found in progress(looked, "Inspecting", total):
        tally.add(found)
        copies.add(found.item)
    tally.note(broken)
    tally.note(copies.findings())
    tally.note(tally.class_findings(least_images))
    return tally.result()


def _until_broken(images: Iterable[Annotated], broken: list[Finding]) -> Iterator[Annotated]:
    """Pass images on; where reading them fails, note it and go on if the reader does."""
    reader = iter(images)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except DataError as error:
            found = finding_from(error)
            if found in broken:  # it does not get any further
                return
            broken.append(found)


def _in_threads(
    work: Callable[[Annotated], Look], items: Iterable[Annotated], workers: int
) -> Iterator[Look]:
    """Do the work on each item; the results keep their order, and few are waiting at a time."""
    if workers == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Look]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
