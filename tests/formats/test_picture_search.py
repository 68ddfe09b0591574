"""The image of a file of marks, where its name is not exact."""

import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from weakseg.datasets.data_folder import DataFolder
from weakseg.formats.picture_search import PictureSearch
from weakseg.formats.pictures import find_picture
from weakseg.formats.source import SourceOptions
from weakseg.inspection.sources import opened_data
from weakseg.marks.classes import OpenClassList
from weakseg.readers.detection import opened_source

NFD = unicodedata.normalize("NFD", "caf\xe9")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(
    ("written", "there", "found"),
    [
        ("a.jpg", ["a.jpg", "a.JPG"], "a.jpg"),
        ("a.jpg", ["a.JPG", "a.png"], "a.JPG"),
        ("IMG_1.jpg", ["img_1.jpg"], "img_1.jpg"),
        ("a.jpg", ["a.png"], "a.png"),
        ("a.jpg", ["a.jpg.png", "a.png"], "a.jpg.png"),
        ("caf\xe9.jpg", [f"{NFD}.jpg"], f"{NFD}.jpg"),
        ("Photos/a.jpg", ["photos/a.JPG", "a.png"], "photos/a.JPG"),
        ("a.jpg", ["a.png", "a.tif"], None),
        ("a.jpg", ["A.jpg", "a.JPG"], None),
        ("a.jpg", ["._a.jpg", "a.json", "b.jpg"], None),
        ("a" * 300 + ".jpg", ["b.jpg"], None),
    ],
)
def test_the_nearest_name_is_found_where_it_is_the_only_one(tmp_path, written, there, found):
    for name in there:
        touch(tmp_path / name)
    source = touch(tmp_path / "marks.json")
    expected = None if found is None else tmp_path / found
    assert find_picture(written, source, SourceOptions()) == expected


def test_an_exact_name_in_any_folder_comes_before_a_like_one(tmp_path):
    touch(tmp_path / "mine/a.JPG")
    exact = touch(tmp_path / "images/a.jpg")
    options = SourceOptions(images=(tmp_path / "mine",))
    assert find_picture("a.jpg", touch(tmp_path / "marks.json"), options) == exact
    assert options.search.take_notes() == ()


def make(root, written, there):
    """Make a file of a box for each of three readers, which name an image that is called else."""
    root.mkdir()
    Image.new("RGB", (30, 20)).save(root / there)
    shape = {"label": "cat", "points": [[2, 2], [9, 9]], "shape_type": "rectangle"}
    size = {"imageHeight": 20, "imageWidth": 30}
    tree = {"version": "5", "flags": {}, "shapes": [shape], "imagePath": written, **size}
    (root / "labelme").mkdir()
    (root / "labelme/x.json").write_text(json.dumps(tree | {"imageData": None}))
    (root / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": written, "height": 20, "width": 30}],
                "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 7, 7]}],
                "categories": [{"id": 1, "name": "cat"}],
            }
        )
    )
    (root / "boxes.csv").write_text(
        f"image,class,xmin,ymin,xmax,ymax\n{written},cat,2,2,8,8\n", encoding="utf-8"
    )
    return root


@pytest.mark.parametrize("file", ["labelme/x.json", "coco.json", "boxes.csv"])
@pytest.mark.parametrize("there", ["A.JPG", "a.png"])
def test_every_reader_says_what_it_took(tmp_path, file, there):
    root = make(tmp_path / "data", "a.jpg", there)
    options = SourceOptions(images=(root,))
    with opened_source(root / file) as source:
        (item,) = source.read(OpenClassList(), options)
    assert item.picture == root / there
    if file != "boxes.csv" or there != "a.png":  # a table's name is one without the ending
        (finding,) = item.findings
        assert (finding.kind, there in finding.message) == ("unsure", True)


def test_a_pair_that_was_renamed_is_a_pair(tmp_path):
    root = make(tmp_path / "data", "old.jpg", "new.jpg")
    file = (root / "labelme/x.json").rename(root / "new.json")
    with opened_source(file) as source:
        (item,) = source.read(OpenClassList(), SourceOptions())
    assert (item.name, item.picture) == ("new", root / "new.jpg")
    assert "'old.jpg' is not there" in str(item.findings[0])


def test_masks_of_a_data_folder_find_their_image_in_another_case(folder, caplog):
    (folder / "masks/img0.png").rename(folder / "masks/IMG0.png")
    (folder / "masks/img1.png").rename(folder / "masks/img1.jpg.png")
    (folder / "scribbles/img2.png").rename(folder / "scribbles/other.png")
    found = DataFolder.open(folder)
    first, second, third, _ = found.split("train")
    assert first.marks.mask == folder / "masks/IMG0.png"
    assert second.marks.mask == folder / "masks/img1.jpg.png"
    assert third.marks.scribbles is None
    assert "1 file of marks belongs to no image" in caplog.text
    with opened_data(folder, {}, SourceOptions()) as source:
        findings = [finding for item in source.images for finding in item.findings]
    assert [(finding.kind, str(finding)) for finding in findings] == [
        (
            "unsure",
            f"{folder}: 1 name differs from the image's in capitals or in Unicode's normal "
            "form; 'IMG0' is taken to mean 'img0'",
        ),
        (
            "missing",
            f"{folder}/scribbles/other.png: 1 file of marks belongs to no image, this one "
            "for example",
        ),
    ]


def test_labels_of_another_case_take_their_image_from_the_unmarked(tmp_path):
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "images/a.JPG")
    (tmp_path / "labels/A.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text("names: [cat]\nnc: 1\n")
    with opened_source(tmp_path) as source:
        (item,) = source.read(OpenClassList(), SourceOptions())
    assert (item.picture, len(item.marks.boxes)) == (tmp_path / "images/a.JPG", 1)


def test_why_no_file_is_found_is_kept(tmp_path):
    for name in ("a.HEIC", "b.png", "b.bmp", "K (1).jpg", "K [1].jpg"):
        (tmp_path / name).touch()
    search = PictureSearch()
    for name in ("a.jpg", "b.jpg"):
        assert search.find([Path(name)], [tmp_path], tmp_path / "x.json") is None
    assert search.find_renamed("K.jpg", lambda name: "K.jpg", [tmp_path], tmp_path) is None
    kind = "'a.HEIC' is of a kind that is not read: convert it to JPEG or PNG"
    assert search.why_missed("a") == kind
    assert search.why_missed("b").startswith("'b.bmp' and 'b.png' are both like")
    assert search.why_missed("K").endswith("would both be 'K.jpg', renamed by the upload")
