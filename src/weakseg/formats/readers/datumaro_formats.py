"""The formats that are read through datumaro, an optional part of weakseg."""

from __future__ import annotations

from typing import Any

from weakseg.formats.readers.by_datumaro import cvat, datumaro_json, open_images, yolo
from weakseg.formats.readers.by_datumaro.entry import reader
from weakseg.formats.readers.by_datumaro.files import safely
from weakseg.formats.source import Format


def _format(name: str, summary: str, module: Any) -> Format:
    return Format(name, summary, safely(module.recognises), reader(module.look, name))


CVAT = _format("cvat", "CVAT for images 1.1: an XML or a folder of them", cvat)
DATUMARO = _format("datumaro", "datumaro's own JSON, or a folder of them", datumaro_json)
OPEN_IMAGES = _format(
    "open-images", "Open Images: csv files of labels, boxes and masks", open_images
)
YOLO = _format(
    "yolo", "YOLO: boxes or outlines in data.yaml's, obj.data's or labels' folders", yolo
)
