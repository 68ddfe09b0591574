"""The formats that are read through datumaro, an optional part of weakseg."""

from __future__ import annotations

from weakseg.formats.readers.by_datumaro import (
    ade20k,
    camvid,
    cityscapes,
    coco,
    cvat,
    datumaro_json,
    mapillary,
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
    ("cityscapes", "Cityscapes: gtFine or gtCoarse, and leftImg8bit", cityscapes),
    ("mapillary", "Mapillary Vistas: folders with images and masks of instances", mapillary),
    ("ade20k", "ADE20K of 2017 and since 2020, with its lists of objects", ade20k),
    ("open-images", "Open Images: csv files of labels, boxes and masks", open_images),
    ("yolo", "YOLO: boxes or outlines in data.yaml's, obj.data's or labels' folders", yolo),
    ("camvid", "CamVid: lists of images with their masks", camvid),
)

DATUMARO_FORMATS: tuple[Format, ...] = tuple(
    Format(name, summary, safely(module.recognises), reader(module.look, name))
    for name, summary, module in _FORMATS
)
"""In the order in which a file is tried."""
