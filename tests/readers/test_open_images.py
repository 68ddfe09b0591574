import numpy as np
import pytest

from weakseg.marks.kinds import Box, Region
from weakseg.support.errors import DataError

LABELS = "train-annotations-human-imagelabels.csv"
BOXES = "train-annotations-bbox.csv"
MASKS = "train-annotations-object-segmentation.csv"


@pytest.fixture
def data(picture, tmp_path):
    """Write an image, the names of classes, and tables."""

    def write(**tables):
        folder = tmp_path / "annotations"
        folder.mkdir(exist_ok=True)
        (folder / "class-descriptions-boxable.csv").write_text("/m/1,Cat\n/m/2,Dog\n/m/3,Cow\n")
        picture(tmp_path / "images" / "train" / "a1.jpg")
        names = {"labels": LABELS, "boxes": BOXES, "masks": MASKS}
        for kind, text in tables.items():
            (folder / names[kind]).write_text(text)
        return tmp_path

    return write


def test_tables_give_tags_boxes_and_masks(read, data, picture):
    half = np.zeros((10, 10), bool)
    half[:, :5] = True
    root = data(
        labels="ImageID,Source,LabelName,Confidence\na1,v,/m/2,1\n",
        boxes="ImageID,LabelName,XMin,XMax,YMin,YMax\na1,/m/1,0.1,0.5,0.2,0.4\n",
        masks="MaskPath,ImageID,LabelName,BoxXMin,BoxXMax,BoxYMin,BoxYMax\n"
        "m.png,a1,/m/1,0.1,0.5,0.2,0.4\n",
    )
    picture(root / "masks" / "train" / "m.png", half)
    images, classes = read("open-images", root)
    assert classes == ["background", "Cat", "Dog"]  # the cow is nowhere
    marks = images["a1"].marks
    assert marks.tags == {2}
    assert marks.boxes == (Box(1, 3, 4, 14, 7, 1),)
    assert marks.regions == (Region(1, 20, 15, (0, 300), instance=1),)
    assert (images["a1"].split, images["a1"].picture.name) == ("train", "a1.jpg")


def test_marks_agree_with_what_datumaro_reads(read, data):
    datumaro = pytest.importorskip("datumaro")
    root = data(
        boxes="ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
        "IsGroupOf,IsDepiction,IsInside\n"
        "a1,v,/m/1,1,0.1,0.5,0.2,0.4,0,0,0,0,0\n"
        "a1,v,/m/3,1,0,1,0,1,0,0,0,0,0\n"
    )
    (item,) = datumaro.Dataset.import_from(str(root), "open_images")
    images, _ = read("open-images", root)
    edges = [[box.xmin, box.ymin, box.xmax + 1, box.ymax + 1] for box in images["a1"].marks.boxes]
    assert edges == [annotation.points for annotation in item.annotations]


def test_classes_that_are_said_to_be_absent_are_no_tags(read, data):
    root = data(labels="ImageID,Source,LabelName,Confidence\na1,v,/m/1,0\na1,v,/m/2,1\n")
    images, classes = read("open-images", root)
    assert {classes[tag] for tag in images["a1"].marks.tags} == {"Dog"}
    assert [finding.kind for finding in images["a1"].findings] == ["unread"]


def test_boxes_of_an_image_that_is_not_there_are_found(read, data):
    root = data(boxes="ImageID,LabelName,XMin,XMax,YMin,YMax\nb,/m/1,0.1,0.5,0.2,0.4\n")
    images, _ = read("open-images", root)
    assert [finding.kind for finding in images["b"].findings] == ["missing"]
    assert images["b"].marks.is_empty
    assert images["a1"].marks.is_empty  # it is there, and no table names it


def test_a_size_that_is_written_down_serves_without_the_image(read, data):
    root = data(boxes="ImageID,LabelName,XMin,XMax,YMin,YMax\nb,/m/1,0.1,0.5,0.2,0.4\n")
    (root / "annotations" / "images.meta").write_text("b 100 200\n")
    images, _ = read("open-images", root)
    assert images["b"].marks.boxes == (Box(1, 20, 20, 99, 39, 1),)


def test_a_mask_that_is_not_there_is_found(read, data):
    root = data(masks="MaskPath,ImageID,LabelName\n../m.png,a1,/m/1\n")
    images, _ = read("open-images", root)
    assert [finding.kind for finding in images["a1"].findings] == ["missing"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("ImageID,LabelName,XMin,XMax,YMin\na1,/m/1,0.1,0.5,0.2\n", "expected the header"),
        ("ImageID,LabelName,XMin,XMax,YMin,YMax\na1,/m/1,0.1,0.5,0.2,\n", "YMax is empty"),
    ],
)
def test_damaged_tables_are_errors_that_name_them(read, data, table, says):
    with pytest.raises(DataError, match=r"train-annotations-bbox\.csv") as caught:
        read("open-images", data(boxes=table))
    assert says in str(caught.value)


@pytest.mark.parametrize("number", ["x", "nan"])
def test_damaged_boxes_are_left_out_and_named(read, data, says_left_out, number):
    head = "ImageID,LabelName,XMin,XMax,YMin,YMax"
    table = f"{head}\na1,/m/1,{number},0.5,0.2,0.4\na1,/m/1,0.1,0.5,0.2,0.4\n"
    images, _ = read("open-images", data(boxes=table))
    says_left_out(images["a1"], f"a number as XMin, but got '{number}'", "bbox.csv, line 2")
    assert [box.instance for box in images["a1"].marks.boxes] == [2]


def test_boxes_around_groups_or_depictions_are_counted(read, data):
    root = data(
        boxes="ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf,IsDepiction\n"
        "a1,/m/1,0.1,0.5,0.2,0.4,1,0\na1,/m/1,0,1,0,1,1,1\na1,/m/1,0,1,0,0.5,0,-1\n"
    )
    item = read("open-images", root)[0]["a1"]
    assert [finding.message for finding in item.findings] == [
        "2 boxes are around groups of objects (IsGroupOf); used like others",
        "1 box is around depictions (IsDepiction); used like others",
    ]
    assert item.size is None  # none is stated, so a photograph stored rotated is asked about
