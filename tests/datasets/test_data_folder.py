from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import count_kinds
from weakseg.datasets.survey import survey
from weakseg.formats.source import SourceOptions
from weakseg.inspection.image_checks import check_image_file
from weakseg.inspection.sources import opened_data
from weakseg.marks.classes import VOC_CLASSES, OpenClassList
from weakseg.marks.kinds import Box
from weakseg.marks.label_maps import write_label_map
from weakseg.readers.folder import FOLDER
from weakseg.readers.voc import VOC
from weakseg.support.errors import DataError


def opened(folder, **options) -> DataFolder:
    return DataFolder.open(folder, options)


def test_a_data_folder_gives_the_images_of_a_split_with_their_marks(folder):
    found = opened(folder).split("train")
    assert [record.name for record in found] == ["img0", "img1", "img2", "img3"]
    assert len(found[0].marks.points) == 2
    assert found[0].marks.scribbles == folder / "scribbles" / "img0.png"
    assert found[0].truth == found[0].marks.mask == folder / "masks" / "img0.png"


def test_only_the_kinds_asked_for_are_marks_but_the_truth_stays(folder):
    found = opened(folder, marks=["points"]).split("train")[0]
    assert found.marks.points
    assert found.marks.scribbles is None
    assert found.marks.mask is None
    assert not found.marks.tags
    assert found.truth is not None


def test_naming_a_file_of_points_means_points_only(folder):
    points = opened(folder, points=[str(folder / "points.csv")])
    assert points.kinds == ["points"]
    assert opened(folder).kinds == ["tags", "points", "scribbles", "masks"]


def test_a_folder_without_splits_is_all_training_images(folder):
    for path in (folder / "splits").iterdir():
        path.unlink()
    (folder / "splits").rmdir()
    assert len(opened(folder).split("train")) == 6


def test_a_voc_folder_works_as_it_is(tmp_path):
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / name).mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(tmp_path / "JPEGImages" / "2007_000001.jpg")
    write_label_map(tmp_path / "SegmentationClass/2007_000001.png", np.full((20, 30), 20, np.uint8))
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("2007_000001\n")
    found = opened(tmp_path)
    assert len(found.classes) == 21
    assert found.kinds == ["masks"]
    assert found.split("train")[0].truth.name == "2007_000001.png"


def test_a_data_yaml_names_paths_relative_to_itself(folder, tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("root: data\npoints: [data/points.csv]\n")
    found = opened(path)
    assert len(found.split("train")) == 4
    assert found.kinds == ["points"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("splits/train.txt", "\n", r"train\.txt: the split is empty"),
        ("splits/train.txt", "img0\nimg9\n", r"train\.txt, line 2: there is no image 'img9'"),
        ("classes.txt", "one\n", r"classes\.txt: expected 2 to 254"),
        ("points.csv", "image,class,x,y\nimg0,cow,1,1\n", r"points\.csv, line 2: class 'cow'"),
        ("tags.csv", "image,class\nimg0,cow\n", r"tags\.csv, line 2: class 'cow'"),
    ],
)
def test_what_is_wrong_in_a_folder_is_named(folder, file, text, message):
    (folder / file).write_text(text)
    with pytest.raises(DataError, match=message):
        opened(folder).split("train")


def test_a_missing_split_lists_those_that_are_there(folder):
    with pytest.raises(DataError, match=r"no split 'test'.*train, val"):
        opened(folder).split("test")


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither"):
        opened(tmp_path)


def test_marks_of_images_that_are_not_there_are_reported_once(folder, caplog):
    with (folder / "points.csv").open("a") as file:
        file.write("elsewhere,square,1,1\n")
    opened(folder).split("train")
    assert "marks are given for 1 image that is" in caplog.text


def test_a_row_of_tags_may_name_several_classes(folder):
    (folder / "tags.csv").write_text("image,class\nimg0.png,square,bar\n")
    assert opened(folder).split("train")[0].marks.tags == {1, 2}


def test_a_survey_counts_labels_and_images_without_a_mark(folder):
    found = opened(folder, marks=["points"])
    (folder / "points.csv").write_text("image,class,x,y\nimg0,square,30,20\n")
    looked = survey(found.split("train"), found.classes, replace(found.config, point_radius=0))
    assert looked.labelled_pixels == (0, 1, 0)
    assert looked.unmarked == ("img1", "img2", "img3")
    assert looked.tagged_images == (0, 1, 0)


def test_a_survey_names_a_truncated_image(folder):
    path = folder / "images" / "img2.png"
    path.write_bytes(path.read_bytes()[:200])
    found = opened(folder)
    with pytest.raises(DataError, match=r"img2\.png: is damaged or no image"):
        survey(found.split("train"), found.classes, found.config)


def test_a_survey_names_a_mask_of_another_size(folder):
    write_label_map(folder / "masks" / "img1.png", np.zeros((10, 10), np.uint8))
    found = opened(folder)
    message = r"img1\.png: the label map \(H, W\) is \(10, 10\) while its image is \(48, 64\)"
    with pytest.raises(DataError, match=message):
        survey(found.split("train"), found.classes, found.config)


def test_the_cache_goes_elsewhere_where_the_data_is_read_only(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert opened(folder).cache == folder.resolve() / ".weakseg"
    folder.chmod(0o555)
    assert (tmp_path / "cache") in opened(folder).cache.parents
    folder.chmod(0o755)
    assert str(opened(folder, cache="here").cache) == "here"


def test_a_pascal_voc_folder_gives_tags_and_boxes_from_its_xml(tmp_path):
    root = tmp_path / "VOC"
    for name in ("JPEGImages", "Annotations", "ImageSets/Segmentation"):
        (root / name).mkdir(parents=True)
    Image.new("RGB", (60, 40)).save(root / "JPEGImages/a.jpg")
    (root / "ImageSets/Segmentation/train.txt").write_text("a\n")
    (root / "Annotations/a.xml").write_text(
        "<annotation><object><name>cat</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>30</xmax>"
        "<ymax>20</ymax></bndbox></object></annotation>"
    )
    (record,) = opened(root).split("train")
    assert record.marks.tags == {8}
    assert record.marks.boxes == (Box(8, 2, 3, 29, 19),)
    (record,) = opened(root, marks=["tags"]).split("train")
    assert record.marks.boxes == ()


def test_a_data_folder_may_hold_its_own_options(folder):
    (folder / "data.yaml").write_text("boxes_complete: true\npoint_radius: 2\n")
    config = opened(folder, scribble_dilation=1).config
    assert config.root == str(folder)
    assert config.boxes_complete
    assert (config.point_radius, config.scribble_dilation) == (2, 1)


def test_kinds_are_counted_by_the_images_that_hold_them(folder):
    (folder / "boxes.csv").write_text("image,class,xmin,ymin,xmax,ymax\nimg0,square,20,10,39,29\n")
    found = opened(folder).split("train")
    assert count_kinds(found) == {"tags": 4, "boxes": 1, "points": 4, "scribbles": 4, "masks": 4}
    assert count_kinds([]) == {}


@pytest.mark.parametrize(
    ("size", "box"), [((20, 40), Box(8, 13, 4, 17, 9)), ((40, 20), Box(8, 4, 2, 9, 6))]
)
def test_boxes_of_a_rotated_photograph_are_turned_where_the_xml_has_its_stored_size(
    tmp_path, size, box
):
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / name).mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "JPEGImages/a.jpg", exif=exif)
    (tmp_path / "Annotations/a.xml").write_text(
        f"<annotation><size><width>{size[1]}</width><height>{size[0]}</height></size>"
        "<object><name>cat</name><bndbox><xmin>5</xmin><ymin>3</ymin><xmax>10</xmax>"
        "<ymax>7</ymax></bndbox></object></annotation>"
    )
    data = opened(tmp_path)
    assert data.split("train")[0].marks.boxes == (box,)
    turned = [finding.message for finding in data.findings() if "are turned" in finding.message]
    assert len(turned) == (size == (20, 40))
    with opened_data(tmp_path, {}, SourceOptions()) as source:
        (item,) = source.images
        _, rotated = check_image_file(item, decode=False)
    assert len(rotated) == (size != (20, 40))


def test_a_folder_without_a_list_of_classes_is_one_to_import(tmp_path):
    (tmp_path / "a b" / "images").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"classes\.txt: .*`weakseg import '.*a b' --out data` makes"
    ):
        _ = opened(tmp_path / "a b").classes


def make_voc(root, masks, splits):
    """Make a PASCAL VOC folder of four images, with masks of a, b and c and a split each."""
    for name in ("JPEGImages", masks, splits):
        (root / name).mkdir(parents=True)
    for name in "abcd":
        Image.new("RGB", (30, 20)).save(root / "JPEGImages" / f"{name}.jpg")
    for value, name in enumerate("abc", 3):
        write_label_map(root / masks / f"{name}.png", np.full((20, 30), value, np.uint8))
    for name, text in {
        "train": "a\nb.jpg\n",
        "val": "c\n",
        "trainval": "a\nb\nc\nd\n",
        "cat_train": "a  1\nb -1\n",
    }.items():
        (root / splits / f"{name}.txt").write_text(text)
    return root


def as_trained(root):
    """Masks and splits that training would take, by image."""
    folder = opened(root)
    records = [(split, item) for split in folder.splits for item in folder.split(split)]
    assert dict(folder.every()) == {
        item: next(name for name, other in records if other == item) for _, item in records
    }
    splits = {item.name: split for split, item in reversed(records)}
    return {item.name: (item.marks.mask, splits[item.name]) for item in dict(folder.every())}


def as_imported(root, read):
    """Masks and splits that importing would take, by image."""
    found = read(root, OpenClassList(VOC_CLASSES), SourceOptions())
    return {item.name: (item.marks.mask, item.split) for item in found}


def as_inspected(root):
    """Masks and splits that inspecting shows, by image."""
    with opened_data(root, {}, SourceOptions()) as source:
        return {item.name: (item.marks.mask, item.split) for item in source.images}


@pytest.mark.parametrize("masks", ["SegmentationClass", "SegmentationClassPNG"])
@pytest.mark.parametrize("splits", ["ImageSets/Segmentation", "ImageSets/Main"])
def test_training_inspecting_and_importing_see_the_same_masks_and_splits(tmp_path, masks, splits):
    root = make_voc(tmp_path / "voc", masks, splits)
    found = as_trained(root)
    assert found == {
        "a": (root / masks / "a.png", "train"),
        "b": (root / masks / "b.png", "train"),
        "c": (root / masks / "c.png", "val"),
        "d": (None, "trainval"),
    }
    assert as_imported(root, VOC.read) == as_inspected(root) == found
    assert opened(root).splits == ("train", "val", "trainval")


def test_the_readers_of_a_folder_agree_on_every_mark(tmp_path):
    root = make_voc(tmp_path / "voc", "SegmentationClass", "ImageSets/Main")
    (root / "tags.csv").write_text("image,class\na,cat\nb,dog\n")
    (root / "points.csv").write_text("image,class,x,y\nd,cow,3,4\n")
    (root / "scribbles").mkdir()
    write_label_map(root / "scribbles/d.png", np.full((20, 30), 254, np.uint8))
    (root / "Annotations").mkdir()
    for name in "bc":
        (root / f"Annotations/{name}.xml").write_text(
            "<annotation><object><name>cat</name><bndbox><xmin>3</xmin><ymin>4</ymin>"
            "<xmax>30</xmax><ymax>20</ymax></bndbox></object></annotation>"
        )
    trained = {item.name: item.marks for item, _ in opened(root).every()}
    assert trained["b"].tags == {VOC_CLASSES.index("dog")}
    assert trained["c"].boxes
    read = VOC.read(root, OpenClassList(VOC_CLASSES), SourceOptions())
    assert {item.name: item.marks for item in read} == trained


def test_the_readers_of_weaksegs_own_folder_agree_on_every_mark_and_split(folder):
    (folder / "splits" / "all.txt").write_text("img0\nimg5\n")
    trained = [(item.name, item.marks, split) for item, split in opened(folder).every()]
    read = FOLDER.read(folder, OpenClassList(), SourceOptions())
    assert [(item.name, item.marks, item.split) for item in read] == trained


def test_strangers_are_reported_once_however_many_splits_are_read(folder, caplog):
    with (folder / "points.csv").open("a") as file:
        file.write("elsewhere,square,1,1\n")
    found = opened(folder)
    found.split("train")
    found.split("val")
    assert caplog.text.count("marks are given for") == 1


@pytest.mark.parametrize("key", ["masks", "scribbles"])
def test_a_named_folder_that_is_not_there_is_an_error(folder, key):
    with pytest.raises(DataError, match=f"nowhere: data.{key}: there is no such folder"):
        opened(folder, **{key: str(folder / "nowhere")})


def test_import_reports_that_it_leaves_out_the_options_of_a_data_folder(folder):
    (folder / "data.yaml").write_text("point_radius: 2")
    first, *others = FOLDER.read(folder, OpenClassList(), SourceOptions())
    assert [(found.kind, found.path.name) for found in first.findings] == [("unread", "data.yaml")]
    assert not any(item.findings for item in others)


def voc_with(root, objects):
    for name in ("JPEGImages", "Annotations"):
        (root / name).mkdir(parents=True)
    Image.new("RGB", (40, 20)).save(root / "JPEGImages/a.jpg")
    (root / "Annotations/a.xml").write_text(f"<annotation>{objects}</annotation>")
    return root


BOX = "<bndbox><xmin>{}</xmin><ymin>3</ymin><xmax>10</xmax><ymax>7</ymax></bndbox>".format
BAD_OBJECTS = {
    "a damaged box": f"<object><name>dog</name>{BOX('five')}</object>",
    "no name": f"<object>{BOX(5)}</object>",
    "a box without area": f"<object><name>dog</name>{BOX(30)}</object>",
}


@pytest.mark.parametrize("bad", BAD_OBJECTS.values(), ids=BAD_OBJECTS)
def test_a_bad_object_of_an_xml_is_left_out_by_training_inspecting_and_importing_alike(
    tmp_path, bad, caplog
):
    root = voc_with(tmp_path / "voc", f"{bad}<object><name>cat</name>{BOX(5)}</object>")
    data = opened(root)
    (record,) = data.split("train")
    assert record.marks.boxes == (Box(8, 4, 2, 9, 6),)
    data.log_oddities()
    (said,) = (text for text in caplog.messages if "left out" in text)
    assert said.startswith(f"1 mark is left out (the first: {root / 'Annotations/a.xml'}, object")
    with opened_data(root, {}, SourceOptions()) as source:
        (inspected,) = source.images
    done = import_marks(root, tmp_path / "data")
    assert inspected.marks == record.marks
    assert inspected.findings == done.findings
    assert all(finding.path == root / "Annotations/a.xml" for finding in done.findings)
    (imported,) = opened(tmp_path / "data").split("train")[0].marks.boxes
    assert replace(imported, class_id=8) == Box(8, 4, 2, 9, 6)
    with pytest.raises(DataError, match="left out"):
        import_marks(root, tmp_path / "strict", ImportSettings(strict=True))


def test_names_in_another_spelling_are_logged_once(tmp_path, caplog):
    root = voc_with(tmp_path / "voc", f"<object><name>cat</name>{BOX(5)}</object>")
    (root / "Annotations/a.xml").rename(root / "Annotations/A.xml")
    Image.new("RGB", (40, 20)).save(root / "JPEGImages/b.jpg")
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("a\nB\n")
    data = opened(root)
    assert [len(record.marks.boxes) for record in data.split("train")] == [1, 0]
    data.log_oddities()
    (said,) = (text for text in caplog.messages if "capitals" in text)
    assert said.startswith(f"{root}: 2 names differ from the image's in capitals")
    assert "'A' is taken to mean 'a'" in said
