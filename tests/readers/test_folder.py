import shutil

import pytest
from PIL import Image

from weakseg.datasets.data_folder import DataFolder
from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import OpenClassList
from weakseg.marks.kinds import Point
from weakseg.readers.folder import FOLDER
from weakseg.readers.tables import BOXES
from weakseg.support.errors import DataError


def read(root, classes=None):
    return list(FOLDER.read(root, classes or OpenClassList(), SourceOptions()))


def test_a_data_folder_gives_all_its_marks_and_splits(folder):
    classes = OpenClassList()
    found = read(folder, classes)
    assert classes.names == ["background", "square", "bar"]
    assert [(item.name, item.split) for item in found] == [
        (f"img{n}", "train" if n < 4 else "val") for n in range(6)
    ]
    second = found[1]
    assert second.picture == folder / "images" / "img1.png"
    assert second.marks.tags == {2}
    assert second.marks.points == (Point(2, 30, 20), Point(0, 5, 5))
    assert second.marks.mask == folder / "masks" / "img1.png"
    assert second.marks.scribbles == folder / "scribbles" / "img1.png"


def test_class_ids_are_those_in_use_and_label_maps_are_renumbered(folder):
    (folder / "boxes.csv").write_text("image,class,xmin,ymin,xmax,ymax\nimg0.png,bar,1,2,3,4\n")
    classes = OpenClassList(["background", "bar"], rename={"square": "quad"})
    first = read(folder, classes)[0]
    assert classes.names == ["background", "bar", "quad"]
    assert first.marks.tags == {2}
    assert [box.class_id for box in first.marks.boxes] == [1]
    assert first.marks.mask is first.marks.scribbles is None
    areas = {(item.kind, item.class_id): int(item.mask().sum()) for item in first.marks.regions}
    assert areas == {
        ("scribble", 0): 45,
        ("scribble", 2): 12,
        ("mask", 0): 48 * 64 - 400,
        ("mask", 2): 400,
    }


def test_marks_of_an_image_that_is_not_there_are_given_without_a_picture(folder):
    with (folder / "points.csv").open("a") as file:
        file.write("elsewhere,square,1,1\n")
    (missing,) = (item for item in read(folder) if item.picture is None)
    assert missing.name == "elsewhere"


def test_what_is_wrong_in_it_is_named(folder):
    (folder / "tags.csv").write_text("image,class\nimg0,cow\n")
    with pytest.raises(DataError, match=r"tags\.csv, line 2: class 'cow' is not among the 3"):
        read(folder)


def test_a_bad_row_is_left_out_of_an_import_and_refused_by_a_training(folder):
    header = "image,class,xmin,ymin,xmax,ymax"
    (folder / "boxes.csv").write_text(f"{header}\nimg1,bar,1,2,?,4\nimg1,bar,9,2,3,4\n")
    with (folder / "tags.csv").open("a") as file:
        file.write("img1,\n")
    found = [finding for item in read(folder) for finding in item.findings]
    assert [finding.kind for finding in found] == ["damaged"] * 3
    assert [(finding.path.name, finding.entry) for finding in found] == [
        ("tags.csv", "line 8"),
        ("boxes.csv", "line 2"),
        ("boxes.csv", "line 3"),
    ]
    with pytest.raises(DataError, match=r"tags\.csv, line 8: class is empty"):
        DataFolder.open(folder).split("train")


def test_folders_of_other_tools_are_not_taken_for_its_own(folder, tmp_path):
    assert FOLDER.recognises(folder)
    (tmp_path / "yolo" / "images").mkdir(parents=True)
    (tmp_path / "yolo" / "labels").mkdir()
    (tmp_path / "yolo" / "classes.txt").write_text("cat\ndog\n")
    Image.new("RGB", (4, 4)).save(tmp_path / "yolo" / "images" / "a.png")
    assert not FOLDER.recognises(tmp_path / "yolo")
    assert not FOLDER.recognises(folder / "classes.txt")
    assert not FOLDER.recognises(tmp_path / "none")


def test_tables_beside_images_need_no_list_of_classes(folder):
    for name in ("classes.txt", "data.yaml"):
        (folder / name).unlink(missing_ok=True)
    assert not FOLDER.recognises(folder)  # whose label maps hold numbers of classes
    for name in ("masks", "scribbles"):
        shutil.rmtree(folder / name)
    assert FOLDER.recognises(folder)
    (folder / "tags.csv").write_text("image,class\nimg0,cow\nimg5,hen\n")
    (folder / "points.csv").write_text("image,class,x,y\nimg0,hen,1,2\n")
    classes = OpenClassList()
    found = {item.name: item.marks for item in read(folder, classes)}
    assert classes.names == ["background", "cow", "hen"]
    assert found["img0"].tags == {1}
    assert found["img0"].points == (Point(2, 1, 2),)
    (folder / "points.csv").write_text("filename,label,x,y\n")
    assert not FOLDER.recognises(folder)


def test_columns_of_sizes_and_splits_are_not_lost_in_silence(folder):
    head = "image,class,xmin,ymin,xmax,ymax,width,height,split"
    (folder / "boxes.csv").write_text(f"{head}\nimg0,bar,1,2,3,4,64,48,val\n")
    (found,) = (item for item in read(folder)[0].findings if "columns" in item.message)
    assert found.message == "weakseg does not use the columns width, height, split"
    (folder / "classes.txt").unlink()
    for name in ("masks", "scribbles"):
        shutil.rmtree(folder / name)
    for name in ("points.csv", "tags.csv"):
        (folder / name).unlink(missing_ok=True)
    assert not FOLDER.recognises(folder)
    assert BOXES.recognises(folder / "boxes.csv")


def test_masks_that_are_no_png_are_named(folder):
    (folder / "masks" / "img0.png").rename(folder / "masks" / "img0.bmp")
    messages = [finding.message for finding in read(folder)[0].findings]
    assert "1 file is no PNG, as label maps have to be, and not read: img0.bmp" in messages
