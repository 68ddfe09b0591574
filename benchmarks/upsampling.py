"""Image-guided upsampling against bilinear: same run, same photographs, in turn.

    python benchmarks/upsampling.py RUN DATA [--images 161] [--crf]

Shown are mIoU, mean boundary F, processor seconds a photograph from image to mask, and these as a
ratio to bilinear. With --crf the dense CRF after bilinear upsampling is a third row.
"""

from __future__ import annotations

import argparse
import time

import torch

from weakseg.datasets.data_folder import DataFolder
from weakseg.evaluation.confusion import Confusion
from weakseg.images.reading import read_image
from weakseg.inference import Segmenter
from weakseg.marks.label_maps import read_label_map
from weakseg.support.machine import machine_name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--images", type=int)
    parser.add_argument("--crf", action="store_true")
    options = parser.parse_args()
    ways = {"bilinear": {"upsample": "bilinear"}, "guided": {"upsample": "guided"}}
    if options.crf:
        ways["bilinear, dense CRF"] = {"upsample": "bilinear", "crf": "deeplab"}
    segmenters = {
        name: Segmenter.load(options.run, **{"crf": "none"} | way) for name, way in ways.items()
    }
    classes = segmenters["bilinear"].classes
    counts = {name: Confusion(classes.names) for name in ways}
    seconds = dict.fromkeys(ways, 0.0)
    records = DataFolder.open(options.data, {"marks": ["masks"]}, classes).split("val")
    records = records[: options.images]
    for segmenter in segmenters.values():  # the first prediction of a process takes longer
        segmenter.predict(read_image(records[0].image))
    for record in records:
        image = read_image(record.image)
        truth = read_label_map(record.truth, num_classes=len(classes))
        for name, segmenter in segmenters.items():
            start = time.process_time()
            mask = segmenter.predict(image)
            seconds[name] += time.process_time() - start
            counts[name].update(mask, truth, record.image)
    print(f"{machine_name()}, {torch.get_num_threads()} threads; {len(records)} photographs")
    for name, count in counts.items():
        scores = count.compute()
        print(
            f"{name:20} mIoU {scores.mean_iou:.1%}, boundary F {scores.mean_boundary_f:.1%}, "
            f"{seconds[name] / len(records):.3f} s, {seconds[name] / seconds['bilinear']:.2f}"
        )


if __name__ == "__main__":
    main()
