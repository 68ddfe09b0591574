"""What is said of files in no format."""

import re

import pytest

from weakseg.readers import unknown
from weakseg.readers.detection import FORMATS, find_format
from weakseg.support.errors import DataError


def message(path):
    with pytest.raises(DataError) as caught:
        find_format(path)
    return str(caught.value)


def test_a_folder_is_described_by_its_files_and_the_formats_like_them(tmp_path):
    for name in ("a.csv", "b.CSV", "c.doc"):
        (tmp_path / name).write_text("who,what\n1,2\n")
    said = message(tmp_path)
    assert "it holds 2 .csv, 1 .doc; the columns of a.csv are who,what; .csv files: points" in said
    assert "docs/formats.md" in said
    assert "yolo" not in said


def test_an_empty_folder_and_a_file_without_an_ending_are_described(tmp_path):
    assert "it holds no file; --format" in message(tmp_path)
    (tmp_path / "marks").write_text("x")
    assert "it has no ending; --format" in message(tmp_path / "marks")


def test_shapes_of_napari_are_known_to_name_no_class(tmp_path):
    path = tmp_path / "Shapes.csv"
    path.write_text("index,shape-type,vertex-index,axis-0,axis-1\n0,polygon,0,1.5,2\n")
    assert "Shapes.csv holds shapes of napari, which name no class" in message(path)


def test_the_formats_that_are_proposed_exist():
    words = set(re.findall(r"[a-z][a-z0-9-]+", " ".join(unknown._LIKE.values())))
    names = {item.name for item in FORMATS}
    assert len(words & names) >= 16
    assert {word for word in words if "-" in word} <= names


def test_a_folder_of_images_is_to_be_named_with_the_option_for_it(tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"")
    said = message(folder)
    assert said.startswith(f"{folder}: holds images and no marks: 2 .jpg; if other files hold")
    assert said.endswith(f"--images '{folder}'")


def test_a_csv_in_another_encoding_is_described_by_its_fault(tmp_path):
    (tmp_path / "a.csv").write_text("cat,1,2,3,4,Köln.jpg,30,20", encoding="cp1252")
    assert "a.csv, line 1: is not readable as text (byte 0xF6" in message(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("image_id,bbox,source", "a box or mask is in one column"),
        ("ImageId,EncodedPixels", "a box or mask is in one column"),
        ("filename,cx,cy,w,h,label", r"there is none of left \(xmin, x_min"),
        ("image,label", "name the columns image,class instead of image,label"),
        ("filename,cat,dog", "write a row image,class for each"),
        ("a.jpg,10,10,30,20,cat", "its first line names no columns"),
    ],
)
def test_a_csv_is_described_by_what_keeps_it_from_being_a_table(tmp_path, header, says):
    (tmp_path / "a.csv").write_text(f"{header}\n")
    assert re.search(says, message(tmp_path / "a.csv"))


def test_a_folder_around_one_that_can_be_read_names_it(tmp_path):
    inside = tmp_path / "VOCdevkit/VOC2007"
    for name in ("JPEGImages", "Annotations"):
        (inside / name).mkdir(parents=True)
    with pytest.raises(DataError, match=r"VOCdevkit/VOC2007 in it is in the format voc: import "):
        find_format(tmp_path)
    (tmp_path / "VOCdevkit").rename(tmp_path / "train")
    with pytest.raises(DataError, match=r"voc: --format voc reads it with its splits"):
        find_format(tmp_path)


def test_masks_as_jpeg_are_to_be_written_as_png(tmp_path):
    for name in ("photos/a.jpg", "masks/a.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    assert "write these as PNG: JPEG changes the values" in message(tmp_path)
    (tmp_path / "masks/a.jpg").rename(tmp_path / "masks/b.jpg")
    assert "holds images and no marks" in message(tmp_path)


def test_folders_of_images_may_be_classes(tmp_path):
    for name in ("train/cat/a.jpg", "train/dog/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert "if the folders are classes, write a tags.csv" in message(tmp_path)
    (tmp_path / "train/dog/b.jpg").rename(tmp_path / "train/cat/b.jpg")
    (tmp_path / "train/dog").rmdir()
    assert "tags.csv" not in message(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.json",
            b"not json",
            r"a\.json, line 1.*: is damaged or no JSON|a\.json: is damaged or no",
        ),
        ("a.json", b"", r"a\.json.* is damaged or no JSON"),
        ("a.xml", b"<annotation>", r"a\.xml: is not readable as XML \(no element found"),
        (
            "a.xml",
            "<annotation>B\xe4r</annotation>".encode("latin-1"),
            r"byte 0xE4 is no UTF-8, but",
        ),
    ],
)
def test_a_damaged_file_or_one_in_another_encoding_is_called_so(tmp_path, name, content, says):
    (tmp_path / "a.jpg").touch()
    (tmp_path / name).write_bytes(content)
    assert re.search(says, message(tmp_path))
