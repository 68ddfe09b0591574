"""COCO: label maps as polygons, for pycocotools, CVAT, Label Studio and whatever reads COCO."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from weakseg.formats.writers.areas import class_areas
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Canvas, Patch
from weakseg.marks.kinds import Region
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.outlines import outlines
from weakseg.support.files import replacing


def write_coco(
    path: Path,
    items: Iterable[tuple[str, LabelMap]],
    classes: ClassList,
    *,
    per_region: bool = True,
    run_lengths: bool = False,
    background: bool = False,
) -> None:
    """Write label maps as a COCO instances file, image by image.

    The areas are polygons along the edges of pixels, so that pycocotools, and weakseg, make the
    same pixels of them again; a hole is joined to the outline by a cut of no width. Run lengths say
    holes as they are, but not every tool reads them. Unlabelled and void pixels are not written.

    Args:
        path: The JSON file.
        items: For each image its path, as the file is to name it, and its label map, (H, W).
        classes: The classes. Categories are numbered from 1 on, in their order.
        per_region: Make an annotation of each connected region, rather than of each class.
        run_lengths: Write areas as run lengths instead of polygons.
        background: Write background too, so that the file tells it from what is unlabelled. In
            COCO it is usually left out.

    Raises:
        DataError: An id in a label map is of no class.
        RunError: The file cannot be written.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "instances.json"
        >>> write_coco(path, [("a.jpg", np.ones((2, 3), np.uint8))], ClassList(("bg", "cat")))
        >>> json.loads(path.read_text())["annotations"][0]["segmentation"]
        [[0.0, 0.0, 3.0, 0.0, 3.0, 2.0, 0.0, 2.0]]
    """
    first = int(classes.has_background and not background)
    head = {
        "info": {"description": "label maps from weakseg"},
        "licenses": [],
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(classes.names[first:], 1)
        ],
    }
    images: list[dict[str, Any]] = []
    written = 0
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ', "annotations": [')
        for name, labels in items:
            height, width = labels.shape
            images.append(
                {"id": len(images) + 1, "file_name": name, "height": height, "width": width}
            )
            areas = class_areas(labels, classes, name, background=background)
            for class_id, _, area in areas:
                for shape in _shapes(area, per_region, run_lengths):
                    written += 1
                    own = {
                        "id": written,
                        "image_id": len(images),
                        "iscrowd": 0,
                        "category_id": class_id - first + 1,
                    }
                    file.write(f"{',' if written > 1 else ''}\n{json.dumps(own | shape)}")
        file.write(f'\n], "images": {json.dumps(images)}}}\n')


def _shapes(area: Canvas, per_region: bool, run_lengths: bool) -> Iterator[dict[str, Any]]:
    """Describe the regions of an area, or all of it at once."""
    region = ndimage.label(area)[0] if per_region else area.astype(np.uint8)
    for number, (rows, columns) in enumerate(ndimage.find_objects(region), 1):
        covered = region[rows, columns] == number
        yield {
            "segmentation": (
                _run_lengths(Patch(rows, columns, covered).canvas(area.shape))
                if run_lengths
                else _rings(covered, columns.start, rows.start)
            ),
            "area": int(covered.sum()),
            "bbox": [columns.start, rows.start, *covered.shape[::-1]],
        }


def _rings(covered: Canvas, x: int, y: int) -> list[list[float]]:
    return [np.add(ring, (x, y)).ravel().tolist() for (ring,) in outlines(covered, bridged=True)]


def _run_lengths(covered: Canvas) -> dict[str, Any]:
    """Count the pixels outside and inside in turn, column by column, as COCO does."""
    runs = Region.from_mask(0, covered.T).runs
    return {"size": list(covered.shape), "counts": list(runs)}
