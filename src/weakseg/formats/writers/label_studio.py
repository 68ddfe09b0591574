"""Label Studio: label maps as tasks with predictions, which people then correct."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from weakseg.formats.brush import encode_brush
from weakseg.formats.writers.areas import class_areas
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import Canvas
from weakseg.marks.label_maps import LabelMap
from weakseg.support.files import replacing


def write_label_studio(
    path: Path,
    items: Iterable[tuple[str, LabelMap, float | None]],
    classes: ClassList,
    *,
    from_name: str = "label",
    to_name: str = "image",
    model_version: str = "weakseg",
    background: bool = False,
) -> None:
    """Write label maps for import into Label Studio, item by item.

    Each image becomes a task whose prediction holds a brush of each class;
    unlabelled and void pixels are not written. The labelling configuration must have an image tag
    with `value="$image"` and brush labels of the same names as the classes.

    Args:
        path: The JSON file.
        items: For each image, the path or URL by which Label Studio finds it, its label map
            (H, W), and its confidence, 0 to 1, where known.
        classes: The classes.
        from_name: Name of the configuration's BrushLabels tag.
        to_name: Name of its Image tag.
        model_version: Origin of the predictions that Label Studio shows.
        background: Write background too, so that the file tells it from what is unlabelled.

    Raises:
        DataError: An id in a label map is of no class.
        RunError: The file cannot be written.
    """
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as file:
        written = 0
        for image, labels, confidence in items:
            prediction: dict[str, Any] = {"model_version": model_version}
            if confidence is not None:
                prediction["score"] = confidence
            prediction["result"] = [
                {"from_name": from_name, "to_name": to_name, **_brush(class_id, name, area)}
                for class_id, name, area in class_areas(
                    labels, classes, image, background=background
                )
            ]
            task = {"data": {"image": image}, "predictions": [prediction]}
            file.write(",\n" if written else "[\n")
            json.dump(task, file, ensure_ascii=False, allow_nan=False)
            written += 1
        file.write("\n]\n" if written else "[]\n")


def _brush(class_id: int, name: str, area: Canvas) -> dict[str, Any]:
    height, width = area.shape
    return {
        "id": f"class{class_id}",
        "type": "brushlabels",
        "value": {"format": "rle", "rle": encode_brush(area), "brushlabels": [name]},
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }
