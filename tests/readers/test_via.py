import csv
import io
import json

import pytest

from weakseg.marks.kinds import Box, Point

POLYGON = {"name": "polygon", "all_points_x": [10, 18, 18], "all_points_y": [1, 1, 9]}
SHAPES = [
    {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4},
    POLYGON,
    {"name": "polyline", "all_points_x": [1, 5], "all_points_y": [2, 2]},
    {"name": "point", "cx": 7, "cy": 8},
    {"name": "circle", "cx": 10, "cy": 10, "r": 5},
    {"name": "ellipse", "cx": 10, "cy": 10, "rx": 8, "ry": 2, "theta": 1.5707963},
]


def image(*regions, name="a.jpg", **more):
    return {"filename": name, "size": 12, "file_attributes": {}, "regions": list(regions), **more}


def region(shape=POLYGON, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def as_csv(images, name="filename"):
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(
        (
            f"{name},file_size,file_attributes,region_count,region_id,"
            "region_shape_attributes,region_attributes"
        ).split(",")
    )
    for item in images:
        for number, one in enumerate(item["regions"] or [{}]):
            cells = [json.dumps(one.get(key, {})) for key in ("shape_attributes",)]
            cells.append(json.dumps(one.get("region_attributes", {})))
            rows.writerow([item["filename"], 12, "{}", len(item["regions"]), number, *cells])
    return text.getvalue()


@pytest.fixture
def write(tmp_path):
    """Write an export of images as VIA 1 or 2 writes it."""

    def write(form, *images):
        path = tmp_path / ("via.csv" if "csv" in form else "via.json")
        by_key = {f"{item['filename']}{number}": item for number, item in enumerate(images)}
        if form == "VIA 1":
            for item in by_key.values():
                item["regions"] = {str(n): one for n, one in enumerate(item["regions"])}
        if form == "project":
            by_key = {"_via_settings": {}, "_via_img_metadata": by_key, "_via_attributes": {}}
        if "csv" in form:
            path.write_text(as_csv(images, "filename" if form == "csv" else "#filename"))
        else:
            path.write_text(json.dumps(by_key))
        return path

    return write


@pytest.mark.parametrize("form", ["VIA 1", "VIA 2", "project", "csv", "csv of VIA 1"])
def test_every_shape_becomes_its_mark_in_every_form(read, write, picture, tmp_path, form):
    picture(tmp_path / "a.jpg")
    regions = [region(shape, species="cat") for shape in SHAPES]
    images, classes = read("via", write(form, image(*regions), image(name="b/b.jpg")))
    assert classes == ["background", "cat"]
    assert list(images) == ["a", "b/b"]
    assert images["a"].picture == tmp_path / "a.jpg"
    marks = images["a"].marks
    assert marks.boxes == (Box(1, 1, 2, 3, 5, 1),)
    assert marks.points == (Point(1, 7, 8, 4),)
    assert marks.strokes[0].path == ((1, 2), (5, 2))
    triangle, circle, ellipse = marks.polygons
    assert triangle.rings == (((10, 1), (18, 1), (18, 9)),)
    assert min(x for x, _ in circle.rings[0]) == pytest.approx(5, abs=0.1)
    assert max(y for _, y in ellipse.rings[0]) == pytest.approx(18, abs=0.1)  # rotated upright
    assert not images["a"].findings
    assert images["b/b"].marks.is_empty


@pytest.mark.parametrize(
    ("attributes", "names", "unread"),
    [
        ({"Label": "cat", "note": "x"}, ["cat"], "note"),
        ({"kind": {"cat": True, "dog": False, "cow": True}}, ["cat", "cow"], None),
        ({"colour": 3}, ["3"], None),
    ],
)
def test_the_class_is_an_attribute_that_is_called_so_or_the_only_one(
    read, write, attributes, names, unread
):
    images, classes = read("via", write("VIA 2", image(region(**attributes))))
    assert [classes[mark.class_id] for mark in images["a"].marks.polygons] == names
    assert [unread in finding.message for finding in images["a"].findings] == [True][: bool(unread)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (region(), "has no label"),
        (region({"name": "rect", "x": 1, "y": 2, "width": "w", "height": 3}, name="a"), "as width"),
        (region({**POLYGON, "all_points_y": [1]}, name="a"), "but got 3 and 1"),
        (region([], name="a"), "expected an object as a region's shape"),
    ],
)
@pytest.mark.parametrize("form", ["VIA 2", "csv"])
def test_damaged_regions_are_left_out_and_named(read, write, says_left_out, form, wrong, says):
    images, _ = read("via", write(form, image(wrong, region(name="cat"))))
    says_left_out(images["a"], says)
    assert len(images["a"].marks.polygons) == 1


def test_a_csv_whose_cells_are_no_json_is_read_but_for_these(read, write, says_left_out):
    path = write("csv", image(region(name="cat"), region(name="cat")))
    path.write_text(path.read_text().replace("polygon", 'poly""gon', 1))
    images, _ = read("via", path)
    says_left_out(images["a"], "expected an object as a region's shape")


def test_outlines_that_makesense_exports_as_vgg_json_are_read(read, write_json, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    shape = {"name": "polygon", "all_points_x": [3, 9, 9, 3], "all_points_y": [2, 2, 8, 2]}
    regions = {str(number): region(shape, label=name) for number, name in enumerate(("cat", "dog"))}
    item = {"fileref": "", "size": 9, "filename": "a.jpg", "base64_img_data": ""}
    item |= {"file_attributes": {}, "regions": regions}
    images, classes = read("via", write_json(tmp_path / "labels.json", {"a.jpg": item}))
    assert classes == ["background", "cat", "dog"]
    assert [polygon.class_id for polygon in images["a"].marks.polygons] == [1, 2]
    assert images["a"].picture == tmp_path / "a.jpg"
    assert not images["a"].findings


def test_the_folder_of_images_of_a_project_is_looked_into(read, write_json, picture, tmp_path):
    project = {
        "_via_settings": {"core": {"default_filepath": "./pics/"}},
        "_via_img_metadata": {"a.jpg12": image(region(label="cat"))},
    }
    photo = picture(tmp_path / "pics/a.jpg")
    images, _ = read("via", write_json(tmp_path / "via.json", project))
    assert images["a"].picture.resolve() == photo


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"1": "cat", "2": "dog"}, ["background", "cat", "dog"]),
        ({"1": "", "2": ""}, ["background", "1", "2"]),
        ({"1": "cat", "2": "cat"}, ["background", "1", "2"]),
    ],
)
def test_descriptions_of_numbered_options_are_the_classes(
    read, write_json, picture, tmp_path, options, expected
):
    project = {
        "_via_settings": {},
        "_via_img_metadata": {"a.jpg1": image(region(type="1"), region(type={"2": True}))},
        "_via_attributes": {"region": {"type": {"type": "dropdown", "options": options}}},
    }
    picture(tmp_path / "a.jpg")
    images, classes = read("via", write_json(tmp_path / "via.json", project))
    assert classes == expected
    said = any("descriptions are the classes" in one.message for one in images["a"].findings)
    assert said == ("cat" in expected)


def test_an_image_by_its_address_is_named_by_the_path(read, write_json, picture, tmp_path):
    address = "https://example.org/pics/a.jpg?raw=1#top"
    photo = picture(tmp_path / "a.jpg")
    tree = {f"{address}-1": image(region(label="cat"), name=address)}
    (found,) = read("via", write_json(tmp_path / "via.json", tree))[0].values()
    assert found.picture == photo
