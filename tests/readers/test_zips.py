"""What a zip names is looked for in it and in the user's folders of images, nowhere else."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.support.errors import DataError

SIZE = {"width": 30, "height": 20}


def save(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 30, 3), value, np.uint8)).save(path)
    return path


def labelme(written):
    shape = {"label": "cat", "points": [[2, 2], [9, 9]], "shape_type": "rectangle"}
    sizes = {"imageHeight": 20, "imageWidth": 30, "imageData": None}
    tree = {"version": "5", "flags": {}, "shapes": [shape], "imagePath": written, **sizes}
    return {"x.json": json.dumps(tree)}


def coco(written):
    images = [{"id": 1, "file_name": written, **SIZE}]
    marks = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 7, 7]}]
    tree = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "cat"}]}
    return {"instances.json": json.dumps(tree)}


def cvat(written):
    box = '<box label="cat" xtl="1.5" ytl="2" xbr="20" ybr="18" occluded="0" z_order="0"/>'
    labels = "<labels><label><name>cat</name></label></labels>"
    image = f'<image id="0" name="{written}" width="30" height="20">{box}</image>'
    meta = f"<meta><task>{labels}</task></meta>"
    return {"annotations.xml": f"<annotations><version>1.1</version>{meta}{image}</annotations>"}


def darknet(written):
    return {
        "obj.data": "classes = 1\nnames = data/obj.names\ntrain = data/train.txt\n",
        "obj.names": "cat\n",
        "train.txt": f"{written}\n",
        "x.txt": "0 0.5 0.5 0.2 0.4\n",
    }


def table(written):
    return {"boxes.csv": f"image,class,xmin,ymin,xmax,ymax\n{written},cat,2,2,8,8\n"}


def via(written):
    shape = {"name": "rect", "x": 2, "y": 2, "width": 7, "height": 7}
    region = {"shape_attributes": shape, "region_attributes": {"label": "cat"}}
    image = {"filename": written, "size": 1, "regions": [region], "file_attributes": {}}
    return {"via.json": json.dumps({"x": image})}


@pytest.fixture
def secret(tmp_path):
    """Write a picture that no zip holds."""
    return save(tmp_path / "private" / "secret.png", 200)


@pytest.fixture
def zipped(tmp_path):
    def write(files, picture=None):
        path = tmp_path / "marks.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
            if picture is not None:
                archive.write(picture, "secret.png")
        return path

    return write


@pytest.fixture(params=["absolute", "relative"])
def written(request, secret, tmp_path, monkeypatch):
    """Return a path that leads from inside the unpacked zip to the picture."""
    if request.param == "absolute":
        return str(secret)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return "../../../private/secret.png"


@pytest.mark.parametrize("make", [labelme, coco, cvat, darknet, table, via])
def test_zip_reaches_no_picture_outside(tmp_path, zipped, secret, written, make):
    path = zipped(make(written))
    with pytest.raises(DataError, match=r"is not found|none") as caught:
        import_marks([path], tmp_path / "data")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "data").exists()
    done = import_marks([path], tmp_path / "data", ImportSettings(images=[secret.parent]))
    assert done.images == 1  # the user names the folder


@pytest.mark.parametrize("make", [labelme, coco, cvat, table, via])
def test_zip_has_its_own_picture_of_the_name(tmp_path, zipped, secret, written, make):
    own = save(tmp_path / "own.png", 7)
    done = import_marks([zipped(make(written), own)], tmp_path / "data")
    assert done.images == 1
    (picture,) = (path for path in (tmp_path / "data/images").rglob("*") if path.is_file())
    assert np.asarray(Image.open(picture)).max() == 7


@pytest.mark.parametrize("make", [labelme, coco])
def test_folder_reaches_what_it_names(tmp_path, secret, make):
    for name, text in make(str(secret)).items():
        (tmp_path / "marks").mkdir(exist_ok=True)
        (tmp_path / "marks" / name).write_text(text)
    assert import_marks([tmp_path / "marks"], tmp_path / "data").images == 1


def test_yolo_in_a_zip_reads_no_labels_and_names_of_this_machine(tmp_path, zipped):
    outside = tmp_path / "private"
    save(outside / "images" / "train" / "a.png")
    (outside / "labels" / "train").mkdir(parents=True)
    (outside / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    (outside / "secret.names").write_text("confidential\n")
    config = f"path: {outside}\ntrain: images/train\nnames: [cat]\n"
    with pytest.raises(DataError):
        import_marks([zipped({"data.yaml": config})], tmp_path / "data")
    files = darknet("x.png")
    files["obj.data"] = f"classes = 1\nnames = {outside / 'secret.names'}\ntrain = train.txt\n"
    with pytest.raises(DataError, match="there is no such file") as caught:
        import_marks([zipped(files)], tmp_path / "data")
    assert "confidential" not in str(caught.value)


def test_images_out_of_a_zip_are_copied_where_links_are_asked_for(tmp_path, zipped, secret, caplog):
    caplog.set_level("INFO", logger="weakseg")
    path = zipped(coco("secret.png"), secret)
    import_marks([path], tmp_path / "data", ImportSettings(link=True))
    picture = tmp_path / "data" / "images" / "secret.png"
    assert not picture.is_symlink()
    assert picture.read_bytes() == secret.read_bytes()
    assert [record.message for record in caplog.records if "--link" in record.message] == [
        "--link: images out of a zip are copied, for they go when it is read"
    ]
