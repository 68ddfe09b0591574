"""Draw README's picture: image, marks and pseudo-labels; new image, mask and ground truth.

python docs/images/marks_to_masks.py WORK    # a few minutes

Three networks are trained on the demo's made images, each from one kind of mark. Of the training
images the one at 60 % of the pseudo-labels' pixel accuracy is shown, of the new images the one at
60 % of the mask's.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import weakseg
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.datasets.shapes import make_shapes
from weakseg.images.reading import read_image
from weakseg.marks.label_maps import LabelMap, read_label_map
from weakseg.marks.label_values import VOID
from weakseg.marks.palette import overlay_labels
from weakseg.report.kit.overlays import overlay_marks

SIDE, GAP, HEAD = 160, 6, 26
COLUMNS = ("training image", "marks", "pseudo-labels", "new image", "mask", "ground truth")
RANK = 0.6
REFINED = {
    "training.steps": 240,
    "seeds.steps": 300,
    "relabel.enabled": True,
    "relabel.regions": True,
    "relabel.walk_steps": 16,
    "relabel.scales": [1.0],
    "relabel.keep_seeds": ["boxes"],
    "classify.steps": 80,
    "data.boxes_complete": True,
}


def main() -> None:
    """Train where needed, and write the picture beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the data and the runs")
    work = parser.parse_args().work
    data = work / "data"
    if not data.exists():
        make_shapes(data, seed=0)
    rows = [row(data, work / kind, kind) for kind in ("points", "scribbles", "boxes")]
    strip(rows).save(Path(__file__).with_suffix(".png"), optimize=True)


def row(data: Path, run: Path, kind: str) -> list[Image.Image]:
    """Train from one kind of mark, and draw a training image and a new one."""
    if not (run / "scores.json").exists():
        weakseg.train(data, recipe="demo", out=run, overrides={**REFINED, "data.marks": [kind]})
    segmenter = weakseg.Segmenter.load(run)
    folder = DataFolder.open(data, {"marks": [kind]})
    read = partial(read_label_map, num_classes=len(folder.classes))

    def truth_of(record: Record) -> LabelMap:
        return read(data / "masks" / f"{record.name}.png")

    def pseudo_labels(record: Record) -> LabelMap:
        return read(run / "stages/relabel/labels" / f"{record.name}.png")

    shown, labels = ranked(folder.split("train"), pseudo_labels, truth_of)
    new, mask = ranked(
        folder.split("val"), lambda record: segmenter.predict(record.image), truth_of
    )
    image, new_image = read_image(shown.image), read_image(new.image)
    marks = overlay_marks(shown.image, image.shape[:2], shown.marks, folder.classes)
    truth = truth_of(new)
    pictures = [
        image,
        np.asarray(marks.convert("RGB")),
        overlay_labels(image, labels, opacity=0.85),
        new_image,
        overlay_labels(new_image, mask, opacity=0.85),
        overlay_labels(new_image, truth, opacity=0.85),
    ]
    return [Image.fromarray(picture).resize((SIDE, SIDE)) for picture in pictures]


def ranked(
    records: list[Record],
    label: Callable[[Record], LabelMap],
    truth_of: Callable[[Record], LabelMap],
) -> tuple[Record, LabelMap]:
    """Label images and return the one at `RANK` of the pixel accuracies."""

    def accuracy(pair: tuple[Record, LabelMap]) -> float:
        truth = truth_of(pair[0])
        right: NDArray[np.bool_] = (pair[1] == truth)[truth != VOID]
        return float(right.mean())

    ordered = sorted(((record, label(record)) for record in records), key=accuracy)
    return ordered[int(RANK * len(ordered))]


def strip(rows: list[list[Image.Image]]) -> Image.Image:
    """Put the pictures in rows under their captions, the new images a little apart."""
    width = len(COLUMNS) * (SIDE + GAP) + 3 * GAP
    picture = Image.new("RGB", (width, HEAD + len(rows) * (SIDE + GAP)), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for column, caption in enumerate(COLUMNS):
        left = column * (SIDE + GAP) + (3 * GAP if column > 2 else 0)
        pen.text((left + SIDE / 2, HEAD / 2), caption, "black", font, "mm")
        for number, pictures in enumerate(rows):
            picture.paste(pictures[column], (left, HEAD + number * (SIDE + GAP)))
    return picture


if __name__ == "__main__":
    main()
