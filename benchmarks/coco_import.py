"""Time an annotation and peak memory of reading and importing one large COCO file.

    python benchmarks/coco_import.py                                  # 100 MB, 5,000 images
    python benchmarks/coco_import.py --megabytes 10 --images 500 --against OTHER/src

Makes a file as COCO's own: polygons, some run lengths, annotations in no order of images, which
have 640 × 480 pixels. Each measurement is a process of its own, less the seconds and the peak of
memory of the same work on a file of one image. Much of an import is the packing of label maps as
PNG, which is Pillow's; so there is one without. The second compares with another checkout, on the
same file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 480, 640
CATEGORIES = 80
MEGABYTE = 1_000_000
WORKS = ("read", "import", "import without PNG")
_RUN_LENGTHS = 0.05  # fraction of the annotations; half of them as texts

# Processor time, as the time on a clock depends on what else a machine does: of all threads, and
# of the main one, which is the time on the clock where a second core is idle.
_CODE = """
import resource, sys, time
from pathlib import Path
import weakseg
from weakseg.datasets import writer
from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import OpenClassList
from weakseg.readers.detection import opened_source
work, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
began, alone = time.process_time(), time.thread_time()
if work == "import without PNG":
    writer.write_label_map = lambda *_: None
if work.startswith("import"):
    import_marks([source], out, ImportSettings(link=True))
else:
    with opened_source(source) as opened:
        for _ in opened.read(OpenClassList(), SourceOptions()):
            pass
took, alone = time.process_time() - began, time.thread_time() - alone
print(took, alone, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


class Cost(NamedTuple):
    """Processor seconds of a process and of its main thread, and its peak bytes."""

    seconds: float
    alone: float
    peak: float


def make_annotation(rng: np.random.Generator, number: int, images: int) -> dict[str, Any]:
    """Return an annotation of any image: a polygon, at times of two rings, or run lengths."""
    centre = rng.uniform([20, 20], [WIDTH - 20, HEIGHT - 20])
    radius = min(rng.lognormal(3.5, 0.7), 150.0)
    rings = [_ring(rng, centre, radius)]
    if rng.random() < 0.1:
        rings.append(_ring(rng, centre[::-1] % HEIGHT, radius / 3))
    (left, top), (right, bottom) = (
        np.reshape(rings[0], (-1, 2)).min(0),
        np.reshape(rings[0], (-1, 2)).max(0),
    )
    box = [float(round(edge, 2)) for edge in (left, top, right - left, bottom - top)]
    return {
        "segmentation": _runs(rng) if rng.random() < _RUN_LENGTHS else rings,
        "area": round(float(box[2] * box[3] * 0.7), 4),
        "iscrowd": 0,
        "image_id": int(rng.integers(1, images + 1)),
        "bbox": box,
        "category_id": int(rng.integers(1, CATEGORIES + 1)),
        "id": number,
    }


def _ring(rng: np.random.Generator, centre: np.ndarray, radius: float) -> list[float]:
    corners = int(rng.integers(8, 72))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.7, 1.1, corners)
    places = centre + reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.round(places.clip(0, [WIDTH, HEIGHT]), 2).ravel().tolist()


def _runs(rng: np.random.Generator) -> dict[str, Any]:
    """Return a painted column after column: as a list, or packed into a text."""
    top, height = int(rng.integers(0, HEIGHT // 2)), int(rng.integers(20, HEIGHT // 2))
    left, width = int(rng.integers(0, WIDTH // 2)), int(rng.integers(10, 80))
    first = left * HEIGHT + top
    between = [height, HEIGHT - height] * width
    counts = [first, *between[:-1]]
    counts.append(HEIGHT * WIDTH - sum(counts))
    return {"counts": counts if rng.random() < 0.5 else _packed(counts), "size": [HEIGHT, WIDTH]}


def _packed(counts: list[int]) -> str:
    """Pack run lengths into a text, as COCO does."""
    text = ""
    for place, count in enumerate(counts):
        number = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            digit = number & 31
            number >>= 5
            more = number != (-1 if digit & 16 else 0)
            text += chr(48 + (digit | 32 if more else digit))
    return text


def write_file(path: Path, images: int, megabytes: float) -> int:
    """Write a COCO file, with its images beside it; return the number of annotations."""
    path.parent.mkdir(parents=True)
    first = path.parent / "000000000001.jpg"
    Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 60)).save(first)
    for number in range(2, images + 1):
        os.link(first, path.parent / f"{number:012d}.jpg")
    with path.open("w") as file:
        file.write('{"info": {"description": "made"}, "images": ')
        file.write(json.dumps([_image(number) for number in range(1, images + 1)]))
        file.write(', "annotations": [')
        count = 0
        for count, text in enumerate(_annotations(images), 1):
            file.write(text if count == 1 else f", {text}")
            if file.tell() >= megabytes * MEGABYTE:
                break
        categories = [
            {"id": number, "name": f"class {number}", "supercategory": "thing"}
            for number in range(1, CATEGORIES + 1)
        ]
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return count


def _image(number: int) -> dict[str, Any]:
    name = f"{number:012d}.jpg"
    return {
        "license": 3,
        "file_name": name,
        "coco_url": f"http://images.example.org/train2017/{name}",
        "height": HEIGHT,
        "width": WIDTH,
        "date_captured": "2013-11-14 11:18:45",
        "id": number,
    }


def _annotations(images: int) -> Iterator[str]:
    rng = np.random.default_rng(0)
    number = 0
    while True:
        number += 1
        yield json.dumps(make_annotation(rng, number, images))


def measure(work: str, source: Path, out: Path, checkout: str | None) -> Cost:
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _CODE, work, str(source), str(out)]
    environment = os.environ | ({"PYTHONPATH": checkout} if checkout else {})
    return Cost(*map(float, subprocess.check_output(command, text=True, env=environment).split()))


def best(work: str, source: Path, out: Path, checkout: str | None, repeat: int) -> Cost:
    costs = [measure(work, source, out / str(run), checkout) for run in range(repeat)]
    return Cost(
        min(cost.seconds for cost in costs),
        min(cost.alone for cost in costs),
        max(cost.peak for cost in costs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=1, help="of which the fastest counts")
    parser.add_argument("--against", help="the src folder of another checkout")
    options = parser.parse_args()
    checkouts = [options.against, None] if options.against else [None]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        one, many = root / "one" / "instances.json", root / "many" / "instances.json"
        write_file(one, 1, 0)
        count = write_file(many, options.images, options.megabytes)
        size = many.stat().st_size
        print(f"{size / MEGABYTE:.0f} MB, {options.images} images, {count} annotations")
        print("| work | checkout | µs/annotation | main thread | peak MB | peak ÷ file |")
        print("|---|---|---|---|---|---|")
        for work in WORKS:
            for number, checkout in enumerate(checkouts):
                out = root / f"{work}-{number}"
                least = best(work, one, out / "one", checkout, options.repeat)
                cost = best(work, many, out / "many", checkout, options.repeat)
                seconds, alone, peak = np.subtract(cost, least)
                print(
                    f"| {work} | {checkout or 'this one'} | {seconds / count * 1e6:.0f} | "
                    f"{alone / count * 1e6:.0f} | "
                    f"{peak / MEGABYTE:.0f} | {peak / size:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
