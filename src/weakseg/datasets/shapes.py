"""Synthetic demo data: a small data folder with every kind of mark."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weakseg.datasets.shape_scenes import CROWDED, PLAIN, SHAPES, Scene, draw_scene
from weakseg.datasets.writer import DataFolderWriter, writing_data_folder
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Marks
from weakseg.marks.rasterize import AS_MARKED, rasterize
from weakseg.marks.simulation.image import simulate_boxes, simulate_points, simulate_tags
from weakseg.marks.simulation.objects import background_parts, find_objects
from weakseg.marks.simulation.scribbles import simulate_scribbles

CLASS_NAMES = ("background", *(shape.name for shape in SHAPES))

_SMALLEST = 64  # px: on fewer, textures are finer than pixels


def make_shapes(
    root: Path,
    *,
    train: int = 120,
    val: int = 40,
    size: int = 128,
    seed: int = 0,
    crowded: bool = False,
) -> Path:
    """Make a data folder of textured shapes, with full masks and with marks of every kind.

    Every image has tags, boxes, points, scribbles and a mask. The same arguments give the same
    folder; an image does not depend on how many others there are.

    Args:
        root: The folder to make. It appears only once it is whole.
        train: Number of images to train on.
        val: Number of images to score on.
        size: Side of the square images, in pixels; at least 64.
        seed: Seed of all randomness.
        crowded: Forty classes, about eight in an image, of which two are in nearly every image and
            a third are rare; else five, and one to four objects in an image.

    Returns:
        The folder.

    Raises:
        ValueError: A number is out of range.
        RunError: There is something at this path already, or the folder cannot be written.
    """
    if train < 1 or val < 0 or size < _SMALLEST:
        raise ValueError(
            f"Expected `train` to be at least 1, `val` at least 0 and `size` at least {_SMALLEST}, "
            f"but got {train}, {val} and {size}."
        )
    counts = {"train": train, "val": val}
    style = CROWDED if crowded else PLAIN
    classes = ClassList(("background", *(shape.name for shape in style.shapes)))
    with writing_data_folder(root, classes.names) as writer:
        for number, (split, count) in enumerate(counts.items()):
            for index in range(count):
                rng = np.random.default_rng((seed, size, number, index))
                scene = draw_scene(rng, size, style)
                _add_scene(writer, f"{split}_{index:04d}", rng, scene, classes)
        writer.finish(
            {split: [f"{split}_{index:04d}" for index in range(n)] for split, n in counts.items()}
        )
    return root


def _add_scene(
    writer: DataFolderWriter,
    name: str,
    rng: np.random.Generator,
    scene: Scene,
    classes: ClassList,
) -> None:
    objects = find_objects(scene.labels, scene.objects)
    background = background_parts(scene.labels)
    strokes = Marks(strokes=tuple(simulate_scribbles(rng, [*objects, *background])))
    marks = Marks(
        tags=simulate_tags(scene.labels),
        boxes=tuple(simulate_boxes(objects)),
        points=(
            *simulate_points(rng, objects, per_object=int(rng.integers(1, 3))),
            *simulate_points(rng, background, per_object=2),
        ),
    )
    height, width = scene.labels.shape
    scribbles = rasterize(strokes, (height, width), classes, AS_MARKED)
    writer.add(name, scene.image, marks, scribbles=scribbles, mask=scene.labels)
