"""Images per second of processor time that `import` manages in each format; peak memory.

python benchmarks/marks.py --images 20000
python benchmarks/marks.py --images 2000 --against OTHER/src

The second compares with another checkout, on the same files and in turn.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64
CLASSES = [f"class {number}" for number in range(20)]

# Imports and inspects in a process of its own, and prints seconds and peak megabytes of each.
# Processor time, as the time on a clock depends on what else a machine does.
_CODE = """
import resource, sys, time
from pathlib import Path
import weakseg
def timed(work, *arguments):
    began = time.process_time()
    work(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.process_time() - began, peak)
source, out = map(Path, sys.argv[1:])
timed(weakseg.import_marks, [source], out)
timed(weakseg.inspect_data, out)
"""


class Shape(NamedTuple):
    """A triangle in an image, and the box around it."""

    name: str
    class_id: int
    corners: list[tuple[int, int]]


def make_shapes(images: int) -> list[Shape]:
    rng = np.random.default_rng(0)
    shapes = []
    for number in range(images):
        x, y = rng.integers(1, 20, 2).tolist()
        corners = [(x, y), (x + 30, y), (x + 25, y + 20)]
        shapes.append(Shape(f"{number:05d}", number % len(CLASSES), corners))
    return shapes


def write_photos(folder: Path, shapes: list[Shape]) -> None:
    """Write photographs, each a little different."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for shape in shapes:
        buffer = io.BytesIO()
        pixels = np.full((HEIGHT, WIDTH, 3), rng.integers(0, 255, 3), np.uint8)
        pixels[0, :, 0] = rng.integers(0, 255, WIDTH)
        Image.fromarray(pixels).save(buffer, "JPEG")
        (folder / f"{shape.name}.jpg").write_bytes(buffer.getvalue())


def write_labelme(root: Path, shapes: list[Shape]) -> Path:
    write_photos(root, shapes)
    for shape in shapes:
        marks = [
            {"label": CLASSES[shape.class_id], "points": points, "shape_type": kind, "flags": {}}
            for kind, points in (
                ("polygon", shape.corners),
                ("rectangle", [shape.corners[0], shape.corners[2]]),
            )
        ]
        tree = {
            "version": "5.0",
            "flags": {},
            "shapes": marks,
            "imagePath": f"{shape.name}.jpg",
            "imageData": None,
            "imageHeight": HEIGHT,
            "imageWidth": WIDTH,
        }
        (root / f"{shape.name}.json").write_text(json.dumps(tree))
    return root


def write_coco(root: Path, shapes: list[Shape]) -> Path:
    write_photos(root, shapes)
    images, annotations = [], []
    for number, shape in enumerate(shapes, 1):
        (left, top), _, (right, bottom) = shape.corners
        name = f"{shape.name}.jpg"
        images.append({"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": shape.class_id + 1,
                "bbox": [left, top, right - left, bottom - top],
                "area": 300,
                "iscrowd": 0,
                "segmentation": [[value for corner in shape.corners for value in corner]],
            }
        )
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, 1)]
    tree = {"images": images, "annotations": annotations, "categories": categories}
    (root / "instances_train.json").write_text(json.dumps(tree))
    return root / "instances_train.json"


def write_cvat(root: Path, shapes: list[Shape]) -> Path:
    write_photos(root, shapes)
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    lines = [
        f"<annotations><version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    ]
    for number, shape in enumerate(shapes):
        (left, top), _, (right, bottom) = shape.corners
        label = f'label="{CLASSES[shape.class_id]}" occluded="0" z_order="0"'
        points = ";".join(f"{x},{y}" for x, y in shape.corners)
        lines.append(
            f'<image id="{number}" name="{shape.name}.jpg" width="{WIDTH}" height="{HEIGHT}">'
            f'<polygon {label} points="{points}"/>'
            f'<box {label} xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"/></image>'
        )
    (root / "annotations.xml").write_text("\n".join([*lines, "</annotations>"]))
    return root / "annotations.xml"


def write_yolo(root: Path, shapes: list[Shape]) -> Path:
    write_photos(root / "images" / "train", shapes)
    labels = root / "labels" / "train"
    labels.mkdir(parents=True)
    for shape in shapes:
        (left, top), _, (right, bottom) = shape.corners
        box = (
            (left + right) / 2 / WIDTH,
            (top + bottom) / 2 / HEIGHT,
            (right - left) / WIDTH,
            (bottom - top) / HEIGHT,
        )
        ring = [value for x, y in shape.corners for value in (x / WIDTH, y / HEIGHT)]
        lines = [" ".join(map(str, [shape.class_id, *numbers])) for numbers in (box, ring)]
        (labels / f"{shape.name}.txt").write_text("\n".join(lines))
    (root / "data.yaml").write_text(f"names: {json.dumps(CLASSES)}\ntrain: images/train\n")
    return root


WRITERS: dict[str, Callable[[Path, list[Shape]], Path]] = {
    "labelme": write_labelme,
    "COCO": write_coco,
    "CVAT": write_cvat,
    "YOLO": write_yolo,
}


def measure(source: Path, out: Path, checkout: str | None) -> list[tuple[float, float]]:
    """Import and inspect in a process of its own; return seconds and peak megabytes of each."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(source), str(out)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({"PYTHONPATH": checkout} if checkout else {}),
    )
    if done.returncode:
        sys.exit(done.stderr)
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(float(seconds), float(peak)) for seconds, peak in lines]


def show(checkout: str | None, images: int, best: dict[str, list[tuple[float, float]]]) -> None:
    fastest = min(imported[0] for imported, _ in best.values())
    print(f"\n{checkout or 'this checkout'}, {images} images")
    print("| import | images/s | time ÷ the fastest | peak MB |\n|---|---|---|---|")
    for name, ((took, peak), _) in best.items():
        print(f"| {name} | {images / took:.0f} | {took / fastest:.2f} | {peak:.0f} |")
    inspected, peak = min(inspection for _, inspection in best.values())
    print(f"inspect, data folder: {images / inspected:.0f} images/s, peak {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300, help="at most 20,000 are sensible")
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--repeat", type=int, default=1, help="of which the fastest counts")
    parser.add_argument("--against", help="the src folder of another checkout")
    options = parser.parse_args()
    shapes = make_shapes(options.images)
    checkouts = [None, options.against] if options.against else [None]
    best: dict[str | None, dict[str, list[tuple[float, float]]]] = {key: {} for key in checkouts}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats:
            root = Path(folder) / name
            source = WRITERS[name](root / "marks", shapes)
            for run in range(options.repeat):
                for number, checkout in enumerate(checkouts):
                    took = measure(source, root / f"data-{run}-{number}", checkout)
                    best[checkout][name] = min(took, best[checkout].get(name, took))
    for checkout, measured in best.items():
        show(checkout, options.images, measured)


if __name__ == "__main__":
    main()
