import base64
import io
import json
import random

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.brush import encode_brush
from weakseg.formats.exports import export_masks
from weakseg.formats.picture_search import PictureSearch
from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import DROPPED, ClassList, OpenClassList
from weakseg.marks.drawing import filled
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Stroke
from weakseg.marks.label_values import VOID
from weakseg.readers.label_studio import LABEL_STUDIO
from weakseg.readers.labelme import LABELME
from weakseg.support.errors import DataError

HEIGHT, WIDTH = 200, 400  # half a percent of the height is a pixel, a quarter of the width


def result(kind, value, id="r1", **more):
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    names = {"from_name": "label", "to_name": "image", "origin": "manual"}
    return {"id": id, "type": kind, "value": value} | size | names | more


def task(*results, image="a.jpg", **more):
    content = {
        "id": 7,
        "annotations": [{"id": 1, "result": list(results)}],
        "predictions": [],
        "data": {"image": image},
    }
    return content | more


@pytest.fixture
def write(tmp_path):
    """Write an export of tasks."""

    def write(*tasks):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(list(tasks)))
        return path

    return write


@pytest.fixture
def read(write):
    """Read an image's annotation that holds some results."""

    def read(*results, classes=None, **options):
        path = write(task(*results))
        source = LABEL_STUDIO.read(path, classes or OpenClassList(), SourceOptions(**options))
        (item,) = source
        return item

    return read


@pytest.fixture
def read_tasks(write):
    """Read the images of tasks."""

    def read_tasks(*tasks, classes=None, **options):
        classes = classes or OpenClassList()
        return list(LABEL_STUDIO.read(write(*tasks), classes, SourceOptions(**options)))

    return read_tasks


RECTANGLE = {"x": 25, "y": 10, "width": 50, "height": 5, "rotation": 0, "rectanglelabels": ["cat"]}
AREA = np.zeros((HEIGHT, WIDTH), bool)
AREA[20:40, 100:333] = True


def test_percentages_become_pixels_of_every_kind_of_mark(read):
    points = [[0, 0], [50, 0], [50, 50]]
    item = read(
        result("rectanglelabels", RECTANGLE, "a"),
        result("keypointlabels", {"x": 12.5, "y": 50, "width": 1, "keypointlabels": ["dog"]}, "b"),
        result("polygonlabels", {"points": points, "closed": True, "polygonlabels": ["cat"]}, "c"),
        result("polygonlabels", {"points": points, "polygonlabels": ["cat"]}, "d"),
        result("polygonlabels", {"points": points, "closed": False, "polygonlabels": ["cat"]}, "e"),
    )
    corners = ((0, 0), (200, 0), (200, 100))
    assert item.marks == Marks(
        boxes=(Box(1, 100, 20, 299, 29),),
        points=(Point(2, 50, 100),),
        polygons=(Polygon(1, (corners,)), Polygon(1, (corners,))),
        strokes=(Stroke(1, corners),),
    )
    assert (item.size, item.entry, item.findings) == ((HEIGHT, WIDTH), "task 7", ())


def test_rounding_in_the_percentages_does_not_widen_a_box(read):
    # 37 and 19 of 400 pixels, as a computer writes them in percent: their sum is a hair over 56.
    value = RECTANGLE | {"x": 37 / 400 * 100, "width": 19 / 400 * 100}
    (box,) = read(result("rectanglelabels", value)).marks.boxes
    assert (box.xmin, box.xmax) == (37, 55)


@pytest.mark.parametrize("degrees", [0, 30, 90, 200, -45])
def test_a_turned_rectangle_becomes_the_box_around_its_corners(read, degrees):
    converter = pytest.importorskip("label_studio_sdk.converter.utils")
    value = RECTANGLE | {"rotation": degrees}
    item = read(result("rectanglelabels", value))
    frame = {"original_width": WIDTH, "original_height": HEIGHT}
    corners = np.array(converter.convert_annotation_to_yolo_obb(value | frame, normalize=False))
    expected = Box.from_edges(1, *corners.min(0).round(6), *corners.max(0).round(6))
    assert item.marks.boxes == (expected,)
    assert [finding.kind for finding in item.findings] == (["unsure"] if degrees else [])


def test_a_rectangle_is_turned_clockwise_about_its_upper_left_corner(read):
    (box,) = read(result("rectanglelabels", RECTANGLE | {"rotation": 90})).marks.boxes
    assert box == Box(1, 90, 20, 99, 219)


def test_several_turned_rectangles_are_said_once(read):
    value = RECTANGLE | {"rotation": 1}
    item = read(result("rectanglelabels", value, "a"), result("rectanglelabels", value, "b"))
    assert len(item.findings) == 1


def test_an_ellipse_becomes_its_area(read):
    value = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 90, "ellipselabels": ["a"]}
    (polygon,) = read(result("ellipselabels", value)).marks.polygons
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    expected = ((x - 200) / 20) ** 2 + ((y - 100) / 40) ** 2
    area = filled((HEIGHT, WIDTH), polygon.rings).canvas((HEIGHT, WIDTH))
    assert (area == (expected < 1))[abs(expected - 1) > 0.01].all()


@pytest.mark.parametrize(("label_maps", "kind"), [("masks", "mask"), ("scribbles", "scribble")])
def test_a_brush_is_a_mask_or_as_the_options_say_a_scribble(read, label_maps, kind):
    value = {"format": "rle", "rle": encode_brush(AREA), "brushlabels": ["cat"]}
    (region,) = read(result("brushlabels", value), label_maps=label_maps).marks.regions
    assert (region.mask() == AREA).all()
    assert (region.class_id, region.kind) == (1, kind)


def test_a_bitmask_is_read_like_a_brush(read):
    buffer = io.BytesIO()
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(np.dstack([black, AREA * np.uint8(255)])).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    item = read(result("bitmasklabels", {"imageDataURL": url, "bitmasklabels": ["cat"]}))
    assert (item.marks.regions[0].mask() == AREA).all()


def vertex(id, x, y, before, **more):
    return {"id": id, "x": x, "y": y, "prevPointId": before, "isBezier": False} | more


@pytest.mark.parametrize(
    ("vertices", "lines"),
    [
        (
            [vertex("a", 0, 0, None), vertex("b", 1, 1, "a"), vertex("c", 2, 0, "b")],
            [((0, 0), (4, 2), (8, 0))],
        ),
        ([{"x": 0, "y": 0}, {"x": 1, "y": 1}], [((0, 0), (4, 2))]),
        (
            [vertex("a", 0, 0, None), vertex("b", 1, 1, "a"), vertex("c", 2, 0, "a")],
            [((0, 0), (4, 2)), ((0, 0), (8, 0))],
        ),
    ],
    ids=["line", "without names", "fork"],
)
def test_an_open_vector_is_a_line_through_its_points(read, vertices, lines):
    value = {"vertices": vertices, "closed": False, "vectorlabels": ["road"]}
    assert [stroke.path for stroke in read(result("vectorlabels", value)).marks.strokes] == lines


def test_a_closed_vector_is_an_area_and_its_curves_are_said(read):
    vertices = [
        vertex("a", 0, 0, None),
        vertex("b", 1, 1, "a", isBezier=True),
        vertex("c", 2, 0, "b"),
    ]
    value = {"vertices": vertices, "closed": True, "vectorlabels": ["road"]}
    item = read(result("vectorlabels", value))
    assert item.marks.polygons == (Polygon(1, (((0, 0), (4, 2), (8, 0)),)),)
    assert [finding.kind for finding in item.findings] == ["unsure"]


def test_choices_and_the_last_names_of_taxonomies_are_tags(read):
    classes = OpenClassList()
    item = read(
        {"id": "a", "type": "choices", "value": {"choices": ["sunny", "dry"]}},
        {"id": "b", "type": "taxonomy", "value": {"taxonomy": [["animal", "cat"], ["plant"]]}},
        classes=classes,
    )
    assert classes.names == ["background", "sunny", "dry", "cat", "plant"]
    assert item.marks == Marks(tags=frozenset({1, 2, 3, 4}))
    assert (item.size, item.findings) == (None, ())


@pytest.mark.parametrize("naming", ["labels", "choices"])
def test_a_region_without_labels_of_its_own_has_those_of_the_same_id(read, naming):
    place = {"x": 12.5, "y": 50, "width": 1}
    item = read(
        result("keypoint", place, "a"),
        result("keypoint", place, "b"),
        result(naming, place | {naming: ["dog"]}, "b"),
        result(naming, place | {naming: ["cat"]}, "a"),
    )
    assert item.marks == Marks(points=(Point(1, 50, 100), Point(2, 50, 100)))
    assert item.findings == ()


def test_labels_name_a_region_and_choices_about_it_are_no_tags(read):
    item = read(
        result("choices", {"choices": ["occluded"]}, "a"),
        result("rectangle", RECTANGLE, "a"),
        result("labels", {"labels": ["dog"]}, "a"),
    )
    assert item.marks == Marks(boxes=(Box(1, 100, 20, 299, 29),))
    (finding,) = item.findings
    assert finding.kind == "unread"
    assert "choices of regions" in finding.message


def test_a_region_with_several_labels_is_a_mark_of_each(read):
    item = read(result("rectanglelabels", RECTANGLE | {"rectanglelabels": ["cat", "dog"]}))
    assert [box.class_id for box in item.marks.boxes] == [1, 2]


def test_marks_of_void_and_of_classes_that_are_dropped_are_passed_on(read):
    item = read(
        result("rectanglelabels", RECTANGLE | {"rectanglelabels": ["void"]}, "a"),
        result("rectanglelabels", RECTANGLE | {"rectanglelabels": ["dog"]}, "b"),
        classes=OpenClassList(drop=["dog"]),
    )
    assert [polygon.class_id for polygon in item.marks.polygons] == [VOID]
    assert [box.class_id for box in item.marks.boxes] == [DROPPED]


@pytest.mark.parametrize(
    "nothing",
    [
        result("rectanglelabels", RECTANGLE | {"width": 0}),
        result("rectanglelabels", RECTANGLE | {"rectanglelabels": []}),
        result("rectangle", RECTANGLE),
        result("polygonlabels", {"points": [[1, 1], [2, 2]], "polygonlabels": ["cat"]}),
        result(
            "vectorlabels",
            {"vertices": [vertex("a", 1, 1, None)], "closed": True, "vectorlabels": ["cat"]},
        ),
        result("brushlabels", {"format": "rle", "rle": [], "brushlabels": ["cat"]}),
        result("brushlabels", {"rle": encode_brush(AREA & False), "brushlabels": ["cat"]}),
        result(
            "ellipselabels", {"x": 5, "y": 5, "radiusX": 0, "radiusY": 3, "ellipselabels": ["cat"]}
        ),
    ],
)
def test_marks_without_extent_or_label_are_left_out_and_said(read, nothing):
    item = read(nothing)
    assert item.marks == Marks()
    assert [finding.kind for finding in item.findings] == ["empty"]
    assert item.findings[0].entry == "task 7, result r1"


def test_results_that_are_not_used_are_said_once_for_an_image(read):
    item = read(
        {"id": "a", "type": "textarea", "value": {"text": ["hello"]}},
        {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right"},
        {"id": "b", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["name"]}},
        result(
            "keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["a"]}, "c", meta={"text": "?"}
        ),
    )
    (finding,) = item.findings
    assert (finding.kind, finding.entry) == ("unread", "task 7")
    for said in ("textarea", "relation", "labels of no region", "notes"):
        assert said in finding.message


def test_all_marks_of_an_image_that_was_turned_are_left_out_and_said(read):
    item = read(
        {"id": "a", "type": "choices", "value": {"choices": ["cat"]}},
        result("rectanglelabels", RECTANGLE, "b"),
        result("rectanglelabels", RECTANGLE, "c", image_rotation=90),
    )
    assert item.marks == Marks()
    (finding,) = item.findings
    assert finding.kind == "unread"
    assert "turned by 90 degrees" in finding.message


def annotation(name, time, **more):
    choices = {"id": "a", "type": "choices", "value": {"choices": [name]}}
    return {"id": name, "result": [choices], "created_at": "2020", "updated_at": time} | more


@pytest.mark.parametrize(
    ("annotations", "taken", "reason"),
    [
        ([annotation("a", "2024-01-02"), annotation("b", "2024-01-01")], "a", "the newest"),
        ([annotation("a", None), annotation("b", "2024-01-01")], "b", "the newest"),
        (
            [annotation("a", "2024-01-02"), annotation("b", "2024-01-01", ground_truth=True)],
            "b",
            "the ground truth",
        ),
        (
            [annotation("a", "2024-01-01"), annotation("b", "2025-01-01", was_cancelled=True)],
            "a",
            None,
        ),
    ],
)
def test_of_several_annotations_one_is_taken_and_said(read_tasks, annotations, taken, reason):
    classes = OpenClassList(("background", "a", "b"))
    (item,) = read_tasks(task(annotations=annotations), classes=classes)
    assert item.marks.tags == {classes.find(taken)}
    assert [finding.kind for finding in item.findings] == (["unsure"] if reason else [])
    assert reason is None or f"{reason} is taken, annotation {taken}" in item.findings[0].message


@pytest.mark.parametrize(
    "annotations",
    [[], [annotation("a", "2024", was_cancelled=True)], [annotation("a", "", result=[])]],
)
def test_a_task_without_usable_annotations_still_gives_its_image(read_tasks, annotations):
    (item,) = read_tasks(task(annotations=annotations))
    assert (item.name, item.marks) == ("a", Marks())


def test_predictions_are_no_annotations(read_tasks):
    prediction = {"result": [result("rectanglelabels", RECTANGLE)]}
    (item,) = read_tasks(task(annotations=[], predictions=[prediction]))
    assert item.marks == Marks()
    assert [finding.kind for finding in item.findings] == ["unread"]


@pytest.mark.parametrize(
    ("written", "name", "files"),
    [
        ("a.jpg", "a", ["a.jpg"]),
        ("cats/a.jpg", "cats/a", ["cats/a.jpg", "a.jpg"]),
        ("C:\\cats\\a.jpg", "cats/a", ["a.jpg"]),
        ("/data/upload/3/0a1b2c3d-my_a.jpg", "my_a", ["0a1b2c3d-my_a.jpg", "my_a.jpg"]),
        ("/data/upload/my_a.jpg", "my_a", ["my_a.jpg"]),
        ("http://localhost:8080/data/upload/3/0a1b2c3d-a.jpg", "a", ["a.jpg"]),
        ("/data/local-files/?d=cats/my%20a.jpg", "cats/my a", ["cats/my a.jpg", "my a.jpg"]),
        ("s3://bucket/cats/a%20b.jpg", "cats/a b", ["cats/a b.jpg", "a b.jpg"]),
        ("https://example.com/cats/a.jpg?size=3", "cats/a", ["a.jpg"]),
        ("http://[broken/a.jpg", "http:/[broken/a", ["a.jpg"]),
    ],
)
def test_the_image_is_found_by_what_the_user_called_it(read_tasks, tmp_path, written, name, files):
    for file in files:
        path = tmp_path / "pictures" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        (item,) = read_tasks(task(image=written), images=(tmp_path / "pictures",))
        assert (item.name, item.picture) == (name, path)
        path.unlink()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"image": "a", "url": "b.jpg"}, "a"),
        ({"text": "hello", "url": "https://example.com/b.jpg?x=1", "n": 3}, "b"),
        ({"photo": "b", "text": "hello"}, "b"),
        ({"photo": "b.jpg", "other": "c.jpg"}, "b"),
    ],
)
def test_the_image_among_a_tasks_data_is_named_image_or_by_the_marks_or_ends_like_one(
    read_tasks, data, name
):
    marked = result("keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["a"]}, to_name="photo")
    (item,) = read_tasks(task(marked, data=data))
    assert item.name == name


def test_uploads_of_one_name_keep_what_tells_them_apart(read_tasks, picture, tmp_path):
    for stored in ("0a1b2c3d-image.jpg", "ffffffff-image.jpg"):
        picture(tmp_path / stored)
    uploads = ("0a1b2c3d-image", "ffffffff-image", "0a1b2c3d-other")
    items = read_tasks(*(task(image=f"/data/upload/1/{name}.jpg") for name in uploads))
    assert [item.name for item in items] == ["0a1b2c3d-image", "ffffffff-image", "other"]
    found = [item.picture and item.picture.name for item in items]
    assert found == ["0a1b2c3d-image.jpg", "ffffffff-image.jpg", None]
    assert [len(item.findings) for item in items] == [1, 1, 0]
    assert "several uploads are called 'image.jpg'" in items[0].findings[0].message


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["cät, big (1).JPG"], "cät, big (1)"),
        (["cät, big (1).JPG", "cät big 1.JPG"], None),
        (["cät, big 1.JPG", "cät_big_1.JPG"], "cät_big_1"),
        (["big (1).JPG"], None),
    ],
)
def test_the_one_image_that_an_upload_renamed_is_taken(read_tasks, tmp_path, files, found):
    for file in files:
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / file, "JPEG")
    search = PictureSearch()
    (item,) = read_tasks(task(image="/data/upload/7/0a1b2c3d-c%C3%A4t_big_1.JPG"), search=search)
    assert (item.picture and item.picture.stem) == found
    assert item.name == (found or "cät_big_1")
    notes = [note.message for note in search.take_notes()]
    renamed = ["the image 'cät_big_1.JPG' is taken to be 'cät, big (1).JPG', renamed by the upload"]
    assert notes == (renamed if found == "cät, big (1)" else [])


def test_an_upload_that_shares_its_name_is_not_looked_for_under_it(read_tasks, picture, tmp_path):
    picture(tmp_path / "image.jpg")
    uploads = ("0a1b2c3d-image", "ffffffff-image")
    items = read_tasks(*(task(image=f"/data/upload/1/{name}.jpg") for name in uploads))
    assert [item.picture for item in items] == [None, None]


def test_a_task_of_a_list_of_images_gives_each_its_own_marks(read_tasks):
    results = [
        result("rectanglelabels", RECTANGLE | {"rectanglelabels": [name]}, name, item_index=place)
        for place, name in enumerate(("cat", "dog"))
    ]
    naming = {"id": "dog", "type": "choices", "value": {"choices": ["big"]}}
    lost = {"id": "c", "type": "choices", "value": {"choices": ["indoor"]}}
    wrong = result("rectanglelabels", RECTANGLE, "far", item_index=7)
    classes = OpenClassList()
    items = read_tasks(
        task(*results, naming, lost, wrong, image=["a.jpg", "b.jpg"]), classes=classes
    )
    assert [item.name for item in items] == ["a", "b"]
    assert [[classes.names[box.class_id] for box in item.marks.boxes] for item in items] == [
        ["cat"],
        ["dog"],
    ]
    assert not any(item.marks.tags for item in items)
    messages = [finding.message for item in items for finding in item.findings]
    assert any("tags of a task of several images" in message for message in messages)
    assert any("from 0 on, as item_index, but got 7; left out" in message for message in messages)


def test_a_task_of_images_of_several_names_gives_each_its_own_marks(read_tasks):
    items = read_tasks(
        task(
            result("rectanglelabels", RECTANGLE, "a", to_name="left"),
            result("keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["dog"]}, to_name="right"),
            data={"left": "l.jpg", "right": "r.jpg"},
        )
    )
    assert [(item.name, item.marks.kinds) for item in items] == [
        ("l", ("boxes",)),
        ("r", ("points",)),
    ]


def test_a_folder_of_exports_is_read_and_other_files_in_it_are_said(write, tmp_path):
    path = write(task(image="a.jpg"))
    path.with_name("more.json").write_text(path.read_text().replace("a.jpg", "b.jpg"))
    path.with_name("notes.json").write_text("{}")
    assert LABEL_STUDIO.recognises(tmp_path)
    items = list(LABEL_STUDIO.read(tmp_path, OpenClassList(), SourceOptions()))
    assert [item.name for item in items] == ["a", "b"]
    (finding,) = items[0].findings
    assert (finding.kind, finding.path) == ("unread", tmp_path / "notes.json")


@pytest.mark.parametrize("file", ["a+b.jpg", "a#1.jpg", "a b.jpg", "50%.jpg", "a?b.jpg", "é&c.jpg"])
@pytest.mark.parametrize("prefix", ["/data/local-files/?d=p/", "s3://bucket/p/", "p/"])
def test_what_is_written_for_label_studio_or_typed_by_hand_is_found_again(
    read_tasks, picture, tmp_path, prefix, file
):
    path = picture(tmp_path / "p" / file)
    exported = tmp_path / "out"
    labels = np.ones((20, 30), np.uint8)
    masks = [(path.stem, path, labels)]
    export_masks(masks, exported, ClassList(("background", "cat")), "label-studio", prefix=prefix)
    (written,) = json.loads((exported / "tasks.json").read_text())
    for image in (written["data"]["image"], f"{prefix}{file}"):
        (item,) = read_tasks(task(image=image))
        assert (item.name, item.picture) == (f"p/{path.stem}", path), image


def test_a_single_task_outside_a_list_is_read(tmp_path):
    path = tmp_path / "task.json"
    path.write_text(json.dumps(task(result("rectanglelabels", RECTANGLE))))
    (item,) = LABEL_STUDIO.read(path, OpenClassList(), SourceOptions())
    assert len(item.marks.boxes) == 1
    assert LABEL_STUDIO.recognises(path)


def test_tasks_are_read_one_by_one(write):
    items = LABEL_STUDIO.read(write(task(), {"id": 8}), OpenClassList(), SourceOptions())
    assert next(items).name == "a"
    with pytest.raises(DataError, match="task 8"):
        next(items)


MINIMAL = [
    {
        "image": "/data/upload/1/a.jpg",
        "id": 3,
        "label": [RECTANGLE | {"original_width": 9}],
        "annotator": 1,
        "annotation_id": 4,
        "lead_time": 2.5,
    }
]


def test_the_minimal_export_is_refused_with_the_name_of_the_right_one(tmp_path):
    path = tmp_path / "min.json"
    path.write_text(json.dumps(MINIMAL))
    assert LABEL_STUDIO.recognises(path)
    with pytest.raises(DataError, match=r'min.json, task 3: .*export as "JSON"'):
        list(LABEL_STUDIO.read(path, OpenClassList(), SourceOptions()))


@pytest.mark.parametrize(
    ("content", "is_export"),
    [
        ('[{"id": 1, "annotations": [{"id": 2, "result": [{"value": {"rle": [0', True),
        ('[{"id": 1, "annotations": [], "data": {"image"', True),
        ('{"info": {}, "images": [], "annotations": [{"id": 1, "bbox": [', False),
        ('{"info": {}, "categories": {}, "items": [{"id": "a", "annotations": [', False),
        ('[{"data": {"image": "a.jpg"}, "predictions": []}]', False),
        ("annotations", False),
    ],
)
def test_exports_are_known_by_their_first_keys(tmp_path, content, is_export):
    (tmp_path / "a.json").write_text(content)
    assert LABEL_STUDIO.recognises(tmp_path / "a.json") == is_export
    assert LABEL_STUDIO.recognises(tmp_path) == is_export
    assert not LABELME.recognises(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (result("rectanglelabels", RECTANGLE | {"x": None}), "expected a number as x"),
        (result("rectanglelabels", RECTANGLE | {"width": float("nan")}), "a number as width"),
        (result("rectanglelabels", RECTANGLE | {"x": 1.7e308, "width": 1.7e308}), "too far away"),
        (result("rectanglelabels", None), "expected an object as value"),
        (result("rectanglelabels", RECTANGLE | {"rectanglelabels": "cat"}), "expected a list"),
        (result("rectanglelabels", RECTANGLE | {"rectanglelabels": [3.5]}), "name of a class"),
        (result("rectanglelabels", RECTANGLE | {"rectanglelabels": [" "]}), "has no label"),
        (result("rectangle", RECTANGLE, image_rotation="x"), "number as image_rotation"),
        (
            result("rectanglelabels", RECTANGLE, original_width=9, original_height=9),
            r"of an image of \(H, W\) \(9, 9\) while most are of \(200, 400\)",
        ),
        (result("rectanglelabels", RECTANGLE, original_width=-3), "1 to 4000000000 pixels"),
        (result("rectanglelabels", RECTANGLE, original_height=None), "the image's height"),
        (result("polygonlabels", {"points": [[1]], "polygonlabels": ["a"]}), "x and y in points"),
        (result("vectorlabels", {"vertices": [3], "vectorlabels": ["a"]}), "object as a vertex"),
        (result("brushlabels", {"rle": [1, 2], "brushlabels": ["a"]}), "brush is damaged.*cut off"),
        (result("brushlabels", {"rle": ["x"], "brushlabels": ["a"]}), "expected bytes"),
        (result("brushlabels", {"rle": encode_brush(AREA[1:]), "brushlabels": ["a"]}), "4 values"),
        (result("brushlabels", {"format": "png", "brushlabels": ["a"]}), "of format 'rle'"),
        (result("taxonomy", {"taxonomy": ["cat"]}), "expected a list as taxonomy"),
    ],
)
def test_a_broken_result_is_left_out_and_named_and_the_others_read(
    read, says_left_out, broken, message
):
    item = read(result("rectanglelabels", RECTANGLE, "whole"), broken)
    says_left_out(item, message, "export.json, task 7, result r1")
    assert len(item.marks.boxes) == 1
    assert not item.marks.tags


def test_a_result_that_is_no_object_is_left_out(read_tasks, says_left_out):
    (item,) = read_tasks(task("x", result("rectanglelabels", RECTANGLE)))
    says_left_out(item, "expected an object as a result", "task 7, result 1")
    assert len(item.marks.boxes) == 1


def test_tags_of_a_region_that_is_left_out_are_no_tags_of_the_image(read):
    item = read(
        result("rectangle", RECTANGLE | {"x": None}, "a"),
        {"id": "a", "type": "choices", "value": {"choices": ["cat"]}},
    )
    assert item.marks == Marks()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (3, "expected an object as a task"),
        (task(annotations=3), "expected a list as annotations"),
        (task(annotations=[3]), "expected an object as an annotation"),
        (task(annotations=[{"result": None}]), "expected a list as result"),
        (task(data=None), "expected an object as data"),
        (task(data={}), "one image in data, but got 0"),
        (task(data={"video": "a.mp4"}), "is a task of video, and weakseg reads images"),
        (task(data={"a": "a.jpg", "b": "b.jpg"}), "one image in data, but got 2 among 'a', 'b'"),
        (task(image="data:image/png;base64,AAAA"), "one inside the file"),
        (task(image="https://example.com/"), "expected the path of an image"),
        (
            task(result("rectangle", RECTANGLE), result("rectangle", RECTANGLE, to_name="left")),
            "marks of one image, or .* but got marks of image, left",
        ),
    ],
)
def test_a_broken_task_is_refused_with_its_number(read_tasks, broken, message):
    with pytest.raises(DataError, match=message) as caught:
        read_tasks(broken)
    assert caught.value.entry.startswith(("task 7", "task 1"))


def test_a_damaged_brush_gives_an_area_or_an_error_that_names_the_result(read):
    whole = encode_brush(AREA)
    rng = random.Random(0)
    outcomes = set()
    for _ in range(200):
        rle = list(whole)
        rle[rng.randrange(len(rle))] = rng.randrange(256)
        rle = rle[: rng.choice([len(rle), rng.randrange(len(rle))])]
        item = read(result("brushlabels", {"rle": rle, "brushlabels": ["cat"]}))
        outcomes |= {finding.entry for finding in item.findings if finding.kind == "damaged"}
        outcomes.add("read" if item.marks.regions else "nothing")
    assert outcomes == {"read", "nothing", "task 7, result r1"}


def test_the_sample_is_read_as_it_was_marked(shared):
    path = shared / "formats" / "label_studio" / "export.json"
    assert LABEL_STUDIO.recognises(path)
    classes = OpenClassList()
    (item,) = LABEL_STUDIO.read(path, classes, SourceOptions())
    assert (item.name, item.size, item.findings) == ("test_image1", (320, 500), ())
    assert classes.names[1:] == [
        "rectangle_label",
        "polygon_label",
        "keypoint_label1",
        "keypoint_label2",
    ]
    assert item.marks.boxes == (Box(1, 159, 13, 191, 44),)
    assert [(point.class_id, round(point.x), round(point.y)) for point in item.marks.points] == [
        (3, 113, 102),
        (4, 89, 91),
    ]
    assert len(item.marks.polygons[0].rings[0]) == 3
