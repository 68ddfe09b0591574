"""The formats that are read through datumaro, an optional part of weakseg."""

from __future__ import annotations

from weakseg.formats.readers.by_datumaro import (
    coco,
    cvat,
    datumaro_json,
    open_images,
    yolo,
)
from weakseg.formats.readers.by_datumaro.entry import reader
from weakseg.formats.readers.by_datumaro.files import safely
from weakseg.formats.source import Format

_FORMATS = (
    ("cvat", "CVAT for images 1.1: an XML or a folder of them", cvat),
    ("datumaro", "datumaro's own JSON, or a folder of them", datumaro_json),
    ("coco", "COCO: instances, stuff, key points, panoptic masks, labels", coco),
    ("open-images", "Open Images: csv files of labels, boxes and masks", open_images),
    ("yolo", "YOLO: boxes or outlines in data.yaml's, obj.data's or labels' folders", yolo),
)

DATUMARO_FORMATS: tuple[Format, ...] = tuple(
    Format(name, summary, safely(module.recognises), reader(module.look, name))
    for name, summary, module in _FORMATS
)
"""In the order in which a file is tried."""
