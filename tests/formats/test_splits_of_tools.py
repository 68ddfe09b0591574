"""Splits as tools name them: folders, lists, subsets; each through an import."""

import json

import pytest
from PIL import Image

import weakseg
from weakseg.cli.main import main
from weakseg.datasets.data_folder import DataFolder
from weakseg.readers.detection import find_format

XML = (
    "<annotation><filename>{}</filename><size><width>30</width><height>20</height></size><object>"
    "<name>cat</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    "</object></annotation>"
)
BOX = '<box label="cat" xtl="2" ytl="2" xbr="9" ybr="9" z_order="0"/>'


def picture(path, grey=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), (grey, grey, grey)).save(path)
    return path


def coco(path, names):
    """Write a COCO file of boxes."""
    images = [{"id": i, "file_name": n, "height": 20, "width": 30} for i, n in enumerate(names, 1)]
    marks = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [2, 2, 7, 7]}
        for i in range(1, len(names) + 1)
    ]
    tree = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "cat"}]}
    path.write_text(json.dumps(tree))


def imported(tmp_path, files):
    done = weakseg.import_marks(files, tmp_path / "out")
    folder = DataFolder.open(done.root)
    return done, {name: [item.name for item in folder.split(name)] for name in folder.splits}


@pytest.mark.parametrize("val", ["valid", "validation", "dev", "val", "Validation"])
@pytest.mark.parametrize("format", ["xml", "coco", "yolo"])
def test_folders_of_splits_are_splits_in_every_format(tmp_path, val, format):
    root = tmp_path / "files"
    for split in ("train", val, "test"):
        name = f"{split}1.png"
        if format == "yolo":
            picture(root / split / "images" / name)
            (root / split / "labels").mkdir()
            (root / split / "labels" / f"{split}1.txt").write_text("0 0.5 0.5 0.3 0.3\n")
            (root / "data.yaml").write_text("names: [cat]\nnc: 1\n")
        else:
            picture(root / split / name)
        if format == "xml":
            (root / split / f"{split}1.xml").write_text(XML.format(name))
        if format == "coco":
            coco(root / split / "_annotations.coco.json", [name])
    done, splits = imported(tmp_path, root)
    assert done.splits == {"train": 1, "val": 1, "test": 1}
    assert splits["val"][0].endswith(f"{val}1")
    assert done.refused is None


def test_images_of_one_name_in_two_subsets_of_cvat_are_two_images(tmp_path):
    root = tmp_path / "files"
    for grey, subset in enumerate(("Train", "Validation")):
        picture(root / "images" / subset / "p.png", grey)
    images = "".join(
        f'<image id="{i}" name="p.png" subset="{subset}" width="30" height="20">{BOX}</image>'
        for i, subset in enumerate(("Train", "Validation"))
    )
    (root / "annotations.xml").write_text(f"<annotations><meta/>{images}</annotations>")
    done, splits = imported(tmp_path, root)
    assert splits == {"train": ["p"], "val": ["val/p"]}
    with Image.open(done.root / "images/val/p.png") as second:
        assert second.getpixel((0, 0)) == (1, 1, 1)


def test_a_list_of_cvat_called_default_is_no_split(tmp_path):
    root = tmp_path / "files"
    for name in "ab":
        picture(root / "JPEGImages" / f"{name}.png")
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{name}.xml").write_text(XML.format(f"{name}.png"))
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/default.txt").write_text("a\nb\n")
    assert imported(tmp_path, root)[1] == {"train": ["a", "b"]}
    assert len(DataFolder.open(root).split("train")) == 2


def test_a_list_valid_is_the_split_val(folder):
    (folder / "splits/val.txt").rename(folder / "splits/valid.txt")
    found = DataFolder.open(folder)
    assert found.splits == ("train", "val")
    assert [item.name for item in found.split("val")] == ["img4", "img5"]


def test_a_folder_called_train_among_others_is_no_split(tmp_path):
    root = tmp_path / "files"
    for name in ("train", "car"):
        picture(root / name / "1.png")
        (root / name / "1.xml").write_text(XML.format("1.png"))
    assert imported(tmp_path, root)[0].splits == {"train": 2}


def test_an_import_proposes_a_training_only_where_one_can_start(tmp_path, capsys):
    root = tmp_path / "files"
    picture(root / "valid/a.png")
    coco(root / "valid/_annotations.coco.json", ["a.png"])
    assert main(["import", str(root), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "no image is to train on: the files' splits are val" in " ".join(said.err.split())
    assert "cannot be trained on yet" in said.out
    assert "weakseg train" not in said.out


def test_coco_beside_jpegimages_is_no_voc(tmp_path):
    root = tmp_path / "files"
    picture(root / "JPEGImages/a.png")
    coco(root / "annotations.json", ["JPEGImages/a.png"])
    assert find_format(root).name == "coco"
    assert not DataFolder.recognises(root)
    assert imported(tmp_path, root)[0].marks == {"boxes": 1}
    (root / "Annotations").mkdir()
    assert find_format(root).name == "voc"


@pytest.fixture
def voc(tmp_path):
    """A PASCAL VOC folder of three images with boxes, and no lists."""
    root = tmp_path / "voc"
    for grey, name in enumerate("abc"):
        picture(root / "JPEGImages" / f"{name}.png", grey)
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{name}.xml").write_text(XML.format(f"{name}.png"))
    return root


def listed(root, **lists):
    """Write lists of images, a letter each."""
    root.mkdir(parents=True, exist_ok=True)
    for split, names in lists.items():
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def test_a_list_of_train_alone_leaves_out_the_images_that_it_does_not_name(tmp_path, voc):
    listed(voc / "ImageSets" / "Main", train="a")
    done, splits = imported(tmp_path, voc)
    assert (
        splits
        == {"train": ["a"]}
        == {"train": [r.name for r in DataFolder.open(voc).split("train")]}
    )
    assert "2 images belong to no split; left out of all (the first: 'b')" in map(
        str, done.findings
    )


def test_a_column_and_a_list_of_yolo_are_lists_too(tmp_path):
    table = tmp_path / "t" / "boxes.csv"
    for name in "ab":
        picture(tmp_path / "t" / f"{name}.png")
        picture(tmp_path / "y" / "images" / f"{name}.png")
        (tmp_path / "y" / "labels").mkdir(exist_ok=True)
        (tmp_path / "y" / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    head = "filename,class,xmin,ymin,xmax,ymax,split"
    table.write_text(f"{head}\na.png,cat,2,2,7,7,train\nb.png,cat,2,2,7,7,\n")
    (tmp_path / "y" / "data.yaml").write_text("names: [cat]\ntrain: train.txt\n")
    (tmp_path / "y" / "train.txt").write_text("images/a.png\n")
    for source in (table, tmp_path / "y"):
        done = weakseg.import_marks(source, tmp_path / "out", overwrite=True)
        assert done.splits == {"train": 1}


def test_lists_of_main_count_where_there_is_no_full_mask(tmp_path, voc):
    listed(voc / "ImageSets" / "Main", train="ab", val="c")
    listed(voc / "ImageSets" / "Segmentation", train="a")
    _, splits = imported(tmp_path, voc)
    assert splits == {"train": ["a", "b"], "val": ["c"]}
    assert DataFolder.open(voc).splits == ("train", "val")
    (voc / "SegmentationClass").mkdir()
    Image.new("L", (30, 20), 1).save(voc / "SegmentationClass" / "a.png")
    assert DataFolder.open(voc).splits == ("train",)


def test_trainval_is_train_where_neither_of_its_parts_is_listed(tmp_path, voc):
    listed(voc / "ImageSets" / "Main", trainval="ab", test="c")
    done, splits = imported(tmp_path, voc)
    assert splits == {"train": ["a", "b"], "test": ["c"]}
    assert "trainval.txt: is taken as train" in str(done.findings[0])
    folder = DataFolder.open(voc)
    assert len(folder.split("train")) == 2
    listed(voc / "ImageSets" / "Main", val="b")
    assert DataFolder.open(voc).splits == ("val", "test", "trainval")
