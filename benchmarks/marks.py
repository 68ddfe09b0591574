"""Images a second that `import` and `inspect` manage, and the memory they take.

python benchmarks/marks.py --images 20000
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

_STAGES = {
    "import, labelme, images copied": "import {marks} --out {out}/copied",
    "import, labelme, images linked": "import {marks} --out {out}/linked --link true",
    "inspect, labelme": "inspect {marks} --out {out}/page-1",
    "inspect, data folder": "inspect {out}/copied --out {out}/page-2",
}


def make_marks(folder: Path, images: int) -> None:
    """Write small photographs with a polygon, a box and a click each, as labelme does."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(images):
        buffer = io.BytesIO()
        pixels = np.full((48, 64, 3), rng.integers(0, 255, 3), np.uint8)
        pixels[0, :, 0] = rng.integers(0, 255, 64)
        Image.fromarray(pixels).save(buffer, "JPEG")
        (folder / f"{number:05d}.jpg").write_bytes(buffer.getvalue())
        x, y = rng.integers(1, 20, 2).tolist()
        corners = [[x, y], [x + 30, y], [x + 25, y + 20]]
        shapes = [
            {"label": f"class {number % 20}", "points": points, "shape_type": kind, "flags": {}}
            for kind, points in (
                ("polygon", corners),
                ("rectangle", [corners[0], corners[2]]),
                ("point", [[x + 3, y + 1]]),
            )
        ]
        tree = {
            "version": "5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"{number:05d}.jpg",
            "imageData": None,
            "imageHeight": 48,
            "imageWidth": 64,
        }
        (folder / f"{number:05d}.json").write_text(json.dumps(tree))


def measure(command: str) -> tuple[float, float]:
    """Run a command of weakseg in a process of its own; give seconds and its peak megabytes."""
    code = (
        "import resource, sys; from weakseg.cli.main import main; code = main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr); "
        "sys.exit(code)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    return seconds, float(done.stderr.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"a quarter": images // 4, "all": images}
        for name, count in sizes.items():
            make_marks(Path(folder) / name.replace(" ", "-"), count)
        print(f"| stage | images a second | peak MB | peak MB with {images // 4} images |")
        print("|---|---|---|---|")
        for stage, command in _STAGES.items():
            took = {}
            for name in sizes:
                marks = Path(folder) / name.replace(" ", "-")
                took[name] = measure(command.format(marks=marks, out=f"{marks}-out"))
            (seconds, peak), (_, small) = took["all"], took["a quarter"]
            print(f"| {stage} | {images / seconds:.0f} | {peak:.0f} | {small:.0f} |", flush=True)


if __name__ == "__main__":
    main()
