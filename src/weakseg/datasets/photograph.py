"""One photograph with a few scribbles, as a data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weakseg.datasets.writer import writing_data_folder
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks, Stroke
from weakseg.marks.rasterize import AS_MARKED, rasterize

CLASS_NAMES = ("background", "astronaut", "flag", "shuttle")
PHOTOGRAPH = "astronaut"

_PEN = 5.0  # px
# x and y in pixels of 512 × 512
_PATHS: tuple[tuple[int, tuple[tuple[float, float], ...]], ...] = (
    (0, ((130, 160), (140, 110), (150, 30), (190, 5), (280, 5), (322, 40), (325, 160), (350, 210))),
    (0, ((495, 20), (490, 120), (490, 220))),
    (0, ((380, 330), (440, 290), (500, 290), (505, 350))),
    (1, ((200, 25), (260, 30), (275, 80))),
    (1, ((225, 50), (225, 170), (215, 215))),
    (1, ((90, 270), (150, 330), (230, 330), (300, 270))),
    (1, ((60, 480), (120, 430), (230, 440), (340, 430), (460, 440), (472, 400), (400, 352))),
    (2, ((20, 20), (50, 70))),
    (2, ((15, 150), (40, 280), (20, 330))),
    (3, ((420, 20), (410, 130), (405, 250))),
    (3, ((383, 200), (440, 250))),
    (3, ((447, 70), (447, 200))),
)
STROKES = tuple(Stroke(class_id, path, _PEN) for class_id, path in _PATHS)


def make_photograph(root: Path) -> Path:
    """Make a data folder of one photograph with a dozen scribbles, and no full mask.

    It is NASA's portrait of the astronaut Eileen Collins (public domain), a part of scikit-image.

    Args:
        root: The folder to make. It appears only once it is whole.

    Returns:
        The folder.

    Raises:
        RunError: There is something at this path already, or the folder cannot be written.
    """
    from skimage import data  # slow to import

    image = np.asarray(getattr(data, PHOTOGRAPH)())  # (512, 512, 3)
    height, width = image.shape[:2]
    scribbles = rasterize(
        Marks(strokes=STROKES), (height, width), ClassList(CLASS_NAMES), AS_MARKED
    )
    with writing_data_folder(root, CLASS_NAMES) as writer:
        writer.add(PHOTOGRAPH, image, scribbles=scribbles)
        writer.finish({"train": [PHOTOGRAPH]})
    return root
