from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.folder import (
    cache_folder,
    count_kinds,
    load_data_config,
    marks_in_use,
    read_class_list,
    read_split,
)
from weakseg.datasets.survey import survey
from weakseg.marks.kinds import Box
from weakseg.marks.label_maps import write_label_map
from weakseg.recipes.recipe import DataConfig
from weakseg.support.errors import DataError


def config(folder, **options) -> DataConfig:
    return load_data_config(folder, DataConfig(**options))


def records(config, split="train"):
    return read_split(config, split, read_class_list(config))


def test_a_data_folder_gives_the_images_of_a_split_with_their_marks(folder):
    found = records(config(folder))
    assert [record.name for record in found] == ["img0", "img1", "img2", "img3"]
    assert len(found[0].marks.points) == 2
    assert found[0].marks.scribbles == folder / "scribbles" / "img0.png"
    assert found[0].truth == found[0].marks.mask == folder / "masks" / "img0.png"


def test_only_the_kinds_asked_for_are_marks_but_the_truth_stays(folder):
    found = records(config(folder, marks=["points"]))[0]
    assert found.marks.points
    assert found.marks.scribbles is None
    assert found.marks.mask is None
    assert not found.marks.tags
    assert found.truth is not None


def test_naming_a_file_of_points_means_points_only(folder):
    points = config(folder, points=[str(folder / "points.csv")])
    assert marks_in_use(points) == ["points"]
    assert marks_in_use(config(folder)) == ["tags", "points", "scribbles", "masks"]


def test_a_folder_without_splits_is_all_training_images(folder):
    for path in (folder / "splits").iterdir():
        path.unlink()
    (folder / "splits").rmdir()
    assert len(records(config(folder))) == 6


def test_a_voc_folder_works_as_it_is(tmp_path):
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / name).mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(tmp_path / "JPEGImages" / "2007_000001.jpg")
    write_label_map(tmp_path / "SegmentationClass/2007_000001.png", np.full((20, 30), 20, np.uint8))
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("2007_000001\n")
    found = config(tmp_path)
    assert len(read_class_list(found)) == 21
    assert marks_in_use(found) == ["masks"]
    assert records(found)[0].truth.name == "2007_000001.png"


def test_a_data_yaml_names_paths_relative_to_itself(folder, tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("root: data\npoints: [data/points.csv]\n")
    found = config(path)
    assert len(records(found)) == 4
    assert marks_in_use(found) == ["points"]


def test_an_unknown_key_in_data_yaml_is_refused(folder, tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text("rot: data\n")
    with pytest.raises(DataError, match=r"data\.yaml: unknown: \['rot'\]"):
        config(path)


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
        records(config(folder))


def test_a_missing_split_lists_those_that_are_there(folder):
    with pytest.raises(DataError, match=r"no split 'test'.*train, val"):
        records(config(folder), "test")


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither"):
        read_class_list(config(tmp_path))


def test_marks_of_images_that_are_not_there_are_reported_once(folder, caplog):
    with (folder / "points.csv").open("a") as file:
        file.write("elsewhere,square,1,1\n")
    records(config(folder))
    assert "marks are given for 1 images" in caplog.text


def test_a_row_of_tags_may_name_several_classes(folder):
    (folder / "tags.csv").write_text("image,class\nimg0.png,square,bar\n")
    assert records(config(folder))[0].marks.tags == {1, 2}


def test_a_survey_counts_labels_and_images_without_a_mark(folder):
    found = config(folder, marks=["points"])
    (folder / "points.csv").write_text("image,class,x,y\nimg0,square,30,20\n")
    looked = survey(records(found), read_class_list(found), replace(found, point_radius=0))
    assert looked.labelled_pixels == (0, 1, 0)
    assert looked.unmarked == ("img1", "img2", "img3")
    assert looked.tagged_images == (0, 1, 0)


def test_a_survey_names_a_truncated_image(folder):
    path = folder / "images" / "img2.png"
    path.write_bytes(path.read_bytes()[:200])
    found = config(folder)
    with pytest.raises(DataError, match=r"img2\.png: is damaged or no image"):
        survey(records(found), read_class_list(found), found)


def test_a_survey_names_a_mask_of_another_size(folder):
    write_label_map(folder / "masks" / "img1.png", np.zeros((10, 10), np.uint8))
    found = config(folder)
    message = r"img1\.png: the label map \(H, W\) is \(10, 10\) while its image is \(48, 64\)"
    with pytest.raises(DataError, match=message):
        survey(records(found), read_class_list(found), found)


def test_the_cache_goes_elsewhere_where_the_data_is_read_only(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder(config(folder)) == folder.resolve() / ".weakseg"
    folder.chmod(0o555)
    assert (tmp_path / "cache") in cache_folder(config(folder)).parents
    folder.chmod(0o755)
    assert str(cache_folder(config(folder, cache="here"))) == "here"


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
    config = DataConfig(str(root))
    (record,) = read_split(config, "train", read_class_list(config))
    assert record.marks.tags == {8}
    assert record.marks.boxes == (Box(8, 2, 3, 29, 19),)
    (record,) = read_split(DataConfig(str(root), marks=["tags"]), "train", read_class_list(config))
    assert record.marks.boxes == ()


def test_a_data_folder_may_hold_its_own_options(folder):
    (folder / "data.yaml").write_text("boxes_complete: true\npoint_radius: 2\n")
    config = load_data_config(folder, DataConfig(scribble_dilation=1))
    assert config.root == str(folder)
    assert config.boxes_complete
    assert (config.point_radius, config.scribble_dilation) == (2, 1)


def test_kinds_are_counted_by_the_images_that_hold_them(folder):
    (folder / "boxes.csv").write_text("image,class,xmin,ymin,xmax,ymax\nimg0,square,20,10,39,29\n")
    found = records(config(folder))
    assert count_kinds(found) == {"tags": 4, "boxes": 1, "points": 4, "scribbles": 4, "masks": 4}
    assert count_kinds([]) == {}
