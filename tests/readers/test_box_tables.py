import pytest

from weakseg.marks.kinds import Box
from weakseg.readers.detection import find_format
from weakseg.support.errors import DataError


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "a.jpg,30,20,cat,1,2,4,6"),
        ("image_path,label,x1,y1,x2,y2", "a.jpg,cat,1,2,4,6"),
        ("image_name,label,x,y,w,h", "a.jpg,cat,1,2,3,4"),
        (
            "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height",
            "cat,1,2,3,4,a.jpg,30,20",
        ),
        ("File Name,Category,Left,Top,Width,Height", "a.jpg,cat,1,2,3,4"),
        ("image,class,x_min,y_min,x_max,y_max", "a.jpg,cat,0.033333,0.1,0.133333,0.3"),
    ],
)
def test_columns_are_told_by_their_names(read, picture, tmp_path, header, row):
    picture(tmp_path / "a.jpg")
    path = write(tmp_path / "t.csv", header, row)
    assert find_format(path).name == "box-tables"
    images, classes = read("box-tables", path)
    assert classes == ["background", "cat"]
    assert images["a"].marks.boxes == (Box(1, 1, 2, 3, 5),)
    assert not images["a"].findings


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("filename,xmin,ymin,xmax,ymax", r"none of the class \(class, class_name, label"),
        ("filename,class,xmin,ymin,xmax", r"none of bottom \(ymax, y_max, y2, bottom"),
        (
            "filename,label,x,y,w",
            r"none of height \(bbox_height, .* the header is filename",
        ),
    ],
)
def test_a_missing_column_is_named_with_the_names_it_may_have(read, tmp_path, header, says):
    with pytest.raises(DataError, match=says):
        read("box-tables", write(tmp_path / "t.csv", header, "a.jpg,1,2,3,4,5"))


def test_damaged_rows_are_left_out_and_images_without_a_box_are_images(
    read, says_left_out, tmp_path
):
    head = "filename,label,x1,y1,x2,y2"
    rows = ["a.jpg,cat,1,2,4,6", "a.jpg,cat,1,x,4,6", "b.jpg,,,,,"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    says_left_out(images["a"], "line 3: expected a number as y1, but got 'x'")
    assert len(images["a"].marks.boxes) == 1
    assert images["b"].marks.is_empty
    assert not images["b"].findings


def test_one_wrong_number_leaves_the_scale_of_the_other_rows(read, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    rows = ["a.jpg,cat,0.1,0.1,0.5,0.5", "a.jpg,cat,0.1,0.1,0.5,50", "a.jpg,cat,0.1,0.1,x,0.5"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", "file,label,x1,y1,x2,y2", *rows))
    first, second = images["a"].marks.boxes
    assert (first.xmin, first.ymin, first.xmax, first.ymax) == (3, 2, 14, 9)
    assert second.ymax == 999
    assert [finding.kind for finding in images["a"].findings] == ["damaged"]


def test_bad_rows_and_rows_without_a_box_beside_others_are_said(read, tmp_path):
    head = "filename,label,x1,y1,x2,y2"
    rows = [",cat,1,2,4,6", "a.jpg,cat,1,2,4,6", "a.jpg", "b.jpg,cat"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    said = {name: [str(one).partition(", ")[2] for one in images[name].findings] for name in "ab"}
    assert said == {
        "a": ["line 2: filename is empty; left out", "line 4: a row without a box; left out"],
        "b": ["line 5: a row without a box; left out"],
    }


def test_tables_in_folders_of_splits_are_read_with_their_splits(read, tmp_path):
    head = "filename,width,height,class,xmin,ymin,xmax,ymax"
    for split in ("train", "test"):
        write(tmp_path / split / "_annotations.csv", head, f"{split}.jpg,30,20,cat,1,2,4,6")
    assert find_format(tmp_path).name == "box-tables"
    images, _ = read("box-tables", tmp_path)
    assert {name: image.split for name, image in images.items()} == {
        "train": "train",
        "test": "test",
    }


HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax"


def test_the_size_that_rows_state_is_that_of_the_image(read, tmp_path):
    rows = ["a.jpg,60,40,cat,1,2,4,6", "b.jpg,0,0,cat,1,2,4,6", "c.jpg,,,cat,1,2,4,6"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", HEAD, *rows))
    assert [image.size for image in images.values()] == [(40, 60), None, None]


def test_width_and_height_of_the_boxes_themselves_are_no_size_of_the_image(read, tmp_path):
    head = "filename,class,x1,y1,x2,y2,width,height"
    rows = ["a.jpg,cat,1,2,4,6,3,4", "a.jpg,cat,2,2,9,6,7,4"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    assert images["a"].size is None


def test_rows_of_one_image_that_disagree_are_a_finding(read, tmp_path):
    head = f"{HEAD},split"
    rows = ["a.jpg,60,40,cat,1,2,4,6,val", "a.jpg,30,20,cat,1,2,4,6,train"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    assert (images["a"].size, images["a"].split) == ((40, 60), "train")
    assert [finding.kind for finding in images["a"].findings] == ["size", "duplicate"]


def test_a_column_of_splits_is_read_and_a_value_that_is_none_is_reported(read, tmp_path):
    head = "filename,class,xmin,ymin,xmax,ymax,Split"
    rows = [
        f"{name}.jpg,cat,1,2,4,6,{split}"
        for name, split in zip("abc", ("train", "valid", "x"), strict=True)
    ]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    assert [image.split for image in images.values()] == ["train", "val", None]
    (finding,) = images["a"].findings
    assert "the column 'Split' holds 'x', which is no split" in finding.message


def test_files_that_name_a_split_are_splits_where_there_are_several(read, tmp_path):
    write(tmp_path / "test_labels.csv", HEAD, "t.jpg,30,20,cat,1,2,4,6")
    images, _ = read("box-tables", tmp_path)
    assert images["t"].split is None
    write(tmp_path / "train_labels.csv", HEAD, "a.jpg,30,20,cat,1,2,4,6")
    images, _ = read("box-tables", tmp_path)
    assert {name: image.split for name, image in images.items()} == {"t": "test", "a": "train"}


def test_a_box_of_fractions_among_pixels_is_left_out(read, says_left_out, tmp_path):
    head = "filename,class,xmin,ymin,xmax,ymax"
    rows = ["a.jpg,cat,0.1,0.2,0.3,0.4", *2 * ["b.jpg,cat,1,2,4,6"], "c.jpg,cat,0,0,1,1"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    says_left_out(images["a"], r"line 2: expected a box in pixels, but got fractions \(0.1, 0.2")
    assert images["a"].marks.is_empty
    (finding,) = images["c"].findings
    assert "is read as one pixel" in finding.message


def test_tables_separated_by_tabs_may_end_in_tsv(read, tmp_path):
    write(tmp_path / "t.tsv", "image\tlabel\tx\ty\tw\th", "a.jpg\tcat\t1\t2\t3\t4")
    images, _ = read("box-tables", tmp_path)
    assert images["a"].marks.boxes == (Box(1, 1, 2, 3, 5),)


def test_columns_that_are_not_used_are_named_and_a_rotation_is_said(read, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    head = "filename,label,x1,y1,x2,y2,score,rotation,empty"
    rows = ["a.jpg,cat,1,2,4,6,0.03,0.0,", "a.jpg,cat,1,2,4,6,1,30,"]
    images, _ = read("box-tables", write(tmp_path / "t.csv", head, *rows))
    first, second = images["a"].findings
    assert (first.kind, first.entry) == ("unsure", "line 3")
    assert "rotated by the column 'rotation'" in first.message
    assert second.message == "weakseg does not use the columns score"
