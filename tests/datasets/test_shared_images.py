"""Images in train and in a split to score on, and what an import leaves out."""

import json
import shutil

import pytest

import weakseg
from weakseg.datasets.data_folder import DataFolder
from weakseg.marks.classes import OpenClassList
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError


def test_an_image_in_train_and_val_is_a_finding_and_a_warning(folder, caplog):
    with (folder / "splits/val.txt").open("a") as file:
        file.write("img0\n")
    DataFolder.open(folder).split("val")
    assert "1 image of val is in train, too (the first: 'img0')" in caplog.text
    found = weakseg.inspect_data(folder, min_images=1)
    texts = [str(finding) for finding in found.findings]
    assert sum("'img0': is in train and in another split" in text for text in texts) == 1


def test_the_same_picture_in_two_splits_is_said_to_be(folder):
    shutil.copy(folder / "images/img0.png", folder / "images/img5.png")
    texts = [str(finding) for finding in weakseg.inspect_data(folder, min_images=1).findings]
    assert any("'img0', though one is in train, one in val" in text for text in texts)


def test_a_class_with_a_line_break_is_refused_with_its_place(tmp_path):
    entry = Entry(tmp_path / "a.json", "shape 1")
    with pytest.raises(DataError, match=r"a\.json, shape 1: class 'a\\nb' holds a line break"):
        OpenClassList().find("a\nb", entry)
    assert OpenClassList(rename={"a\nb": "a b"}).find("a\nb", entry) == 1


def test_an_import_without_a_class_names_what_was_left_out(folder, tmp_path):
    shape = {"label": "cat", "points": [[1, 1], [2, 2]], "shape_type": "polygon"}
    tree = {"version": "5", "shapes": [shape], "imagePath": str(folder / "images/img0.png")}
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks/a.json").write_text(json.dumps(tree | {"shapes": []}))
    (tmp_path / "marks/b.xml").write_text("<annotation/>")
    settings = weakseg.ImportSettings(images=[folder / "images"])
    with pytest.raises(DataError, match=r"found none \(\d findings, the first: .*1 XML file"):
        weakseg.import_marks(tmp_path / "marks", tmp_path / "out", settings)
