"""Files of formats that are known and not read: what the error proposes instead."""

import json
import zipfile

import pytest

from weakseg.readers.detection import find_format
from weakseg.readers.foreign_formats import FOREIGN_FORMATS
from weakseg.support.errors import DataError

BOX = {"x": 1, "y": 2, "w": 3, "h": 4}
FILES = {
    "captions of COCO": (
        "a.json",
        {"annotations": [{"image_id": 1, "caption": "A cat."}]},
    ),
    "Darwin": ("a.json", {"schema_ref": "x", "item": {"slots": []}, "annotations": []}),
    "Hasty": ("a.json", {"project_name": "n", "label_classes": [], "images": []}),
    "Encord": ("a.json", [{"label_hash": "x", "data_units": {}}]),
    "Dataloop": ("a.json", {"id": "1", "datasetId": "d", "annotations": []}),
    "SuperAnnotate": ("a.jpg___objects.json", {"metadata": {}, "instances": [{"className": "c"}]}),
    "BDD100K": ("a.json", [{"name": "a.jpg", "labels": [{"category": "car", "box2d": {}}]}]),
    "Ground Truth": ("output.manifest", {"source-ref": "s3://b/a.jpg", "lab": {}}),
    "Segments.ai": ("a.json", {"dataset": {"samples": [{"segmentation_bitmap": {"url": "x"}}]}}),
    "FiftyOne": ("samples.json", {"samples": [{"filepath": "a.jpg", "x": {"_cls": "D"}}]}),
    "VIA 3": ("a.json", {"project": {"vid_list": ["1"]}, "file": {}}),
    "Labelbox's export v1": ("a.json", [{"ID": "x", "Labeled Data": "a.jpg", "Label": {}}]),
    "Label Studio before 1.0": ("1.json", {"data": {"image": "a.jpg"}, "completions": []}),
    "CreateML": ("a.json", [{"image": "a.jpg", "annotations": [{"coordinates": BOX}]}]),
    "PaliGemma": ("a.jsonl", {"image": "a.jpg", "prefix": "p", "suffix": "<loc0100> cat"}),
    "results of COCO": ("a.json", [{"image_id": 1, "category_id": 1, "score": 0.5}]),
    "backup of CVAT": (
        "annotations.json",
        [{"version": 0, "tags": [], "shapes": [], "tracks": []}],
    ),
    "csv of Label Studio": ("e.csv", "annotation_id,image,label,lead_time\n1,a.jpg,cat,2\n"),
    "LabelMe 3.0": ("a.xml", "<annotation><nrows>3</nrows><polygon></polygon></annotation>"),
    "Keras": ("a.txt", "a b.jpg 10,10,30,20,0 40,10,60,20,1\n"),
    "DOTA": ("a.txt", "10.0 10.0 30.0 10.0 30.0 20.0 10.0 20.0 cat 0\n"),
    "KITTI": ("a.txt", "Car 0.0 0 -10 10.00 10.00 30.00 20.00 -1 -1 -1 -1000 -1000 -1000 -10\n"),
    "MOT": ("gt.txt", "1,1,10,10,20,10,1,1,1.0\n"),
    "TFRecord": ("a.tfrecord", "x"),
    "Excel": ("a.xlsx", "x"),
    "Parquet": ("a.parquet", "x"),
    "MATLAB": ("a.mat", "x"),
    "packed": ("a.json.gz", "x"),
}


def message(path):
    with pytest.raises(DataError) as caught:
        find_format(path)
    return str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_tool_is_named_with_what_to_do(tmp_path, name):
    file, content = FILES[name]
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "a.jpg").touch()
    (tmp_path / file).write_text(text)
    said = message(tmp_path)
    (found,) = (item for item in FOREIGN_FORMATS if name in item.name)
    assert said.endswith(f"; {file} looks like {found.name}, not read: {found.instead}")


def test_every_format_is_tried():
    assert len(FILES) == len(FOREIGN_FORMATS)


def test_zips_beside_images_are_to_be_named(tmp_path):
    for name, inside in (("a.zip", "task.json"), ("b.zip", "labels.json")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(inside, "{}")
    assert "a.zip looks like a backup of CVAT" in message(tmp_path)
    (tmp_path / "a.zip").unlink()
    assert (
        "b.zip looks like packed files, not read: unpack it, or import it by its name where"
        in message(tmp_path)
    )
    (tmp_path / "b.zip").write_bytes(b"PK")
    assert "b.zip looks like a damaged zip" in message(tmp_path)


def test_texts_and_tables_of_people_are_not_taken_for_those_of_tools(tmp_path):
    (tmp_path / "notes.txt").write_text("Cats 1 2 3\n2024,3,4\n")
    (tmp_path / "a.json").write_text('{"labels": ["cat"], "image": "a.jpg"}')
    assert ", not read: " not in message(tmp_path)
