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
