import json
from pathlib import Path

import pytest
from PIL import Image

from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.api.inspect import inspect_data
from weakseg.support.errors import RecipeError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A photograph with a box of labelme."""
    folder = tmp_path / "marked"
    folder.mkdir()
    Image.new("RGB", (60, 40)).save(folder / "a.jpg")
    shape = {"label": "cat", "shape_type": "rectangle", "points": [[10, 5], [30, 25]]}
    size = {"imageHeight": 40, "imageWidth": 60}
    tree = {"version": "5.0", "imagePath": "a.jpg", "shapes": [shape], "imageData": None, **size}
    (folder / "a.json").write_text(json.dumps(tree))
    return folder


@pytest.mark.parametrize(
    "option", [{"unlabelled": 1}, {"void": 1}, {"label_maps": "scribbles"}, {"crowd": "void"}]
)
def test_an_option_that_nothing_is_read_by_is_refused(folder, tmp_path, option):
    """The masks of a data folder are read by its classes.txt, whatever the options say."""
    with pytest.raises(RecipeError, match=r"has no effect, as .* is in the format folder") as error:
        import_marks(folder, tmp_path / "out", ImportSettings(**option))
    assert ("--format label-pngs --classes" in str(error.value)) == ("crowd" not in option)
    if "label_maps" not in option:
        with pytest.raises(RecipeError, match=r"has no effect, as .* is used as it is"):
            inspect_data(folder, **option)


def test_a_palette_has_no_effect_on_outlines(source, tmp_path):
    (tmp_path / "p.csv").write_text("cat,1,2,3\n")
    with pytest.raises(RecipeError, match="labelme; formats that it is for: voc, label-pngs"):
        import_marks(source, tmp_path / "out", ImportSettings(palette=tmp_path / "p.csv"))
    with pytest.raises(RecipeError, match="palette: has no effect"):
        inspect_data(source, palette=tmp_path / "p.csv")


def test_class_0_called_background_is_so_whatever_the_option_says(folder, tmp_path):
    done = import_marks(folder, tmp_path / "out", ImportSettings(background=False))
    assert any("class 0 of the files is 'background'" in item.message for item in done.findings)


def test_marks_that_complete_masks_make_background_are_counted(source, tmp_path):
    tree = json.loads((source / "a.json").read_text())
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    tree["shapes"] += [
        {"label": "cat", "shape_type": "polygon", "points": square},
        {"label": "dog", "shape_type": "point", "points": [[50, 30]]},
        {"label": "dog", "shape_type": "point", "points": [[5, 5]]},  # the mask's, as ever
        {"label": "dog", "shape_type": "linestrip", "points": [[40, 20], [44, 20]]},
        {"label": "_background_", "shape_type": "point", "points": [[40, 35]]},
    ]
    (source / "a.json").write_text(json.dumps(tree))
    done = import_marks(source, tmp_path / "data", ImportSettings(complete=["masks"]))
    conflicts = [item.message for item in done.findings if item.kind == "conflict"]
    assert conflicts == [
        "image 'a': 1 point, 5 pixels of scribbles, 1 box of objects lie on no mask of the image; "
        "--complete masks makes background of it"
    ]
    assert not import_marks(source, tmp_path / "other").findings


def test_boxes_of_background_and_lists_with_background_later_are_said(source, tmp_path):
    tree = json.loads((source / "a.json").read_text())
    tree["shapes"].append({**tree["shapes"][0], "label": "background"})
    (source / "a.json").write_text(json.dumps(tree))
    done = import_marks(source, tmp_path / "data")
    (found,) = done.findings
    assert "1 box is of background, where a box marks an object" in found.message
    (tmp_path / "c.txt").write_text("cat\nbackground\n")
    listed = import_marks(source, tmp_path / "out", ImportSettings(classes=tmp_path / "c.txt"))
    assert [item.message for item in listed.findings] == [
        "'background' is class 1 of the list, and class 0 is 'cat': write background first"
    ]
