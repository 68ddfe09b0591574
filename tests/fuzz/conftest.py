"""Small files in every format that is read, and ways to damage them."""

import base64
import copy
import io
import json
import math
import random
import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.brush import encode_brush

POLYGON = [[5.5, 4.0], [30.0, 6.0], [20.0, 33.0]]


def photo(path: Path, size: tuple[int, int] = (40, 60)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 120, np.uint8)).save(path)


def labelme(root: Path) -> Path:
    kinds = {
        "point": POLYGON[:1],
        "rectangle": POLYGON[:2],
        "circle": POLYGON[:2],
        "linestrip": POLYGON,
        "polygon": POLYGON,
    }
    shapes = [
        {"label": "cat", "points": points, "shape_type": kind, "group_id": 1, "flags": {}}
        for kind, points in kinds.items()
    ]
    photo(root / "a.jpg")
    tree = {
        "version": "5.0",
        "flags": {"indoor": True},
        "shapes": shapes,
        "imagePath": "a.jpg",
        "imageData": None,
        "imageHeight": 40,
        "imageWidth": 60,
    }
    return write_json(root / "a.json", tree)


def label_studio(root: Path) -> Path:
    photo(root / "a.jpg")
    common = {
        "to_name": "image",
        "from_name": "label",
        "original_width": 60,
        "original_height": 40,
        "image_rotation": 0,
    }
    box = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0}
    values = {
        "rectanglelabels": box | {"rectanglelabels": ["cat"]},
        "keypointlabels": {"x": 50.0, "y": 40.0, "width": 0.5, "keypointlabels": ["cat"]},
        "polygonlabels": {"points": POLYGON, "closed": True, "polygonlabels": ["dog"]},
        "choices": {"choices": ["indoor"]},
        "ellipselabels": {
            "x": 50.0,
            "y": 40.0,
            "radiusX": 5.0,
            "radiusY": 9.0,
            "rotation": 20,
            "ellipselabels": ["dog"],
        },
    }
    result = [
        common | {"id": str(number), "type": kind, "value": value}
        for number, (kind, value) in enumerate(values.items())
    ]
    annotation = {
        "id": 1,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2024-01-01T00:00:00Z",
    }
    task = {"id": 1, "annotations": [annotation], "data": {"image": "/data/upload/1/a.jpg"}}
    return write_json(root / "export.json", [task])


def coco(root: Path) -> Path:
    photo(root / "a.jpg")
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [5, 4, 20, 10],
                "area": 200,
                "iscrowd": 0,
                "segmentation": [[5, 4, 30, 6, 20, 33]],
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 7,
                "bbox": [0, 0, 9, 9],
                "area": 81,
                "iscrowd": 0,
                "segmentation": [],
            },
            {
                "id": 3,
                "image_id": 1,
                "category_id": 7,
                "iscrowd": 1,
                "segmentation": {"size": [40, 60], "counts": [100, 300, 2000]},
            },
            {"id": 4, "image_id": 1, "category_id": 7, "keypoints": [5, 4, 2, 0, 0, 0, 9, 9, 1]},
        ],
    }
    return write_json(root / "instances_train.json", tree)


def panoptic(root: Path) -> Path:
    photo(root / "images" / "a.jpg")
    colours = np.zeros((40, 60, 3), np.uint8)
    colours[:20, :, 0] = 5
    (root / "annotations" / "panoptic_val").mkdir(parents=True)
    Image.fromarray(colours).save(root / "annotations" / "panoptic_val" / "a.png")
    segments = [{"id": 5, "category_id": 1, "iscrowd": 0}, {"id": 0, "category_id": 1}]
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
    }
    write_json(root / "annotations" / "panoptic_val.json", tree)
    return root


def datumaro(root: Path) -> Path:
    photo(root / "a.jpg")
    own = {"id": 3, "label_id": 0, "group": 0, "z_order": 0, "attributes": {"is_crowd": False}}
    kinds = {
        "label": {},
        "bbox": {"bbox": [5, 4, 20, 10]},
        "polygon": {"points": [5, 4, 30, 6, 20, 33]},
        "polyline": {"points": [5, 4, 30, 6]},
        "points": {"points": [5, 4, 30, 6], "visibility": [2, 0]},
        "ellipse": {"points": [5, 4, 30, 16]},
        "mask": {"rle": {"size": [40, 60], "counts": [100, 300, 2000]}},
    }
    tree = {
        "infos": {},
        "categories": {"label": {"labels": [{"name": "cat", "parent": ""}]}},
        "items": [
            {
                "id": "a",
                "annotations": [own | {"type": kind} | more for kind, more in kinds.items()],
                "image": {"path": "a.jpg", "size": [40, 60]},
            }
        ],
    }
    return write_json(root / "train.json", tree)


def yolo(root: Path) -> Path:
    photo(root / "images" / "train" / "a.jpg")
    write_text(root / "data.yaml", "path: .\ntrain: images/train\nnames:\n  0: cat\n  1: dog\n")
    lines = "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.5 0.1 0.5 0.5\n"
    write_text(root / "labels" / "train" / "a.txt", lines)
    return root


def darknet(root: Path) -> Path:
    photo(root / "obj_train_data" / "a.jpg")
    write_text(root / "obj.data", "classes = 1\nnames = data/obj.names\ntrain = data/train.txt\n")
    write_text(root / "obj.names", "cat\n")
    write_text(root / "train.txt", "data/obj_train_data/a.jpg\n")
    write_text(root / "obj_train_data" / "a.txt", "0 0.5 0.5 0.2 0.4\n")
    return root


def open_images(root: Path) -> Path:
    photo(root / "images" / "train" / "a.jpg")
    folder = root / "annotations"
    write_text(folder / "class-descriptions-boxable.csv", "/m/1,Cat\n/m/2,Dog\n")
    write_text(folder / "images.meta", "a 40 60\n")
    tables = {
        "human-imagelabels": "ImageID,Source,LabelName,Confidence\na,v,/m/2,1\n",
        "bbox": "ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/1,0.1,0.5,0.2,0.4\n",
        "object-segmentation": "MaskPath,ImageID,LabelName,BoxXMin,BoxXMax,BoxYMin,BoxYMax\n"
        "m.png,a,/m/1,0.1,0.5,0.2,0.4\n",
    }
    for kind, text in tables.items():
        write_text(folder / f"train-annotations-{kind}.csv", text)
    (root / "masks").mkdir()
    Image.fromarray(np.tri(20, 30, dtype=bool)).save(root / "masks" / "m.png")
    return root


def cvat(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(
        root / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>'
        "<labels><label><name>cat</name><attributes/></label></labels></task></meta>"
        '<image id="0" name="a.jpg" width="60" height="40">'
        '<box label="cat" occluded="0" xtl="1.5" ytl="2" xbr="20" ybr="30" z_order="0"/>'
        '<polygon label="cat" occluded="0" points="5,4;30,6;20,33" z_order="0"/>'
        '<polyline label="cat" occluded="0" points="5,4;30,6" z_order="0"/>'
        '<points label="cat" occluded="0" points="5,4" z_order="0"/>'
        '<ellipse label="cat" occluded="0" cx="9" cy="9" rx="5" ry="3" rotation="30"/>'
        '<mask label="cat" rle="1,3,2" left="1" top="1" width="3" height="2" z_order="2"/>'
        '<tag label="cat"/></image></annotations>',
    )


def voc(root: Path) -> Path:
    photo(root / "JPEGImages" / "a.jpg")
    write_text(
        root / "Annotations" / "a.xml",
        "<annotation><filename>a.jpg</filename><size><width>60</width><height>40</height>"
        "<depth>3</depth></size><object><name>cat</name><bndbox><xmin>3</xmin><ymin>4</ymin>"
        "<xmax>30</xmax><ymax>20</ymax></bndbox></object></annotation>",
    )
    return root


def label_png(root: Path) -> Path:
    photo(root / "images" / "a.jpg")
    labels = np.full((40, 60), 254, np.uint8)
    labels[3:9, 4:40] = 1
    (root / "maps").mkdir()
    Image.fromarray(labels).save(root / "maps" / "a.png")
    return root / "maps"


def clicks(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_json(root / "points.json", {"a": [{"cls": "cat", "x": 3.5, "y": 7.0}]})


def boxes_csv(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "boxes.csv", "image,class,xmin,ymin,xmax,ymax\na,cat,1,2,30,20\n")


def tags_csv(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "tags.csv", "image,class\na.jpg,cat\na.jpg,dog\n")


def coco_masks(root: Path) -> Path:
    photo(root / "a.jpg", (4, 6))
    annotations = [
        {"segmentation": {"size": [4, 6], "counts": [2, 9, 13]}, "category_id": 1},
        {"segmentation": {"size": [4, 6], "counts": "29="}, "category_id": 2},
        {"keypoints": [1, 2, 2, 4, 3, 1], "category_id": 1},
    ]
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 6, "height": 4}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": number, "image_id": 1, "iscrowd": 0, **annotation}
            for number, annotation in enumerate(annotations)
        ],
    }
    return write_json(root / "instances_train.json", tree)


def cityscapes(root: Path, kind: str = "labelIds") -> Path:
    photo(root / "leftImg8bit" / "train" / "bern" / "bern_1_leftImg8bit.png")
    values = np.zeros((40, 60), np.uint16 if kind == "instanceIds" else np.uint8)
    values[3:9], values[12:20] = 7, 26
    if kind == "instanceIds":
        values[12:20] = 26_003
    mask(root / "gtFine" / "train" / "bern" / f"bern_1_gtFine_{kind}.png", values)
    return root


def cityscapes_instances(root: Path) -> Path:
    return cityscapes(root, "instanceIds")


def cityscapes_colours(root: Path) -> Path:
    photo(root / "leftImg8bit" / "train" / "bern" / "bern_1_leftImg8bit.png")
    colours = np.zeros((40, 60, 3), np.uint8)
    colours[3:9] = 128, 64, 128
    mask(root / "gtFine" / "train" / "bern" / "bern_1_gtFine_color.png", colours)
    write_text(root / "label_colors.txt", "0 0 0 background\n128 64 128 road\n")
    return root


def camvid(root: Path) -> Path:
    photo(root / "train" / "x.png")
    colours = np.zeros((40, 60, 3), np.uint8)
    colours[:5] = 128, 128, 128
    mask(root / "trainannot" / "x.png", colours)
    write_text(root / "train.txt", "/SegNet/CamVid/train/x.png /SegNet/CamVid/trainannot/x.png\n")
    return root


def ade20k(root: Path, year: int = 2017) -> Path:
    folder = root / "images" / "training" / "street"
    photo(folder / "a.jpg")
    code = np.zeros((40, 60, 3), np.uint8)  # class in R and G, number of the object in B
    code[3:8, 4:10], code[10:15] = (0, 5, 1), (10, 7, 2)
    mask(folder / "a_seg.png", code)
    objects = [("car", 5, 0), ("sky", 263, 0), ("wheel", 9, 1)]
    if year == 2017:
        lines = [
            f'{number} # {level} # 0 # x # {name} # "red"\n'
            for number, (name, _, level) in enumerate(objects, 1)
        ]
        write_text(folder / "a_atr.txt", "".join(lines))
        return root
    listed = [
        {"raw_name": name, "name_ndx": index, "parts": {"part_level": level}}
        for name, index, level in objects
    ]
    write_json(folder / "a.json", {"annotation": {"object": listed}})
    return root


def ade20k_2020(root: Path) -> Path:
    return ade20k(root, 2020)


def mapillary(root: Path) -> Path:
    photo(root / "training" / "images" / "a.jpg")
    values = np.full((40, 60), 2 << 8, np.uint16)
    values[3:8, 4:10] = (1 << 8) + 1
    mask(root / "training" / "v2.0" / "instances" / "a.png", values)
    labels = [{"name": name, "color": [0, 0, 0]} for name in ("void--a", "car", "road")]
    write_json(root / "config_v2.0.json", {"labels": labels})
    return root


def data_folder(root: Path) -> Path:
    photo(root / "images" / "a.jpg")
    labels = np.full((40, 60), 254, np.uint8)
    labels[3:9, 4:40] = 1
    for name in ("masks", "scribbles"):
        mask(root / name / "a.png", labels)
    texts = {
        "classes.txt": "background\ncat\n",
        "tags.csv": "image,class\na,cat\n",
        "boxes.csv": "image,class,xmin,ymin,xmax,ymax\na,cat,1,2,30,20\n",
        "points.csv": "image,class,x,y\na,cat,3,4\n",
        "splits/train.txt": "a\n",
    }
    for name, text in texts.items():
        write_text(root / name, text)
    return root


def voc_masks(root: Path) -> Path:
    photo(root / "JPEGImages" / "a.jpg")
    labels = np.zeros((40, 60), np.uint8)
    labels[3:9], labels[9] = 8, 255
    mask(root / "SegmentationClass" / "a.png", labels)
    write_text(root / "ImageSets" / "Segmentation" / "train.txt", "a\n")
    return root


def scribblesup_xml(root: Path) -> Path:
    photo(root / "2007_000001.jpg")
    point = "<point><X>{}</X><Y>{}</Y></point>".format
    return write_text(
        root / "2007_000001.xml",
        "<annotation><filename>2007_000001.jpg</filename><size><width>60</width><height>40"
        "</height></size><polygon><tag>plane</tag>"
        f"{point(5, 4)}{point(30, 6)}{point(20, 33)}</polygon></annotation>",
    )


def mask(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_json(path: Path, tree: object) -> Path:
    return write_text(path, json.dumps(tree))


_RING = [[5, 4], [30, 6], [20, 33]]
_VIA_SHAPES = (
    {"name": "rect", "x": 5, "y": 4, "width": 20, "height": 10},
    {"name": "polygon", "all_points_x": [5, 30, 20], "all_points_y": [4, 6, 33]},
    {"name": "ellipse", "cx": 20, "cy": 20, "rx": 9, "ry": 5, "theta": 0.5},
    {"name": "point", "cx": 7, "cy": 8},
)


def via(root: Path) -> Path:
    photo(root / "a.jpg")
    regions = [
        {"shape_attributes": shape, "region_attributes": {"class": "cat"}} for shape in _VIA_SHAPES
    ]
    image = {"filename": "a.jpg", "size": 9, "file_attributes": {}, "regions": regions}
    tree = {"_via_settings": {}, "_via_img_metadata": {"a.jpg9": image}, "_via_attributes": {}}
    return write_json(root / "via.json", tree)


def via_csv(root: Path) -> Path:
    photo(root / "a.jpg")
    head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes"
    cells = (json.dumps(shape).replace('"', '""') for shape in _VIA_SHAPES)
    rows = [
        f'a.jpg,9,"{{}}",4,{number},"{cell}","{{""class"": ""cat""}}"'
        for number, cell in enumerate(cells)
    ]
    return write_text(root / "via.csv", "\n".join([f"{head},region_attributes", *rows]))


def makesense(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "labels.csv", "cat,5,4,20,10,a.jpg,60,40\ndog,0,0,9,9,a.jpg,60,40\n")


def makesense_json(root: Path) -> Path:
    photo(root / "a.jpg")
    tags = [{"image": "a.jpg", "annotations": ["cat", "cup, hot"]}]
    return write_json(root / "labels.json", tags)


def supervisely(root: Path) -> Path:
    photo(root / "ds" / "img" / "a.jpg")
    png = io.BytesIO()
    Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(png, "PNG")
    data = base64.b64encode(zlib.compress(png.getvalue())).decode()
    objects = [
        {"geometryType": "rectangle", "points": {"exterior": _RING[:2], "interior": []}},
        {"geometryType": "polygon", "points": {"exterior": _RING, "interior": []}},
        {"geometryType": "bitmap", "bitmap": {"origin": [3, 4], "data": data}},
    ]
    objects = [{"classTitle": "cat", "tags": [], **one} for one in objects]
    size = {"height": 40, "width": 60}
    tree = {"description": "", "tags": [], "size": size, "objects": objects}
    return write_json(root / "ds" / "ann" / "a.jpg.json", tree)


def qupath(root: Path) -> Path:
    photo(root / "a.jpg")
    geometries = [
        {"type": "Polygon", "coordinates": [[*_RING, _RING[0]]]},
        {"type": "LineString", "coordinates": _RING},
        {"type": "Point", "coordinates": _RING[0]},
    ]
    properties = {"objectType": "annotation", "classification": {"name": "cat"}}
    features = [
        {"type": "Feature", "geometry": one, "properties": properties} for one in geometries
    ]
    return write_json(root / "a.geojson", {"type": "FeatureCollection", "features": features})


def labelbox(root: Path) -> Path:
    photo(root / "a.jpg")
    places = [{"x": x, "y": y} for x, y in _RING]
    box = {"top": 4, "left": 5, "height": 10, "width": 20}
    objects = [{"name": "cat", "polygon": places}, {"name": "dog", "bounding_box": box}]
    annotations = {"objects": objects, "classifications": []}
    row = {
        "data_row": {"id": "x", "external_id": "a.jpg", "row_data": "https://x.com/a.jpg"},
        "media_attributes": {"height": 40, "width": 60},
        "projects": {"p": {"labels": [{"annotations": annotations}]}},
    }
    return write_text(root / "export.ndjson", json.dumps(row) + "\n")


def roboflow_masks(root: Path) -> Path:
    photo(root / "train" / "a.jpg")
    mask(root / "train" / "a_mask.png", np.eye(40, 60, dtype=np.uint8))
    write_text(root / "train" / "_classes.csv", "Pixel Value, Class\n0, background\n1, cat\n")
    return root


def box_table(root: Path) -> Path:
    photo(root / "a.jpg")
    head = "filename,width,height,class,xmin,ymin,xmax,ymax"
    return write_text(
        root / "t.csv", f"{head}\na.jpg,60,40,cat,5,4,30,33\na.jpg,60,40,dog,1,1,9,9\n"
    )


def via_1(root: Path) -> Path:
    """Make an export of VIA 1, which numbers regions, with the shapes that `via` has not."""
    photo(root / "a.jpg")
    xs, ys = [5, 30, 20], [4, 6, 33]
    shapes = (
        {"name": "circle", "cx": 20, "cy": 20, "r": 7},
        {"name": "polyline", "all_points_x": xs, "all_points_y": ys},
        {"name": "rect", "x": 1, "y": 2, "width": 9, "height": 8},
    )
    regions = {
        str(number): {"shape_attributes": shape, "region_attributes": {"kind": {"cat": True}}}
        for number, shape in enumerate(shapes)
    }
    image = {"fileref": "", "size": 9, "filename": "a.jpg", "regions": regions}
    return write_json(root / "via.json", {"a.jpg9": image | {"file_attributes": {}}})


def makesense_points(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "labels.csv", "cat,5,4,a.jpg,60,40\ndog,9,9,a.jpg,60,40\n")


def makesense_lines(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "lines.csv", "cat,50,4,20,10,a.jpg,60,40\ndog,0,0,9,9,a.jpg,60,40\n")


def makesense_tags(root: Path) -> Path:
    photo(root / "a.jpg")
    photo(root / "b.jpg")
    return write_text(root / "tags.csv", 'a.jpg,"[cat,dog]"\nb.jpg,"[dog]"\n')


def supervisely_project(root: Path) -> Path:
    nodes = {"n1": {"loc": [5, 4]}, "n2": {"loc": [9, 9]}}
    part = {"exterior": _RING, "interior": [[[10, 10], [12, 10], [11, 12]]]}
    objects = [
        {"geometryType": "point", "points": {"exterior": _RING[:1], "interior": []}},
        {"geometryType": "line", "points": {"exterior": _RING, "interior": []}},
        {"geometryType": "graph", "nodes": nodes},
        {"geometryType": "multipolygon", "parts": [part]},
    ]
    objects = [{"classTitle": "dog", "tags": [], **one} for one in objects]
    write_json(root / "meta.json", {"classes": [{"title": "cat"}, {"title": "dog"}], "tags": []})
    for name in ("one", "two"):
        photo(root / name / "img" / "a.jpg")
        tree = {"description": "", "tags": [{"name": "train", "value": None}], "objects": objects}
        write_json(root / name / "ann" / "a.jpg.json", tree | {"size": {"height": 40, "width": 60}})
    return root


def qupath_list(root: Path) -> Path:
    photo(root / "a.jpg")
    ring = [*_RING, _RING[0]]
    geometries = [
        {"type": "MultiPolygon", "coordinates": [[ring], [ring]]},
        {"type": "MultiPoint", "coordinates": _RING},
        {"type": "MultiLineString", "coordinates": [_RING, _RING]},
    ]
    names = {"classification": {"names": ["cat", "big"]}}
    features = [{"type": "Feature", "geometry": one, "properties": names} for one in geometries]
    return write_json(root / "a.geojson", features)


def labelbox_list(root: Path) -> Path:
    """Make an export of Labelbox as a list, with lines, points and answers."""
    places = [{"x": x, "y": y} for x, y in _RING]
    objects = [{"name": "cat", "line": places}, {"name": "dog", "point": places[0]}]
    answers = [
        {"name": "scene", "radio_answer": {"name": "indoor"}},
        {"name": "what", "checklist_answers": [{"name": "cat"}, {"name": "night"}]},
    ]
    annotations = {"objects": objects, "classifications": answers}
    rows = []
    for name in ("a.jpg", "b.jpg"):
        photo(root / name)
        data = {"id": name, "external_id": name, "details": {"split": "train"}}
        media = {"height": 40, "width": 60}
        projects = {"p": {"labels": [{"annotations": annotations}]}}
        rows.append({"data_row": data, "media_attributes": media, "projects": projects})
    return write_json(root / "export.json", rows)


def box_table_sizes(root: Path) -> Path:
    """Make a table of fractions: corners and sizes, in a folder of a split."""
    photo(root / "train" / "a.jpg")
    head = "image_path,label,bbox_x,bbox_y,bbox_width,bbox_height"
    rows = "a.jpg,cat,0.1,0.1,0.5,0.5\na.jpg,dog,0.2,0.2,0.3,0.3\n"
    write_text(root / "train" / "boxes.csv", f"{head}\n{rows}")
    return root


def points_csv(root: Path) -> Path:
    photo(root / "a.jpg")
    return write_text(root / "points.csv", "image,class,x,y\na,cat,3,4\na.jpg,dog,5,6\n")


def label_studio_pages(root: Path) -> Path:
    """Make a task of several images, with brushes, vectors, and labels beside regions."""
    size = {"original_width": 60, "original_height": 40, "image_rotation": 0}
    common = size | {"to_name": "image", "from_name": "label"}
    png = io.BytesIO()
    Image.fromarray(np.eye(40, 60, dtype=np.uint8) * 255).save(png, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    brush = encode_brush(np.eye(40, 60, dtype=bool))
    vertices = [
        {"id": str(number), "x": x, "y": y, "prevPointId": str(number - 1) if number else None}
        for number, (x, y) in enumerate(_RING)
    ]
    values = [
        ("brushlabels", {"format": "rle", "rle": brush, "brushlabels": ["cat"]}),
        ("bitmask", {"imageDataURL": url}),
        ("vectorlabels", {"vertices": vertices, "closed": False, "vectorlabels": ["dog"]}),
    ]
    result = [
        common | {"id": str(number), "item_index": number % 2, "type": kind, "value": value}
        for number, (kind, value) in enumerate(values)
    ]
    label = {"id": "1", "item_index": 1, "type": "labels", "value": {"labels": ["cow"]}}
    taxonomy = {"id": "t", "item_index": 0, "type": "taxonomy"}
    result += [common | label, common | taxonomy | {"value": {"taxonomy": [["animal", "cat"]]}}]
    for name in ("a.jpg", "b.jpg"):
        photo(root / name)
    tasks = [
        {
            "id": 7,
            "annotations": [{"id": 1, "result": result, "created_at": "2024-01-01T00:00:00Z"}],
            "data": {"image": ["/data/upload/1/a.jpg", "/data/upload/1/b.jpg"]},
        }
    ]
    return write_json(root / "export.json", tasks)


def cvat_project(root: Path) -> Path:
    """Make a project of CVAT with subsets, a skeleton and rotated boxes."""
    shapes = (
        '<box label="cat" xtl="10" ytl="12" xbr="20" ybr="30" rotation="30" group_id="3"/>'
        '<skeleton label="man" z_order="1"><points label="head" outside="0" points="5,4"/>'
        '<points label="foot" outside="1" points="9,9"/></skeleton>'
        '<polygon label="cat" points="5,4;30,6;20,33" group_id="3"/>'
    )
    labels = (
        "<labels><label><name>cat</name></label><label><name>man</name><type>skeleton</type>"
        "</label><label><name>head</name><parent>man</parent></label></labels>"
    )
    images = []
    for subset in ("Train", "Validation"):
        photo(root / "images" / subset / "a.jpg")
        images.append(
            f'<image id="0" name="a.jpg" subset="{subset}" width="60" height="40">{shapes}</image>'
        )
    write_text(
        root / "annotations.xml",
        f"<annotations><version>1.1</version><meta><project>{labels}<subsets>Train\nValidation"
        f"</subsets></project></meta>{''.join(images)}</annotations>",
    )
    return root


def labelme_whole(root: Path) -> Path:
    """Make a file of labelme with the image inside, painted and rotated shapes."""
    png, picture = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(png, "PNG")
    Image.fromarray(np.full((40, 60, 3), 120, np.uint8)).save(picture, "PNG")
    data = base64.b64encode(png.getvalue()).decode()
    corners = [[5, 4], [30, 6], [28, 33], [3, 31]]
    shapes = [
        {"label": "cat", "points": [[3, 4], [11, 12]], "shape_type": "mask", "mask": data},
        {"label": "dog", "points": corners, "shape_type": "oriented_rectangle"},
        {"label": "dog", "points": corners, "shape_type": "points"},
    ]
    tree = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": "a.png"}
    size = {"imageHeight": 40, "imageWidth": 60}
    embedded = {"imageData": base64.b64encode(picture.getvalue()).decode()}
    write_json(root / "one" / "a.json", tree | size | embedded)
    photo(root / "two" / "b.jpg")
    write_json(root / "two" / "b.json", tree | size | {"imagePath": "b.jpg", "imageData": None})
    return root


def coco_labels(root: Path) -> Path:
    """Make a file of COCO as of Roboflow, whose annotations have no shape."""
    photo(root / "train" / "a.jpg")
    categories = [
        {"id": 0, "name": "animals", "supercategory": "none"},
        {"id": 1, "name": "cat", "supercategory": "animals"},
        {"id": 2, "name": "dog", "supercategory": "animals"},
    ]
    annotations = [{"id": number, "image_id": 0, "category_id": number} for number in (1, 2)]
    images = [{"id": 0, "file_name": "a.jpg", "width": 60, "height": 40}]
    tree = {"images": images, "categories": categories, "annotations": annotations}
    write_json(root / "train" / "_annotations.coco.json", tree)
    return root


def voc_tables(root: Path) -> Path:
    """Make a folder of PASCAL VOC with weakseg's tables, scribbles and a list of classes."""
    for name in ("a", "b"):
        photo(root / "JPEGImages" / f"{name}.jpg")
    labels = np.full((40, 60), 254, np.uint8)
    labels[3:9, 4:40] = 1
    mask(root / "scribbles" / "a.png", labels)
    texts = {
        "classes.txt": "background\ncat\ndog\n",
        "tags.csv": "image,class\na,cat\nb,dog\n",
        "points.csv": "image,class,x,y\na,cat,3,4\nb,dog,5,6\n",
        "ImageSets/Main/train.txt": "a\nb\n",
        "ImageSets/Main/cat_train.txt": "a 1\nb -1\n",
    }
    for name, text in texts.items():
        write_text(root / name, text)
    return root


def voc_colours(root: Path) -> Path:
    """Make a folder of PASCAL VOC as CVAT does, with a colour for each class."""
    photo(root / "JPEGImages" / "a.jpg")
    colours = np.zeros((40, 60, 3), np.uint8)
    colours[3:9], colours[12:20] = (128, 0, 0), (0, 128, 0)
    mask(root / "SegmentationClass" / "a.png", colours)
    lines = ("background:0,0,0::", "cat:128,0,0::", "dog:0,128,0::")
    write_text(root / "labelmap.txt", "# label:color_rgb:parts:actions\n" + "\n".join(lines))
    write_text(root / "ImageSets" / "Segmentation" / "default.txt", "a\n")
    return root


def voc_xml(root: Path) -> Path:
    """Make folders of XML beside images, as LabelImg and Roboflow do."""
    item = "<object><name>{}</name><bndbox>{}</bndbox></object>".format
    box = "<xmin>3</xmin><ymin>4</ymin><xmax>30</xmax><ymax>20</ymax>"
    for name in ("train", "valid"):
        photo(root / name / f"{name}.jpg")
        write_text(
            root / name / f"{name}.xml",
            f"<annotation><filename>{name}.jpg</filename><size><width>60</width><height>40"
            f"</height></size>{item('cat', box)}{item('dog', box)}</annotation>",
        )
    return root


def yolo_lists(root: Path) -> Path:
    """Make a folder of YOLO whose splits are lists, with key points behind boxes."""
    for name in ("a", "b"):
        photo(root / "images" / f"{name}.jpg")
        box = "0.5 0.5 0.2 0.4 0.5 0.5 2"
        write_text(root / "labels" / f"{name}.txt", f"0 {box}\n1 {box}\n")
    lists = {"train": "a", "val": "b"}
    for split, name in lists.items():
        write_text(root / f"{split}.txt", f"./images/{name}.jpg\n")
    names = "names: [cat, dog]\nkpt_shape: [1, 3]\n"
    write_text(root / "data.yaml", f"train: train.txt\nval: val.txt\nnc: 2\n{names}")
    return root


def yolo_classes(root: Path) -> Path:
    """Make a folder of YOLO as Label Studio does."""
    photo(root / "images" / "a.jpg")
    write_text(root / "labels" / "a.txt", "0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.5 0.1 0.5 0.5\n")
    write_text(root / "classes.txt", "cat\ndog\n")
    write_json(root / "notes.json", {"info": {"contributor": "Label Studio"}})
    return root


def label_png_folder(root: Path) -> Path:
    """Make images and masks without a list of classes."""
    photo(root / "images" / "a.jpg")
    labels = np.full((40, 60), 254, np.uint8)
    labels[3:9, 4:40] = 1
    mask(root / "masks" / "a.png", labels)
    return root


def scribblesup_png(root: Path) -> Path:
    photo(root / "images" / "2007_000001.jpg")
    labels = np.full((40, 60), 255, np.uint8)
    labels[3:9, 4:40], labels[20, 4:40] = 8, 0
    mask(root / "2007_000001.png", labels)
    return root


def twice(make):
    """Make a folder of two files, each of its own image, with a maker of one file."""

    def make_two(root: Path) -> Path:
        first = make(root)
        name = first.name
        other = name.replace("train", "val") if "train" in name else f"b{name[1:]}"
        text = first.read_text().replace("a.jpg", "b.jpg").replace('"a"', '"b"')
        write_text(root / other, text)
        photo(root / "b.jpg")
        return root

    return make_two


TWICE = (via, via_csv, makesense, qupath, labelbox, coco, cvat, datumaro, box_table, label_studio)
MAKERS = {f"two_{maker.__name__}": twice(maker) for maker in TWICE} | {
    maker.__name__: maker
    for maker in (
        *(labelme, label_studio, coco, coco_masks, panoptic, cvat, datumaro, yolo),
        *(open_images, voc, voc_masks, scribblesup_xml, label_png, clicks, boxes_csv, tags_csv),
        *(cityscapes, cityscapes_instances, cityscapes_colours, camvid, ade20k, ade20k_2020),
        *(mapillary, data_folder, darknet, via, via_csv, makesense, supervisely, qupath),
        *(labelbox, roboflow_masks, box_table, via_1, makesense_points, makesense_lines),
        *(
            makesense_tags,
            makesense_json,
            supervisely_project,
            qupath_list,
            labelbox_list,
            box_table_sizes,
        ),
        *(points_csv, label_studio_pages, cvat_project, labelme_whole, coco_labels, voc_tables),
        *(voc_colours, voc_xml, yolo_lists, yolo_classes, label_png_folder, scribblesup_png),
    )
}
# Some samples come without their images.
IMAGES_LEFT_OUT = {
    "shared_label_studio": {"test_image1.jpg": (320, 500)},
    "shared_coco": {"a.jpg": (5, 10)},
}
SHARED_SAMPLES = {
    "shared_labelme": ("labelme", ""),
    "shared_label_studio": ("label_studio", "export.json"),
    "shared_coco": ("coco", "instances_train.json"),
    "shared_cvat": ("cvat", "train.xml"),
    "shared_scribblesup": ("scribblesup", ""),
}


@pytest.fixture
def make_sample(request):
    """Give a function that makes a sample's folder: (kind, folder) -> what is to be imported."""

    def make(kind: str, root: Path) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        if kind in MAKERS:
            return MAKERS[kind](root)
        folder, entry = SHARED_SAMPLES[kind]
        shared = request.getfixturevalue("shared")  # skips where it is absent
        shutil.copytree(shared / "formats" / folder, root, dirs_exist_ok=True)
        for name, size in IMAGES_LEFT_OUT.get(kind, {}).items():
            photo(root / name, size)
        return root / entry if entry else root

    return make


JUNK = (
    None,
    True,
    "x",
    "",
    -1,
    0,
    1e30,
    -1e30,
    float("nan"),
    float("inf"),
    10**40,
    [],
    {},
    [[]],
    [None],
    "9" * 400,
    "../../../etc/passwd",
    "\x00",
    {"a": {}},
    254,
    255,
    "void",
)
JUNK_TEXT = ("", "x", "-1", "nan", "inf", "1e30", "-5", "9" * 400, "../a", "1;2;3", ",;,", "é☃")
_LEVELS = [f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10)]
BOMB = f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">{"".join(_LEVELS)}]>'


@dataclass(frozen=True)
class Damage:
    """A damage.

    Args:
        how: What was done to which file.
        untraced: Number of marks of which it leaves no trace, so that nobody can miss them.
    """

    how: str
    untraced: float = 0


def damage_file(path: Path, rng: random.Random) -> Damage:
    """Damage one of the files below a path (or the file itself)."""
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    file = rng.choice(files)
    ways = [truncate, flip_bytes, encode_otherwise, empty]
    if file.suffix in {".json", ".geojson"}:
        ways += [damage_json] * 6 + [nest_deep, many_corners, duplicate_key]
    if file.suffix == ".ndjson":
        ways += [damage_json] * 6
    if file.suffix == ".xml":
        ways += [damage_xml] * 6 + [entity_bomb]
    if file.suffix in {".csv", ".txt", ".yaml", ".data", ".names", ".meta"}:
        ways += [damage_csv] * 3
    if file.suffix in {".png", ".jpg"}:
        ways += [declare_huge, damage_values]
    way = rng.choice(ways)
    lines = _lines(file)
    what, untraced = way(file, rng) or ("", 0)
    if file.suffix in ONE_A_LINE:
        untraced = max(untraced, lines - _lines(file))
    return Damage(f"{way.__name__} of {file.name}{what}", untraced)


ONE_A_LINE = {".csv", ".txt", ".ndjson"}
"""Endings of files with a mark, or an image, in each line: one that is gone leaves no trace."""


def _lines(file: Path) -> int:
    return sum(1 for line in file.read_bytes().splitlines() if line.strip())


def truncate(file, rng):
    data = file.read_bytes()
    file.write_bytes(data[: rng.randrange(len(data) + 1)])


def empty(file, rng):
    file.write_bytes(b"")


def flip_bytes(file, rng):
    data = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 5, 50])):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    file.write_bytes(bytes(data))


def encode_otherwise(file, rng):
    text = file.read_bytes().decode("latin-1")
    file.write_bytes(text.encode(rng.choice(["utf-16", "utf-32", "utf-8-sig", "cp500"])))


def damage_json(file, rng):
    tree = json.loads(file.read_text())
    whats, untraced = [], 0
    for _ in range(rng.choice([1, 1, 3])):
        tree, what, more = _damage_node(tree, rng)
        whats.append(what)
        untraced += more
    file.write_text(json.dumps(tree))
    return f" ({'; '.join(whats)})", untraced


def _damage_node(tree, rng):
    """Damage a value in a tree; return the tree, what was done, and what is lost untraced."""
    places = list(_places(tree))
    if not places:
        junk = rng.choice(JUNK)
        return junk, f"{junk!r:.20} in place of all", math.inf if junk in ([], {}) else 0
    holder, key, where = rng.choice(places)
    old, way = holder[key], rng.randrange(4)
    if way == 0:
        del holder[key]
        return tree, f"no {where}", math.inf if _is_entry(holder, key) else 0
    if way == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
        return tree, f"{where} twice", 0
    junk = rng.choice(JUNK)
    holder[key] = copy.deepcopy(junk)
    is_emptied = junk in ([], {}) and isinstance(old, list | dict)
    return tree, f"{junk!r:.20} as {where}", math.inf if is_emptied or where in SWITCHES else 0


def _is_entry(holder, key):
    """Whether a value is one of many, not what an object must have."""
    return isinstance(holder, list) or key in ENTRIES


ENTRIES = {"a", "a.jpg9", "0", "1", "2", "cat", "indoor", "n1", "n2", "p"}
SWITCHES = set()


def _places(tree, above=""):
    """Yield every place in a tree: its holder, its key, and the keys that lead there."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        where = f"{above}.{key}".lstrip(".")
        yield tree, key, where
        if isinstance(value, dict | list):
            yield from _places(value, where)


def nest_deep(file, rng):
    file.write_text('{"shapes": ' + "[" * 100_000)


def duplicate_key(file, rng):
    text = file.read_text()
    file.write_text(text.replace("{", '{"shapes": 3, "shapes": [], "images": {}, ', 1))


def many_corners(file, rng):
    tree = json.loads(file.read_text())
    points = [[rng.uniform(0, 60), rng.uniform(0, 40)] for _ in range(100_000)] * 3
    for holder, key, _ in list(_places(tree)):
        if key in {"points", "segmentation"} and isinstance(holder[key], list):
            flat = [[value for place in points for value in place]]
            holder[key] = points if key == "points" else flat
            break
    file.write_text(json.dumps(tree))


def damage_xml(file, rng):
    text = file.read_text()
    pieces = [part for part in text.replace('"', "<").replace(">", "<").split("<") if part.strip()]
    piece, junk, times = rng.choice(pieces), rng.choice(JUNK_TEXT), rng.choice([1, 1, -1])
    file.write_text(text.replace(piece, junk, times))
    return f" ({junk[:20]!r} for {piece!r}, {times} times)", 0


def entity_bomb(file, rng):
    file.write_text(BOMB + "<annotations><version>1.1</version><image>&a9;</image></annotations>")


def damage_csv(file, rng):
    separator = "," if file.suffix == ".csv" else " "
    rows = [line.split(separator) for line in file.read_text().splitlines()]
    number = rng.randrange(len(rows))
    column, junk = rng.randrange(len(rows[number])), rng.choice([*JUNK_TEXT, '"', "a,b,c"])
    rows[number][column] = junk
    file.write_text("\n".join(map(separator.join, rows)))
    return f" ({junk[:20]!r} in line {number + 1}, column {column + 1})", 0


def damage_values(file, rng):
    """Paint over some of a picture, and at times keep one channel of it or make it smaller."""
    with Image.open(file) as picture:
        values = np.array(picture)
    part = values[rng.randrange(values.shape[0]) :, : rng.randrange(values.shape[1])]
    part[...] = rng.choice([1, 77, 253, 254, 255])
    if rng.random() < 0.3:
        values = rng.choice([values[:-5], values.reshape(*values.shape[:2], -1)[..., 0]])
    Image.fromarray(np.ascontiguousarray(values)).save(file)
    return "", math.inf


def declare_huge(file, rng):
    file.write_bytes(png_that_declares(60_000))


def png_that_declares(side):
    """Bytes of a PNG that declares far more pixels than it holds."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


def zip_that_leads_out(path):
    """A zip whose entry would land outside the folder it is unpacked into."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.json", "[]")
        archive.writestr("/absolute.json", "[]")
    return path


@pytest.fixture
def damage():
    """Give a function that damages a file below a path: (path, rng) -> Damage."""
    return damage_file


@pytest.fixture
def huge_png():
    """Give a function that makes the bytes of a PNG which declares a huge side."""
    return png_that_declares


@pytest.fixture
def zip_with_way_out():
    """Give a function that makes such a zip: path -> path."""
    return zip_that_leads_out
