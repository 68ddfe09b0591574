"""What the readers of CVAT, Datumaro, COCO, Open Images and YOLO have in common."""

import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import OpenClassList
from weakseg.marks.label_values import VOID
from weakseg.readers.detection import FORMATS
from weakseg.support.errors import DataError

NAMES = ("cvat", "datumaro", "coco", "open-images", "yolo")
BY_NAME = {item.name: item for item in FORMATS if item.name in NAMES}


def read(name, path, classes=None):
    return list(BY_NAME[name].read(path, classes or OpenClassList(), SourceOptions()))


@pytest.fixture
def samples(tmp_path):
    """Write one small file or folder of each format that holds text alone."""
    root = tmp_path / "samples"
    root.mkdir()
    box = '<box label="cat" xtl="1" ytl="2" xbr="3" ybr="4"/>'
    mask = '<mask label="dog" rle="1,3,2" left="1" top="1" width="3" height="2"/>'
    (root / "cvat.xml").write_text(
        "<annotations><meta><task><label><name>cat</name></label>"
        "<label><name>dog</name></label></task></meta>"
        f'<image id="0" name="a.jpg" width="30" height="20">{box}{mask}</image></annotations>'
    )
    rle = {"size": [20, 30], "counts": "d0d0`a0"}
    (root / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 30}],
                "annotations": [
                    {
                        "id": 1,
                        "image_id": 1,
                        "category_id": 1,
                        "bbox": [1, 2, 3, 4],
                        "iscrowd": 0,
                        "segmentation": [[1, 2, 4, 2, 4, 6]],
                    },
                    {"id": 2, "image_id": 1, "category_id": 1, "segmentation": rle, "iscrowd": 1},
                    {"id": 3, "image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]},
                ],
                "categories": [{"id": 1, "name": "cat"}],
            }
        )
    )
    (root / "datumaro.json").write_text(
        json.dumps(
            {
                "infos": {},
                "categories": {"label": {"labels": [{"name": "cat"}]}},
                "items": [
                    {
                        "id": "a",
                        "image": {"path": "a.jpg", "size": [20, 30]},
                        "annotations": [
                            {"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4]},
                            {
                                "type": "mask",
                                "label_id": 0,
                                "rle": {"size": [20, 30], "counts": "d0d0`a0"},
                            },
                            {"type": "points", "label_id": 0, "points": [1, 2], "visibility": [2]},
                        ],
                    }
                ],
            }
        )
    )
    for folder in ("yolo/labels", "yolo/images"):
        (root / folder).mkdir(parents=True)
    (root / "yolo" / "data.yaml").write_text("names: [cat, dog]\ntrain: images\n")
    (root / "yolo" / "labels" / "a.txt").write_text("1 0.5 0.5 0.1 0.1\n0 0 0 0 1 1 1\n")
    Image.new("RGB", (30, 20)).save(root / "yolo" / "images" / "a.jpg")
    return root


SAMPLES = {"cvat": "cvat.xml", "coco": "coco.json", "datumaro": "datumaro.json", "yolo": "yolo"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_and_by_its_own_format_alone(samples, name):
    path = samples / SAMPLES[name]
    assert [item.name for item in FORMATS if item.recognises(path)] == [name]
    (image,) = read(name, path)
    assert image.marks.boxes
    assert image.name == "a"


def test_samples_of_other_tools_are_left_to_others(shared):
    others = [
        path for path in sorted((shared / "formats").glob("*")) if path.name not in {"cvat", "coco"}
    ]
    files = [file for path in others for file in path.iterdir()]
    for path in [*others, *files, shared / "voc" / "VOC2012"]:
        assert not [item.name for item in BY_NAME.values() if item.recognises(path)], path


def test_nothing_strange_is_recognised_or_makes_an_error(tmp_path):
    for number, content in enumerate([b"", b"\0" * 99, b"\xff\xfe{", b"[" * 10**5, b"{" * 10**5]):
        for ending in ("json", "xml", "yaml", "txt", "data", "names"):
            (tmp_path / f"{number}.{ending}").write_bytes(content)
    for path in [tmp_path, tmp_path / "missing", *tmp_path.iterdir()]:
        assert not [item.name for item in BY_NAME.values() if item.recognises(path)], path


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_not_there_or_of_another_format_is_an_error(name, tmp_path):
    with pytest.raises(DataError, match="there is no such file or folder"):
        read(name, tmp_path / "missing")
    with pytest.raises(DataError):
        read(name, tmp_path)
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(DataError):
        read(name, tmp_path / "x.txt")


def test_neither_temporary_folders_nor_datumaro_are_needed(samples, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datumaro", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    for name, sample in SAMPLES.items():
        assert read(name, samples / sample)


def test_dropped_and_void_classes_keep_their_marks(samples):
    classes = OpenClassList(rename={"dog": "void"}, drop=["cat"])
    (image,) = read("yolo", samples / "yolo", classes)
    # A box of void is an area to leave out.
    assert sorted(polygon.class_id for polygon in image.marks.polygons) == [-1, VOID]
    assert not image.marks.boxes


def weird_json(text: str, rng: random.Random) -> bytes:
    """Put something strange in the place of some value."""
    tree = json.loads(text)
    place, key = tree, rng.choice(list(tree))
    while isinstance(place[key], dict | list) and place[key] and rng.random() < 0.9:
        place = place[key]
        key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
    strange = [None, True, -1, 1e30, float("nan"), "", "x", [], {}, [[]], 10**25, "\0", [1], 2**31]
    place[key] = rng.choice(strange)
    return json.dumps(tree).encode()


def damaged(path: Path, rng: random.Random) -> bytes:
    if path.suffix == ".json" and rng.random() < 0.7:
        return weird_json(path.read_text(), rng)
    raw = bytearray(path.read_bytes())
    place = rng.randrange(len(raw))
    change = rng.choice(["byte", "cut", "loss", "gain"])
    if change == "byte":
        raw[place] = rng.randrange(256)
    elif change == "cut":
        del raw[place:]
    elif change == "loss":
        del raw[place : place + rng.choice([1, 5, 50])]
    else:
        raw[place:place] = rng.choice([b"\0", b"\xff", b'"', b"<", b"}", b"9" * 30, b"nan", b"\n"])
    return bytes(raw)


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_of_any_kind_ends_in_an_error_of_data_or_in_marks(samples, name):
    path = samples / SAMPLES[name]
    files = [
        file for file in ([path] if path.is_file() else sorted(path.rglob("*.*"))) if file.is_file()
    ]
    whole = {file: file.read_bytes() for file in files}
    named = []
    for seed in range(120):
        rng = random.Random(seed)
        file = rng.choice(files)
        file.write_bytes(damaged(file, rng))
        try:
            for image in read(name, path):
                numbers = [(box.xmin, box.ymin, box.xmax, box.ymax) for box in image.marks.boxes]
                assert np.isfinite(np.array(numbers, float)).all()
                assert all(region.mask().any() for region in image.marks.regions)
        except DataError as error:
            named.append(error.path)
        file.write_bytes(whole[file])
    assert 10 < len(named) < 120
    assert None not in named
