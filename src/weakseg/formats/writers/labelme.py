"""labelme: a label map as a JSON file of polygons."""

from __future__ import annotations

import json
from pathlib import Path

from weakseg.formats.writers.areas import class_areas
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap
from weakseg.marks.outlines import outlines
from weakseg.support.files import replacing

_VERSION = "5.0.1"  # of labelme; later ones read its files


def write_labelme(
    path: Path,
    labels: LabelMap,
    classes: ClassList,
    *,
    image: str,
    tolerance: float = 0.0,
    background: bool = False,
) -> None:
    """Write the label map of one image for labelme, a polygon for each connected region.

    labelme's polygons have no holes: a hole is joined to the outline by a cut of no width, so that
    the polygon's inside is the region and nothing else. Unlabelled and void pixels are not
    written.

    Args:
        path: The file; labelme looks for it beside the image, with the image's name and the ending
            ".json".
        labels: Label map, (H, W).
        classes: The classes.
        image: The image's path as seen from the file.
        tolerance: Pixels by which simpler outlines, easier to correct, may miss the exact ones.
        background: Write background too, so that the file tells it from what is unlabelled.

    Raises:
        DataError: An id in the label map is of no class.
        RunError: The file cannot be written.
    """
    height, width = labels.shape
    document = {
        "version": _VERSION,
        "flags": {},
        "shapes": [
            {
                "label": name,
                "points": ring,
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for _, name, area in class_areas(labels, classes, image, background=background)
            for (ring,) in outlines(area, tolerance=tolerance, bridged=True)
        ],
        "imagePath": image,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    with replacing(path) as beside:
        beside.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
