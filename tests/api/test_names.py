"""Images keep their names, whatever these hold, from an import to a training, masks and back."""

import itertools
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import weakseg
from weakseg.datasets.data_folder import DataFolder
from weakseg.support.errors import DataError

_PARTS = [
    "cat",
    "cat (2)",
    "cat - Copy",
    "two  spaces",
    "1",
    "0",
    "it's",
    'so "called"',
    '"',
    "a,b",
    ",",
    "#1",
    "a+b",
    "50%",
    "%20",
    "a&b=c",
    "x;y",
    "~$x",
    "[bold]",
    "{0}",
    "caf\xe9",
    "cafe\u0301",
    "\u5199\u771f",
    "\U0001f408",
    "a\u2028b",
    "a\x85b",
    "img.jpg",
    "v1.2",
    "train",
    "background",
]
_ENDINGS = [".png", ".PNG", ".jpg", ".JPG"]


def three_hundred_names() -> list[str]:
    """Names of images, with their endings: parts alone, in pairs, with dots, spaces and folders."""
    forms = [
        "{0}",
        ".{0}",
        " {0}",
        "{0} ",
        "{0}.",
        "{0}  -1",
        "{0} {1}",
        "{1}/{0}",
        ".{1}/{0}",
        "{0} masks {1}",
    ]
    pairs = zip(_PARTS, _PARTS[1:] + _PARTS[:1], strict=True)
    made = [form.format(*pair) for pair in pairs for form in forms]
    made[-1] = ("long " * 40)[:199] + "g"
    return [name + ending for name, ending in zip(made, itertools.cycle(_ENDINGS))]


def make_labelme(root: Path, names: list[str]) -> None:
    """Make a file of labelme for each image, which it names as people's tools do."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 60, (16, 16, 3)).astype(np.uint8)
        picture[4:12, 4:12] += 120
        Image.fromarray(picture).save(path)
        shapes = [
            {"label": label, "points": [place], "shape_type": "point"}
            for label, place in (("cat", [number % 8 + 4, 7]), ("background", [1, 1]))
        ]
        tree = {"version": "5.0", "flags": {"seen": True}, "shapes": shapes, "imagePath": path.name}
        tree |= {"imageData": None, "imageHeight": 16, "imageWidth": 16}
        path.with_name(path.stem + ".json").write_text(json.dumps(tree), encoding="utf-8")


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {name[: -len(Path(name).suffix)] for name in three_hundred_names()}


@pytest.fixture(scope="module")
def data(tmp_path_factory, names) -> Path:
    """The data folder that an import makes of the files."""
    root = tmp_path_factory.mktemp("names")
    make_labelme(root / "files", three_hundred_names())
    done = weakseg.import_marks(
        root / "files", root / "data", weakseg.ImportSettings(split=0.5, drop=["seen"])
    )
    assert done.counts == {}
    return done.root


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Pictures of 16 pixels leave nothing to share."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(data) -> Path:
    recipe = data.parent / "tiny.yaml"
    recipe.write_text(
        "base: small\nmodel: {backbone: test_resnet, weights: none, dimensions: 8}\n"
        "transforms: {crop: 16}\ntraining: {steps: 1, batch: 2}\noversegment: {regions: 4}\n"
        "relabel: {enabled: false}\nclassify: {steps: 0}\n"
        "inference: {labels: classifier}\ndata: {point_radius: 1}\n"
    )
    return weakseg.train(data, recipe=recipe, out=data.parent / "run").run


def test_there_are_three_hundred_names_that_differ(names):
    assert len(names) == 300
    assert len({unicodedata.normalize("NFC", name) for name in names}) < 300
    assert max(map(len, names)) == 200


def test_a_data_folder_reads_the_names_that_an_import_wrote(data, names):
    folder = DataFolder.open(data)
    records = [record for split in ("train", "val") for record in folder.split(split)]
    assert {record.name for record in records} == names
    assert len(records) == 300
    assert all(len(record.marks.points) == 2 for record in records)
    found = weakseg.inspect_data(data, data={"point_radius": 1})
    assert (found.images, found.finding_counts) == (300, {})


def test_an_imported_folder_is_imported_again_the_same(data, names):
    done = weakseg.import_marks(data, data.parent / "again")
    assert (done.images, done.counts) == (300, {})
    for file in ("splits/train.txt", "splits/val.txt", "classes.txt", "points.csv"):
        assert sorted((done.root / file).read_bytes().split(b"\n")) == sorted(
            (data / file).read_bytes().split(b"\n")
        )


def accept(tasks: Path) -> None:
    """Take predictions as a person does who submits them in Label Studio."""
    tree = json.loads(tasks.read_text(encoding="utf-8"))
    for task in tree:
        result = task.pop("predictions")[0]["result"]
        task["annotations"] = [{"result": result}]
    tasks.write_text(json.dumps(tree), encoding="utf-8")


@pytest.mark.parametrize("format", ["png", "coco", "coco-rle", "labelme", "label-studio"])
def test_masks_of_every_format_come_back_under_the_same_names(data, names, run, format):
    out = data.parent / format
    weakseg.predict(run, data / "images", out, format=format)
    if format == "label-studio":
        out /= "tasks.json"
        accept(out)
    settings = weakseg.ImportSettings(images=[data / "images"], classes=data / "classes.txt")
    done = weakseg.import_marks(out, data.parent / f"{format}-again", settings)
    found = DataFolder.open(done.root)
    assert set(found.images) == names
    assert {record.name for record in found.split("train")} == names
    expected = {name: path.read_bytes() for name, path in DataFolder.open(data).images.items()}
    assert {name: path.read_bytes() for name, path in found.images.items()} == expected


def test_training_takes_every_image_of_its_split(data, run):
    listed = (data / "splits/train.txt").read_bytes().count(b"\n")
    made = list((data / ".weakseg/oversegments").rglob("*.png"))
    assert 100 < listed == len(made)


def test_a_name_with_a_line_break_is_refused_with_its_file(tmp_path, run):
    make_labelme(tmp_path / "files", ["two\nlines.png"])
    message = r"lines\.png: the name 'two\\nlines' holds a line break.*rename the file"
    with pytest.raises(DataError, match=message):
        weakseg.import_marks(tmp_path / "files", tmp_path / "data")
    with pytest.raises(DataError, match=message):
        weakseg.predict(run, tmp_path / "files", tmp_path / "masks")


def test_a_name_of_bytes_that_are_no_text_is_refused(tmp_path, run):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "photos" / "caf\udce9.png")
    with pytest.raises(DataError, match=r"the name 'caf\\udce9' is not UTF-8.*rename the file"):
        weakseg.predict(run, tmp_path / "photos", tmp_path / "masks", format="labelme")
