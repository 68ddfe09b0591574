"""The made demo data: a small data folder with every kind of mark, drawn on the spot."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from weakseg.annotations.label_maps import write_label_map
from weakseg.datasets.shape_marks import click_points, draw_boxes, draw_scribbles, region_depths
from weakseg.datasets.shape_scenes import SHAPES, Scene, draw_scene
from weakseg.errors import RunError
from weakseg.files import replacing

CLASS_NAMES = ("background", *(shape.name for shape in SHAPES))

_SMALLEST = 64  # px: on fewer, textures are finer than pixels

Row = tuple[str | int, ...]


def make_shapes(
    root: Path, *, train: int = 120, val: int = 40, size: int = 128, seed: int = 0
) -> Path:
    """Make a data folder of textured shapes, with full masks and with marks of every kind.

    Every image has tags, boxes, points, scribbles and a mask. The same arguments give the same
    folder; an image does not depend on how many others there are.

    Args:
        root: The folder to make. It appears only once it is whole.
        train: Number of images to train on.
        val: Number of images to score on.
        size: Side of the square images, in pixels; at least 64.
        seed: Seed of all chance.

    Returns:
        The folder.

    Raises:
        ValueError: A number is out of range.
        RunError: Something is in the way, or the folder cannot be written.
    """
    if train < 1 or val < 0 or size < _SMALLEST:
        raise ValueError(
            f"Expected `train` to be at least 1, `val` at least 0 and `size` at least {_SMALLEST}, "
            f"but got {train}, {val} and {size}."
        )
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise RunError(f"{root}: expected no such path or an empty folder, but something is there.")
    building = root.with_name(f".{root.name}.{os.getpid()}.part")
    try:
        _fill(building, {"train": train, "val": val}, size, seed)
        if root.exists():
            root.rmdir()
        building.rename(root)
    except OSError as error:
        raise RunError(f"{root}: cannot be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return root


def _fill(folder: Path, counts: dict[str, int], size: int, seed: int) -> None:
    for part in ("images", "masks", "scribbles", "splits"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tags: list[Row] = []
    boxes: list[Row] = []
    points: list[Row] = []
    for number_of_split, (split, count) in enumerate(counts.items()):
        names = [f"{split}_{index:04d}" for index in range(count)]
        _write_lines(folder / "splits" / f"{split}.txt", names)
        for index, name in enumerate(names):
            rng = np.random.default_rng((seed, size, number_of_split, index))
            scene = draw_scene(rng, size)
            depths = region_depths(scene)
            _write_pictures(folder, name, scene, draw_scribbles(rng, scene, depths))
            tags += [(name, CLASS_NAMES[i]) for i in sorted(set(scene.class_ids))]
            boxes += [
                (name, CLASS_NAMES[b.class_id], *map(int, (b.xmin, b.ymin, b.xmax, b.ymax)))
                for b in draw_boxes(scene)
            ]
            points += [
                (name, CLASS_NAMES[p.class_id], int(p.x), int(p.y))
                for p in click_points(rng, scene, depths)
            ]
    _write_lines(folder / "classes.txt", CLASS_NAMES)
    _write_table(folder / "tags.csv", ("image", "class"), tags)
    _write_table(folder / "boxes.csv", ("image", "class", "xmin", "ymin", "xmax", "ymax"), boxes)
    _write_table(folder / "points.csv", ("image", "class", "x", "y"), points)


def _write_pictures(
    folder: Path,
    name: str,
    scene: Scene,
    scribbles: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> None:
    with replacing(folder / "images" / f"{name}.jpg") as beside:
        Image.fromarray(scene.image).save(beside, format="JPEG", quality=95)
    write_label_map(folder / "masks" / f"{name}.png", scene.labels)
    write_label_map(folder / "scribbles" / f"{name}.png", scribbles)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_table(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
