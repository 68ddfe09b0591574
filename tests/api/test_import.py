import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.api.inspect import inspect_data
from weakseg.datasets.data_folder import DataFolder
from weakseg.marks.label_maps import read_label_map
from weakseg.support.errors import DataError, RecipeError

SQUARE = [[10, 5], [30, 5], [30, 25], [10, 25]]


def photo(path: Path, size=(40, 60)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 120, np.uint8)).save(path)
    return path


def labelme(path: Path, shapes, flags=None) -> Path:
    tree = {
        "version": "5.0",
        "flags": flags or {},
        "imagePath": f"{path.stem}.jpg",
        "shapes": [
            {"label": label, "shape_type": kind, "points": points, "flags": {}}
            for label, kind, points in shapes
        ],
        "imageData": None,
        "imageHeight": 40,
        "imageWidth": 60,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two photographs with marks of labelme."""
    folder = tmp_path / "marked"
    for name in ("a", "b"):
        photo(folder / f"{name}.jpg")
    labelme(
        folder / "a.json",
        [
            ("cat", "polygon", SQUARE),
            ("dog", "point", [[50, 30]]),
            ("cat", "rectangle", SQUARE[::2]),
            ("_background_", "linestrip", [[0, 35], [59, 35]]),
        ],
    )
    labelme(folder / "b.json", [("kitten", "polygon", SQUARE)], {"indoor": True})
    return folder


def imported(folder: Path, split: str = "train"):
    data = DataFolder.open(folder)
    return data.classes.names, {item.name: item for item in data.split(split)}


def test_marks_of_every_kind_arrive_in_the_data_folder(source, tmp_path):
    done = import_marks([source], tmp_path / "data")
    names, records = imported(tmp_path / "data")
    assert names == ("background", "cat", "dog", "indoor", "kitten")
    assert done.images == 2
    assert done.marks == {"boxes": 1, "points": 1, "scribbles": 1, "masks": 2, "tags": 1}
    marks = records["a"].marks
    assert [(point.class_id, point.x, point.y) for point in marks.points] == [(2, 50, 30)]
    assert (marks.boxes[0].xmin, marks.boxes[0].xmax) == (10, 29)
    mask = read_label_map(marks.mask, num_classes=5)
    assert (mask[5:25, 10:30] == 1).all()
    assert (mask == 254).sum() == 40 * 60 - 400
    scribbles = read_label_map(marks.scribbles, num_classes=5)
    assert (scribbles[35] == 0).all()
    assert records["b"].marks.tags == {3}


def test_classes_are_renamed_joined_dropped_and_left_out(source, tmp_path):
    settings = ImportSettings(class_map={"kitten": "cat", "dog": "void"}, drop=["indoor"])
    import_marks([source], tmp_path / "data", settings)
    names, records = imported(tmp_path / "data")
    assert names == ("background", "cat")
    assert 1 in np.asarray(Image.open(records["b"].marks.mask))
    assert records["b"].marks.tags == frozenset()


def test_a_misspelt_class_is_refused_and_nothing_is_written(source, tmp_path):
    with pytest.raises(RecipeError, match=r"no file holds kiten; the classes are .*kitten"):
        import_marks([source], tmp_path / "data", ImportSettings(drop=["kiten"]))
    assert not (tmp_path / "data").exists()


def test_a_class_list_fixes_the_ids_and_refuses_other_names(source, tmp_path):
    (tmp_path / "classes.txt").write_text("background\ndog\nindoor\ncat\n")
    settings = ImportSettings(classes=str(tmp_path / "classes.txt"))
    with pytest.raises(DataError, match=r"b\.json.*'kitten' is not among"):
        import_marks([source], tmp_path / "data", settings)


def test_several_sources_are_joined_by_the_images_names(source, tmp_path):
    table = tmp_path / "boxes.csv"
    table.write_text("image,class,xmin,ymin,xmax,ymax\nphotos/b.jpg,cow,1,2,20,30\n")
    done = import_marks([source, table], tmp_path / "data")
    _, records = imported(tmp_path / "data")
    assert done.images == 2
    assert records["b"].marks.boxes[0].xmax == 20
    assert records["b"].marks.mask is not None


def test_complete_masks_and_boxes_make_the_rest_background(source, tmp_path):
    import_marks([source], tmp_path / "data", ImportSettings(complete=["masks", "boxes"]))
    _, records = imported(tmp_path / "data")
    assert set(np.unique(Image.open(records["a"].marks.mask))) == {0, 1}
    assert DataFolder.open(tmp_path / "data").config.boxes_complete


def test_a_split_takes_its_share_and_the_seed_decides(tmp_path):
    folder = tmp_path / "many"
    for number in range(20):
        photo(folder / f"{number}.jpg")
        labelme(folder / f"{number}.json", [("cat" if number % 2 else "dog", "polygon", SQUARE)])
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        done = import_marks([folder], tmp_path / name, ImportSettings(split=0.8, seed=seed))
        assert done.splits == {"train": 16, "val": 4}
    lists = [(tmp_path / name / "splits/val.txt").read_text() for name in ("one", "two", "three")]
    assert lists[0] == lists[1] != lists[2]


def test_an_image_that_is_not_there_is_an_error_or_left_out_when_allowed(source, tmp_path):
    (source / "a.jpg").unlink()
    with pytest.raises(
        DataError, match=r"a\.json.*image 'a' is not found.*--images FOLDER"
    ) as caught:
        import_marks([source], tmp_path / "data")
    assert f"(no 'a', with any ending, in {source})" in str(caught.value)
    done = import_marks([source], tmp_path / "data", ImportSettings(allow_missing=True))
    assert done.images == 1
    assert done.counts["missing"] == 1
    (finding,) = (finding for finding in done.findings if finding.kind == "missing")
    assert f"image 'a' is not found (no 'a', with any ending, in {source})" in str(finding)


def test_an_image_that_two_files_are_like_is_missing_and_both_are_named(source, tmp_path):
    for ending in ("tif", "bmp"):
        photo(source / f"A.{ending}")
    (source / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"'A.bmp' and 'A.tif' are both like 'a', neither is"):
        import_marks([source], tmp_path / "data")


def test_images_are_found_in_a_folder_that_is_named(source, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (source / "a.jpg").rename(tmp_path / "elsewhere/a.jpg")
    settings = ImportSettings(images=[str(tmp_path / "elsewhere")])
    assert import_marks([source], tmp_path / "data", settings).images == 2


def test_overlapping_outlines_of_two_classes_are_told(tmp_path):
    photo(tmp_path / "m/a.jpg")
    labelme(tmp_path / "m/a.json", [("cat", "polygon", SQUARE), ("dog", "polygon", SQUARE)])
    done = import_marks([tmp_path / "m"], tmp_path / "data")
    assert done.counts == {"conflict": 1}
    assert "share 400 pixels; the later one has them" in done.findings[0].message


def test_marks_outside_the_image_are_left_out_and_told(tmp_path):
    photo(tmp_path / "m/a.jpg")
    shapes = [("cat", "point", [[90, 5]]), ("cat", "point", [[3, 5]])]
    labelme(tmp_path / "m/a.json", shapes)
    done = import_marks([tmp_path / "m"], tmp_path / "data")
    _, records = imported(tmp_path / "data")
    assert len(records["a"].marks.points) == 1
    assert done.counts == {"outside": 1}


def test_the_users_files_are_not_touched(source, tmp_path):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    import_marks([source], tmp_path / "data", ImportSettings(link=True))
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    assert before == after
    assert (tmp_path / "data/images/a.jpg").is_symlink()


def test_no_marks_at_all_is_an_error(tmp_path):
    photo(tmp_path / "m/a.jpg")
    labelme(tmp_path / "m/a.json", [])
    with pytest.raises(DataError, match="marks of at least one class"):
        import_marks([tmp_path / "m"], tmp_path / "data")


def test_it_is_told_where_nothing_is_marked_as_background(source, tmp_path):
    assert not import_marks([source], tmp_path / "one").lacks_background  # a line is
    (source / "a.json").unlink()
    assert import_marks([source], tmp_path / "two").lacks_background
    complete = ImportSettings(complete=["masks"])
    assert not import_marks([source], tmp_path / "three", complete).lacks_background


def test_images_of_one_name_in_two_folders_of_a_source_stay_two(tmp_path):
    for folder in ("x", "y"):
        photo(tmp_path / "m" / folder / "a.jpg")
        labelme(tmp_path / "m" / folder / "a.json", [("cat", "polygon", SQUARE)])
    table = tmp_path / "tags.csv"
    table.write_text("image,class\nx/a.jpg,cow\n")
    done = import_marks([tmp_path / "m", table], tmp_path / "data")
    assert done.images == 2
    _, records = imported(tmp_path / "data")
    assert records["x/a"].marks.tags == {2}
    assert records["y/a"].marks.tags == frozenset()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("cat", "polygon", SQUARE[:2]), "shape 5: a polygon of 2 corners; left out"),
        (("cat", "polygon", [[1, "x"]]), "shape 5: expected a number as y of points, but got 'x'"),
        (("", "polygon", SQUARE), "shape 5: has no label; left out"),
    ],
)
def test_a_bad_mark_is_left_out_and_said_or_where_that_is_wanted_an_error(
    source, tmp_path, shape, message
):
    path = source / "a.json"
    tree = json.loads(path.read_text())
    label, kind, points = shape
    tree["shapes"].append({"label": label, "shape_type": kind, "points": points})
    path.write_text(json.dumps(tree))
    done = import_marks([source], tmp_path / "data")
    assert done.images == 2
    (finding,) = (finding for finding in done.findings if finding.path == path)
    assert message in str(finding)
    with pytest.raises(DataError) as caught:
        import_marks([source], tmp_path / "strict", ImportSettings(strict=True))
    assert message in str(caught.value)
    assert not (tmp_path / "strict").exists()


def test_two_images_that_are_found_as_one_file_are_refused_or_left_out(tmp_path):
    photo(tmp_path / "0.jpg")
    table = tmp_path / "boxes.csv"
    table.write_text("image,class,xmin,ymin,xmax,ymax\nx/0.jpg,cat,1,1,9,9\ny/0.jpg,dog,1,1,9,9\n")
    with pytest.raises(DataError, match=r"'x/0' and 'y/0' would both be 0\.jpg.*--images FOLDER"):
        import_marks([table], tmp_path / "data")
    done = import_marks([table], tmp_path / "data", ImportSettings(allow_missing=True))
    assert (done.images, done.counts) == (1, {"missing": 1})
    for folder in "xy":
        photo(tmp_path / folder / "0.jpg")
    assert import_marks([table], tmp_path / "both").images == 2


def test_a_class_whose_name_holds_a_comma_is_read_back(tmp_path):
    photo(tmp_path / "a.jpg")
    choices = {"id": "c", "type": "choices", "value": {"choices": ["Dog, small", "cat"]}}
    task = {"id": 1, "annotations": [{"result": [choices]}], "data": {"image": "a.jpg"}}
    (tmp_path / "export.json").write_text(json.dumps([task]))
    first = import_marks([tmp_path / "export.json"], tmp_path / "data")
    assert set(first.classes) == {"background", "Dog, small", "cat"}
    again = import_marks([tmp_path / "data"], tmp_path / "again")
    assert again.classes == first.classes
    for folder in ("data", "again"):
        names, records = imported(tmp_path / folder)
        assert {names[tag] for tag in records["a"].marks.tags} == {"Dog, small", "cat"}


def test_both_unicode_forms_of_a_class_name_are_one_class_and_that_is_said(source, tmp_path):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    labelme(source / "a.json", [(composed, "polygon", SQUARE), ("cat", "point", [[50, 30]])])
    labelme(source / "b.json", [(decomposed, "polygon", SQUARE)])
    done = import_marks([source], tmp_path / "data")
    assert done.classes == ("background", composed, "cat")
    (finding,) = (finding for finding in done.findings if finding.kind == "unsure")
    assert "all its spellings are one class" in finding.message
    # A table in the other form, beside the list of classes, means the same class.
    (tmp_path / "data/tags.csv").write_text(f"image,class\na,{decomposed}\n", encoding="utf-8")
    a, _ = DataFolder.open(tmp_path / "data", {"marks": ["tags"]}).split("train")
    assert a.marks.tags == {1}
    settings = ImportSettings(class_map={decomposed: "bar"}, drop=["cat"])
    assert import_marks([source], tmp_path / "bar", settings).classes == ("background", "bar")


def test_classes_whose_names_are_alike_are_a_finding(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name, label in {
        "a": "cat",
        "b": "Cat ",
        "c": "Traffic light",
        "d": "traffic_light",
    }.items():
        Image.new("RGB", (60, 40)).save(source / f"{name}.png")
        shape = {"label": label, "points": [[3, 4], [20, 30]], "shape_type": "rectangle"}
        tree = {"shapes": [shape], "imagePath": f"{name}.png", "imageData": None}
        (source / f"{name}.json").write_text(json.dumps(tree))
    done = import_marks(source, tmp_path / "out")
    said = [item.message for item in done.findings if "differ in capitals" in item.message]
    assert len(said) == 2
    assert said[0].endswith("import with --class-map cat=Cat")
    settings = ImportSettings(class_map={"Cat": "cat", "traffic_light": "Traffic light"})
    done = import_marks(source, tmp_path / "out", settings, overwrite=True)
    assert done.classes == ("background", "cat", "Traffic light")
    assert not any("differ in capitals" in item.message for item in done.findings)


def test_boxes_of_void_leave_their_areas_out_and_points_of_it_are_reported(tmp_path):
    photo(tmp_path / "marked/a.jpg")
    shapes = [
        ("cat", "polygon", SQUARE),
        ("__ignore__", "rectangle", [[20, 5], [40, 25]]),
        ("__ignore__", "point", [[50, 30]]),
        ("ship", "oriented_rectangle", [[50, 10], [55, 15], [50, 20], [45, 15]]),
    ]
    labelme(tmp_path / "marked/a.json", shapes)
    settings = ImportSettings(class_map={"ship": "void"})
    done = import_marks([tmp_path / "marked"], tmp_path / "data", settings)
    mask = read_label_map(imported(tmp_path / "data")[1]["a"].marks.mask, num_classes=2)
    assert (mask[5:25, 10:20] == 1).all()
    assert (mask[5:25, 20:40] == 255).all()
    assert (mask[15, 50], mask[11, 46]) == (255, 254)
    assert any("1 point of void covers no area" in finding.message for finding in done.findings)


def test_boxes_of_void_in_a_table_leave_their_areas_out(tmp_path):
    photo(tmp_path / "data/images/a.jpg")
    (tmp_path / "data/classes.txt").write_text("background\ncat\ndog\n")
    (tmp_path / "data/boxes.csv").write_text(
        "image,class,xmin,ymin,xmax,ymax\na,cat,0,0,9,9\na,dog,20,5,39,24\n"
    )
    import_marks([tmp_path / "data"], tmp_path / "out", ImportSettings(class_map={"dog": "void"}))
    marks = imported(tmp_path / "out")[1]["a"].marks
    mask = read_label_map(marks.mask, num_classes=2)
    assert (mask[5:25, 20:40] == 255).all()
    assert [box.class_id for box in marks.boxes] == [1]


def test_images_that_differ_in_their_ending_alone_keep_their_own_marks(tmp_path):
    for ending in ("jpg", "png"):
        photo(tmp_path / f"marked/a.{ending}")
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [n, 2, 3, 4]} for n in (1, 2)]
    names = {1: "a.jpg", 2: "a.png"}
    tree = {
        "images": [{"id": n, "file_name": name} for n, name in names.items()],
        "annotations": boxes,
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "marked/x.json").write_text(json.dumps(tree))
    done = import_marks([tmp_path / "marked"], tmp_path / "data")
    records = imported(tmp_path / "data")[1]
    assert [(name, item.marks.boxes[0].xmin) for name, item in records.items()] == [
        ("a", 1),
        ("a_png", 2),
    ]
    assert any("differ in nothing but their ending" in str(finding) for finding in done.findings)


def test_a_folder_of_images_that_is_not_there_is_refused_by_name(source, tmp_path):
    with pytest.raises(DataError, match=r"nowhere: images: there is no such folder"):
        import_marks([source], tmp_path / "data", ImportSettings(images=[tmp_path / "nowhere"]))
    with pytest.raises(DataError, match=r"nowhere: images: there is no such folder"):
        inspect_data(source, images=tmp_path / "nowhere")


BAD_ROWS = {
    "tags": "image,class\na,cat\na,\n",
    "tags of no image": "image,class\na,cat\n,cat\n",
    "boxes": "image,class,xmin,ymin,xmax,ymax\na,cat,1,2,9,9\na,cat,1,x,9,9\n",
    "boxes without area": "image,class,xmin,ymin,xmax,ymax\na,cat,1,2,9,9\na,cat,9,2,1,9\n",
    "boxes cut short": "image,class,xmin,ymin,xmax,ymax\na,cat,1,2,9,9\na,cat,1,2\n",
    "points": "image,class,x,y\na,cat,3,4\na,cat,3,inf\n",
    "box-tables": "filename,label,x1,y1,x2,y2\na.jpg,cat,1,2,9,9\na.jpg,cat,1,2,,9\n",
    "box-tables without a class": "filename,label,x1,y1,x2,y2\na.jpg,cat,1,2,9,9\na.jpg,,1,2,9,9\n",
    "box-tables without an image": "filename,label,x1,y1,x2,y2\na.jpg,cat,1,2,9,9\n,cat,1,2,9,9\n",
    "makesense": "cat,1,2,8,7,a.jpg,60,40\ncat,1,x,8,7,a.jpg,60,40\n",
    "via": "filename,region_shape_attributes,region_attributes\n"
    + 'a.jpg,"{""name"":""point"",""cx"":3,""cy"":4}","{""class"":""cat""}"\n'
    + 'a.jpg,"{""name"":""point"",""cx"":3}","{""class"":""cat""}"\n',
}


@pytest.mark.parametrize("text", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_of_any_table_is_left_out_and_reported_or_an_error_where_asked(tmp_path, text):
    photo(tmp_path / "a.jpg")
    path = tmp_path / "t.csv"
    path.write_text(text)
    settings = ImportSettings(format="makesense" if text.startswith("cat") else None)
    done = import_marks(path, tmp_path / "data", settings)
    assert sum(done.marks.values()) == 1
    (finding,) = (item for item in done.findings if item.message.endswith("left out"))
    line = text.count("\n")
    assert (finding.path, line) == (path, int(str(finding).split("line ")[1].split(":")[0]))
    with pytest.raises(DataError, match=rf"t\.csv, .*line {line}: ") as caught:
        import_marks(path, tmp_path / "strict", replace(settings, strict=True))
    assert str(caught.value) == str(finding)
    assert not (tmp_path / "strict").exists()


def test_images_that_are_damaged_or_of_another_size_can_be_left_out(tmp_path):
    photo(tmp_path / "marked/a.jpg")
    photo(tmp_path / "marked/b.jpg", (20, 30))
    (tmp_path / "marked/c.jpg").write_bytes(b"nothing")
    (tmp_path / "marked/d.heic").write_bytes(b"x")
    for name in "abcd":
        labelme(tmp_path / f"marked/{name}.json", [("cat", "polygon", SQUARE)])
    for name, says in {
        "b": r"says that image 'b' has size.*--allow_missing true leaves such images out",
        "c": r"is damaged or no image.*--allow_missing true leaves such images out",
        "d": r"'d' is not found \('d\.heic' is of a kind that is not read: convert it",
    }.items():
        with pytest.raises(DataError, match=says):
            import_marks([tmp_path / f"marked/{name}.json"], tmp_path / "data")
    settings = ImportSettings(allow_missing=True)
    done = import_marks([tmp_path / "marked"], tmp_path / "data", settings)
    assert done.images == 1
    assert sum("it is left out" in finding.message for finding in done.findings) == 3


def test_marks_without_a_label_are_of_the_class_that_is_named_for_them(tmp_path):
    photo(tmp_path / "a.jpg")
    rect = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}
    region = {"shape_attributes": rect, "region_attributes": {}}
    tree = {"a.jpg12": {"filename": "a.jpg", "size": 12, "regions": [region]}}
    (tmp_path / "via.json").write_text(json.dumps(tree))
    with pytest.raises(DataError, match=r"has no label; left out\); --class-map =NAME names"):
        import_marks(tmp_path / "via.json", tmp_path / "data")
    settings = ImportSettings(class_map={"": "balloon"})
    done = import_marks(tmp_path / "via.json", tmp_path / "data", settings)
    assert (done.classes, done.marks) == (("background", "balloon"), {"boxes": 1})


def test_different_pictures_of_one_name_in_two_sources_are_two_images(tmp_path):
    for folder, label, size in (("task1", "cat", (40, 60)), ("task2", "dog", (30, 50))):
        photo(tmp_path / folder / "frame_0.jpg", size)
        tree = json.loads(
            labelme(tmp_path / folder / "frame_0.json", [(label, "rectangle", SQUARE[::2])])
            .read_text()
            .replace("40", str(size[0]))
            .replace("60", str(size[1]))
        )
        (tmp_path / folder / "frame_0.json").write_text(json.dumps(tree))
    out = tmp_path / "data"
    done = import_marks([tmp_path / "task1", tmp_path / "task2"], out)
    boxes = {record.name: record.marks.boxes for record in DataFolder.open(out).split("train")}
    assert {name: [box.class_id for box in found] for name, found in boxes.items()} == {
        "frame_0": [1],
        "task2/frame_0": [2],
    }
    assert Image.open(out / "images/task2/frame_0.jpg").size == (50, 30)
    assert any("called 'task2/frame_0'" in finding.message for finding in done.findings)


def voc_xml(path: Path, picture: str, label: str, x: int) -> None:
    box = f"<xmin>{x}</xmin><ymin>5</ymin><xmax>{x + 8}</xmax><ymax>15</ymax>"
    path.write_text(
        f"<annotation><filename>{picture}</filename>"
        f"<object><name>{label}</name><bndbox>{box}</bndbox></object></annotation>"
    )


def test_marks_of_one_picture_in_several_files_of_a_source_are_joined_and_that_is_said(tmp_path):
    marked = tmp_path / "marked"
    photo(marked / "a.jpg")
    voc_xml(marked / "a.xml", "a.jpg", "cat", 3)
    voc_xml(marked / "a_2.xml", "a.jpg", "dog", 30)
    done = import_marks(marked, tmp_path / "data")
    (record,) = imported(tmp_path / "data")[1].values()
    assert [(box.class_id, box.xmin) for box in record.marks.boxes] == [(1, 2), (2, 29)]
    found = inspect_data(marked)
    assert found.images == done.images == 1
    assert done.counts["duplicate"] == found.finding_counts["duplicate"] == 1


def test_pictures_of_one_name_in_folders_of_one_source_are_two_images(tmp_path):
    for folder, label, height in (("s1", "cat", 40), ("s2", "dog", 50)):
        photo(tmp_path / "both" / folder / "im1.jpg", (height, 60))
        tree = {
            "images": [{"id": 1, "file_name": "im1.jpg", "height": height, "width": 60}],
            "categories": [{"id": 1, "name": label}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [3, 5, 8, 10]}],
        }
        (tmp_path / "both" / folder / "labels.json").write_text(json.dumps(tree))
    done = import_marks(tmp_path / "both", tmp_path / "data")
    boxes = {name: item.marks.boxes for name, item in imported(tmp_path / "data")[1].items()}
    assert {name: [box.class_id for box in found] for name, found in boxes.items()} == {
        "im1": [1],
        "s2/im1": [2],
    }
    assert any("called 's2/im1'" in finding.message for finding in done.findings)


@pytest.mark.parametrize("ending", ["", ".json"])
def test_sources_whose_names_are_splits_are_the_splits(tmp_path, ending):
    for number, split in enumerate(("train", "valid", "test")):
        photo(tmp_path / split / f"{number}.jpg", (40, 60))
        labelme(tmp_path / split / f"{number}.json", [("cat", "rectangle", SQUARE[::2])])
    sources = [tmp_path / split for split in ("train", "valid", "test")]
    if ending:
        sources = [folder / f"{number}.json" for number, folder in enumerate(sources)]
    done = import_marks(sources, tmp_path / "data")
    assert done.splits == {"train": 1, "val": 1, "test": 1}


def test_one_source_whose_name_is_a_split_says_nothing_of_a_split(tmp_path):
    photo(tmp_path / "test/a.jpg")
    labelme(tmp_path / "test/a.json", [("cat", "rectangle", SQUARE[::2])])
    assert import_marks(tmp_path / "test", tmp_path / "data").splits == {"train": 1}


def test_a_new_split_says_that_the_files_own_ones_are_not_kept(tmp_path):
    for split, names in (("train", "abcd"), ("val", "e"), ("test", "f")):
        for name in names:
            photo(tmp_path / "set" / split / f"{name}.jpg")
            labelme(tmp_path / "set" / split / f"{name}.json", [("cat", "rectangle", SQUARE[::2])])
    done = import_marks(tmp_path / "set", tmp_path / "data", ImportSettings(split=0.5))
    assert done.splits == {"train": 3, "val": 3}
    (finding,) = (one for one in done.findings if "own splits" in one.message)
    assert "val 1" in finding.message
    assert "test 1" in finding.message


def data_folder(
    root: Path, rows: slice, class_id: int, classes=("background", "cat", "dog")
) -> Path:
    """A data folder of one image, of which some rows are of a class and the rest is unlabelled."""
    photo(root / "images/a.jpg")
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in classes))
    labels = np.full((40, 60), 254, np.uint8)
    labels[rows] = class_id
    (root / "masks").mkdir()
    Image.fromarray(labels).save(root / "masks/a.png")
    return root


def test_full_masks_of_one_image_in_two_data_folders_are_joined_and_conflicts_are_said(tmp_path):
    first = data_folder(tmp_path / "d1", slice(0, 20), 1)
    second = data_folder(tmp_path / "d2", slice(10, 30), 2)
    done = import_marks([first, second], tmp_path / "data")
    labels = read_label_map(tmp_path / "data/masks/a.png", num_classes=3)
    assert [np.count_nonzero(labels == value) for value in (1, 2, 254)] == [600, 1200, 600]
    (finding,) = (one for one in done.findings if one.kind == "conflict")
    assert "share 600 pixels" in finding.message


@pytest.mark.parametrize("names", [("background", "cat", "dog"), ("background", "dog", "cat")])
def test_a_label_map_of_another_size_than_the_image_is_refused_beside_other_sources(
    tmp_path, names
):
    first = data_folder(tmp_path / "d1", slice(0, 20), 1)
    second = data_folder(tmp_path / "d2", slice(10, 30), 2, names)
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(second / "masks/a.png")
    with pytest.raises(DataError, match=r"d2, image 'a': says .* \(20, 30\) while .* \(40, 60\)"):
        import_marks([first, second], tmp_path / "data")


def test_a_photograph_marked_as_shown_and_as_stored_is_refused_with_a_way_out(source, tmp_path):
    table = tmp_path / "x.csv"
    table.write_text("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,40,60,cat,1,1,9,9\n")
    with pytest.raises(DataError, match="import the files one by one"):
        import_marks([source, table], tmp_path / "data")
