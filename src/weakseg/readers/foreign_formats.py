"""Formats that are not read, how they are told by their content, and what to export instead."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from weakseg.support.folders import head

_COCO = "export COCO there, and import that"
_CVAT = 'export "CVAT for images 1.1" there, and import that'
_UNPACK = "unpack it, and import the folder"
_LOOKED_INTO = 5  # files of an ending


@dataclass(frozen=True)
class ForeignFormat:
    """Format that is not read.

    Args:
        name: What it is.
        endings: Endings of its files.
        signs: Patterns that all are in the beginning of a file.
        instead: What to do.
    """

    name: str
    endings: tuple[str, ...]
    signs: tuple[str, ...]
    instead: str


def _json(name: str, *signs: str, instead: str = _COCO) -> ForeignFormat:
    """Return a format of JSON, told by its keys; a sign with other letters is a pattern."""
    keys = (f'"{sign}"' if re.fullmatch(r"[\w -]+", sign) else sign for sign in signs)
    return ForeignFormat(name, (".json", ".jsonl", ".ndjson", ".manifest"), tuple(keys), instead)


def _text(name: str, sign: str, instead: str) -> ForeignFormat:
    return ForeignFormat(name, (".txt",), (sign,), instead)


def _packed(name: str, *endings: str, instead: str = _UNPACK) -> ForeignFormat:
    return ForeignFormat(name, endings, (), instead)


FOREIGN_FORMATS: tuple[ForeignFormat, ...] = (
    _json(
        "captions of COCO",
        "image_id",
        "caption",
        instead="captions name no class: import the file instances_… of the same images",
    ),
    _json("Darwin JSON of V7", "slots", "item"),
    _json("JSON of Hasty", "label_classes", "project_name"),
    _json("JSON of Encord", "label_hash", "data_units"),
    _json("JSON of Dataloop", "datasetId", "annotations"),
    _json("JSON of SuperAnnotate", "instances", "metadata", '"(className|classId)"'),
    _json(
        "JSON of Scalabel or BDD100K",
        "labels",
        '"(box2d|poly2d)"',
        instead="convert it to COCO with scalabel, and import that",
    ),
    _json(
        "a manifest of SageMaker Ground Truth",
        "source-ref",
        instead="convert it to COCO, and import that",
    ),
    _json("a release of Segments.ai", '"(segmentation_bitmap|segmentation-bitmap)"'),
    _json(
        "a dataset of FiftyOne",
        "filepath",
        "_cls",
        instead="export it as COCODetectionDataset, and import that",
    ),
    _json(
        "a project of VIA 3",
        "vid_list",
        instead="export COCO there, or open the images in VIA 2: VIA 1 and 2 are read",
    ),
    _json(
        "Labelbox's export v1",
        "Labeled Data",
        "Label",
        instead="export v2 there (ndjson), and import that",
    ),
    _json(
        "a task of Label Studio before 1.0",
        "completions",
        "data",
        instead="open it in Label Studio 1.0 or later, and export JSON",
    ),
    _json("CreateML JSON", "coordinates", "annotations", '"(image|imagefilename)"'),
    _json("PaliGemma JSONL", "prefix", "suffix", "<loc"),
    _json(
        "results of COCO without images",
        "image_id",
        "category_id",
        "score",
        instead="put them as annotations into the file of the images and categories",
    ),
    _json("a backup of CVAT", "tracks", "shapes", "version", instead=f"open it in CVAT; {_CVAT}"),
    ForeignFormat(
        "a csv of Label Studio",
        (".csv", ".tsv"),
        ("annotation_id", "lead_time"),
        'export "JSON" there, and import that',
    ),
    ForeignFormat(
        "XML of LabelMe 3.0", (".xml",), ("<nrows>", "<polygon>"), f"import it into CVAT; {_CVAT}"
    ),
    _text("YOLO's Keras list", r"(?m)^.+\.(jpe?g|png|bmp)( \d+,\d+,\d+,\d+,\d+)+\s*$", _COCO),
    _text(
        "labels of DOTA",
        r"(?m)^imagesource:|^([\d.]+ ){8}\S+ [012]\s*$",
        "convert it to COCO, and import that",
    ),
    _text("labels of KITTI", r"(?m)^[A-Za-z_]+ [\d.]+ -?\d+ -?[\d.]+( -?[\d.]+){10,}\s*$", _CVAT),
    _text("tracks of MOT", r"(?m)^\d+,-?\d+(,-?[\d.]+){5,}\s*$", _CVAT),
    _packed("a TFRecord", ".tfrecord", ".record", instead=_COCO),
    _packed("a table of Excel", ".xlsx", ".xls", ".ods", instead="save the table as csv"),
    _packed("a Parquet file", ".parquet", instead="write the table as csv"),
    _packed("a file of MATLAB", ".mat", instead="write its label maps as PNG"),
    _packed("packed files", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar"),
)
"""Formats that are not read, those with the surest signs first."""


def foreign_format(files: Iterable[Path]) -> str:
    """Describe the first file of a format that is known and not read; nothing where there is none.

    Args:
        files: The files; a few of each ending are looked into.
    """
    listed = list(files)
    for ending in dict.fromkeys(file.suffix.lower() for file in listed):
        alike = [file for file in listed if file.suffix.lower() == ending]
        for file in islice(alike, _LOOKED_INTO):
            found = _zipped(file) if ending == ".zip" else _format_of(file, ending)
            if found is not None:
                return f"{file.name} looks like {found.name}, not read: {found.instead}"
    return ""


def _format_of(file: Path, ending: str) -> ForeignFormat | None:
    formats = [item for item in FOREIGN_FORMATS if ending in item.endings]
    try:
        text = head(file) if any(item.signs for item in formats) else ""
    except OSError:
        return None
    return next((item for item in formats if _has(text, item.signs)), None)


def _has(text: str, signs: Sequence[str]) -> bool:
    return all(re.search(sign, text) for sign in signs)


def _zipped(file: Path) -> ForeignFormat | None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return ForeignFormat("a damaged zip", (), (), "download or pack it anew")
    if {"task.json", "project.json"} & names:
        return ForeignFormat("a backup of CVAT", (), (), f"open it in CVAT; {_CVAT}")
    advice = "unpack it, or import it by its name where it is in no other zip"
    return ForeignFormat("packed files", (), (), advice)
