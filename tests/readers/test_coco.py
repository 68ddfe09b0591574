import json
import math
import re

import numpy as np
import pytest

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.drawing import pasted
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region
from weakseg.marks.label_values import VOID
from weakseg.marks.rasterize import rasterize
from weakseg.readers.coco import COCO
from weakseg.support.errors import DataError

SQUARE = [2, 3, 6, 3, 6, 8, 2, 8]


def coco(annotations=(), *, images=None, categories=None, **more):
    if images is None:
        images = [{"id": 7, "file_name": "a.jpg", "height": 20, "width": 30}]
    if categories is None:
        categories = [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}]
    annotations = [
        {"id": 100 + number, "image_id": 7, "category_id": 1, **one}
        for number, one in enumerate(annotations)
    ]
    return {"images": images, "annotations": annotations, "categories": categories, **more}


@pytest.fixture
def read_one(read, write_json, tmp_path):
    """Write a file of one image and read that image."""

    def read_it(tree, name="mine.json"):
        images, classes = read("coco", write_json(tmp_path / name, tree))
        return images["a"], classes

    return read_it


def test_boxes_and_polygons_come_with_their_class_and_number(read_one):
    image, classes = read_one(
        coco(
            [
                {"bbox": [2.5, 3, 4, 5], "category_id": 3},
                {"bbox": [2, 3, 4, 5], "segmentation": [SQUARE, [0, 0, 1, 0, 1, 1]]},
            ]
        )
    )
    assert classes == ["background", "dog", "cat"]  # in the order of the file
    assert image.marks.boxes == (Box(1, 2, 3, 6, 7, 1), Box(2, 2, 3, 5, 7, 2))
    square = ((2.0, 3.0), (6.0, 3.0), (6.0, 8.0), (2.0, 8.0))
    assert image.marks.polygons[0].rings == (square,)
    assert {polygon.instance for polygon in image.marks.polygons} == {2}
    assert image.size == (20, 30)
    assert image.findings == ()


def test_marks_agree_with_what_datumaro_reads_of_the_whole_file(shared, read, tmp_path):
    datumaro = pytest.importorskip("datumaro")
    sample = shared / "formats" / "coco" / "instances_train.json"
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / sample.name).write_bytes(sample.read_bytes())
    (item,) = datumaro.Dataset.import_from(str(tmp_path), "coco")
    (annotation,) = item.annotations
    images, classes = read("coco", sample)
    (box,) = images[item.id].marks.boxes
    x, y, width, height = annotation.get_bbox()
    assert (box.xmin, box.ymin, box.xmax, box.ymax) == (x, y, x + width - 1, y + height - 1)
    assert images[item.id].split == item.subset == "train"
    assert classes[box.class_id] == "b"


def test_marks_agree_with_datumaro_on_shapes_of_every_kind(read_one, tmp_path):
    base = pytest.importorskip("datumaro.plugins.data_formats.coco.base")
    mask_utils = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    annotations = []
    for number in range(30):
        x, y, width, height = np.round(rng.uniform(0.5, 9, 4), 2).tolist()
        rings = [np.round(rng.uniform(0, 20, 8), 2).tolist() for _ in range(1 + number % 2)]
        painted = np.asfortranarray(rng.random((20, 30)) < 0.3, np.uint8)
        packed = {"size": [20, 30], "counts": mask_utils.encode(painted)["counts"].decode()}
        annotations.append(
            {
                "id": number + 1,
                "category_id": 1 + 2 * (number % 2),
                "bbox": [x, y, width, height],
                "iscrowd": 0,
                "segmentation": packed if number % 3 == 0 else rings,
                "keypoints": [x, y, 2, 0, 0, 0, y, x, 1],
            }
        )
    tree = coco(annotations)
    for category in tree["categories"]:
        category |= {"keypoints": [], "skeleton": []}
    image, classes = read_one(tree, "annotations/mine.json")
    (tmp_path / "images").mkdir()
    (item,) = base.CocoPersonKeypointsBase(str(tmp_path / "annotations" / "mine.json"))
    of_kind = {}
    for annotation in sorted(item.annotations, key=lambda one: one.id):
        of_kind.setdefault(annotation.type.name, []).append(annotation)
    edges = [[b.xmin, b.ymin, b.xmax + 1, b.ymax + 1] for b in image.marks.boxes]
    for ours, theirs in zip(edges, of_kind["bbox"], strict=True):
        left, top, right, bottom = np.round(theirs.points, 2)
        assert ours == [np.floor(left), np.floor(top), np.ceil(right), np.ceil(bottom)]
    rings = [(one.instance, np.ravel(one.rings)) for one in image.marks.polygons]
    for (number, ours), theirs in zip(rings, of_kind["polygon"], strict=True):
        assert number == theirs.id
        assert ours == pytest.approx(theirs.points, abs=0.006)
    masks = [pasted((20, 30), region).canvas((20, 30)) for region in image.marks.regions]
    for ours, theirs in zip(masks, of_kind["mask"], strict=True):
        assert (ours == theirs.image).all()
    points = [(point.x, point.y) for point in image.marks.points]
    seen = [
        place
        for one in of_kind["points"]
        for place, seen in zip(np.reshape(one.points, (-1, 2)), one.visibility, strict=True)
        if seen.value
    ]
    assert np.allclose(points, seen, atol=0.006)
    labels = [["cat", "dog"].index(classes[box.class_id]) for box in image.marks.boxes]
    assert labels == [one.label for one in of_kind["bbox"]]


def test_rings_of_an_annotation_are_joined_as_pycocotools_joins_them(read_one):
    mask_utils = pytest.importorskip("pycocotools.mask")
    rings = [[2, 3, 12, 3, 12, 9, 2, 9], [8, 5, 20, 5, 20, 15, 8, 15], [4, 4, 6, 4, 6, 6, 4, 6]]
    image, classes = read_one(coco([{"segmentation": rings}]))
    theirs = mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects(rings, 20, 30)))
    ours = rasterize(image.marks, (20, 30), ClassList(tuple(classes)))
    assert ((ours == classes.index("cat")) == theirs).all()


def test_masks_are_read_from_run_lengths_in_either_form(read_one):
    mask_utils = pytest.importorskip("pycocotools.mask")
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9, 4:20] = mask[12, 29] = 1
    packed = mask_utils.encode(np.asfortranarray(mask))
    counts = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel(order="F"), [2]])))
    runs = np.diff(counts, prepend=0).tolist()
    image, _ = read_one(
        coco(
            [
                {"segmentation": {"size": [20, 30], "counts": packed["counts"].decode()}},
                {"segmentation": {"size": [20, 30], "counts": runs}},
            ]
        )
    )
    for region in image.marks.regions:
        painted = np.zeros((20, 30), bool)
        rows = slice(region.y, region.y + region.height)
        painted[rows, region.x : region.x + region.width] = region.mask()
        assert (painted == mask).all()
    assert len(image.marks.regions) == 2


CROWDS = [
    {
        "segmentation": {"size": [20, 30], "counts": [20, 40, 540]},
        "iscrowd": 1,
        "bbox": [1, 0, 2, 20],
    },
    {"bbox": [2, 3, 4, 5], "iscrowd": 1},
]
PUBLISHED = {"description": "COCO 2017 Dataset", "url": "http://cocodataset.org"}


@pytest.mark.parametrize(
    ("changes", "name", "options"),
    [
        ({"info": PUBLISHED}, "mine.json", {}),
        ({}, "instances_val2017.json", {}),
        ({}, "mine.json", {"crowd": "void"}),
        ({"id": 900_100_000_001}, "mine.json", {}),
    ],
)
def test_crowds_are_void_in_published_files_or_where_the_user_says_so(
    read, write_json, tmp_path, changes, name, options
):
    number = changes.get("id", 1)
    tree = coco([{**one, "id": number + place} for place, one in enumerate(CROWDS)], **changes)
    images, _ = read("coco", write_json(tmp_path / name, tree), **options)
    image = images["a"]
    assert not image.findings
    assert image.marks.regions == (Region(VOID, 20, 2, (0, 40), 1, 0, instance=1),)
    assert [polygon.class_id for polygon in image.marks.polygons] == [VOID]
    assert image.marks.boxes == ()


def test_brush_masks_that_cvat_marks_as_crowds_are_masks(read_one):
    empty = {"contributor": "", "date_created": "", "description": "", "url": ""}
    brush = {"segmentation": {"size": [20, 30], "counts": [20, 40, 540]}, "iscrowd": 1}
    image, classes = read_one(coco([brush], info=empty))
    assert [classes[region.class_id] for region in image.marks.regions] == ["cat"]
    assert [finding.kind for finding in image.findings] == ["unsure"]


def test_crowds_of_other_files_are_objects_and_said(read_one):
    outline = {"segmentation": [[1, 1, 9, 1, 9, 9]], "iscrowd": 0}
    image, classes = read_one(coco([*CROWDS, outline]))
    assert [classes[region.class_id] for region in image.marks.regions] == ["cat"]
    assert [classes[box.class_id] for box in image.marks.boxes] == ["cat", "cat"]
    (finding,) = image.findings
    assert "2 annotations are marked as crowds" in finding.message
    assert "--crowd void" in finding.message


def test_an_object_with_a_hole_as_supervision_writes_it_is_an_object(read_one):
    # supervision 0.31: run lengths as lists with iscrowd 1, beside polygons with iscrowd 0.
    mask = np.zeros((20, 30), bool)
    mask[2:12, 3:18] = True
    mask[5:8, 6:10] = False
    changes = np.flatnonzero(np.diff(mask.T.ravel())) + 1
    counts = np.diff([0, *changes, mask.size]).tolist()
    ring = {"segmentation": {"size": [20, 30], "counts": counts}, "iscrowd": 1}
    image, classes = read_one(coco([ring, {"segmentation": [[1, 1, 9, 1, 9, 9]], "iscrowd": 0}]))
    (region,) = image.marks.regions
    assert classes[region.class_id] == "cat"
    assert region.mask().sum() == mask.sum()


@pytest.mark.parametrize("others", [{"segmentation": [[1, 1, 9, 1, 9, 9]]}, {}])
def test_a_box_without_outline_beside_outlines_is_said_to_be_one(read_one, others):
    line = {"segmentation": [], "bbox": [1, 1, 5, 5], "area": 25.0}
    image, _ = read_one(coco([line, {"bbox": [1, 1, 5, 5], **others}]))
    assert len(image.marks.boxes) == 2
    said = [finding.message for finding in image.findings]
    assert any("1 annotation has a box and no outline" in text for text in said) == bool(others)


def test_key_points_that_are_absent_are_no_points(read_one):
    image, _ = read_one(
        coco(
            [
                {
                    "keypoints": [3, 4, 2, 0, 0, 0, 5, 6, 1],
                    "num_keypoints": 2,
                    "bbox": [1, 1, 9, 9],
                },
                {"bbox": [1, 1, 2, 2]},
            ]
        )
    )
    assert image.marks.points == (Point(2, 3, 4, 1), Point(2, 5, 6, 1))
    assert len(image.marks.boxes) == 2


def test_annotations_without_any_shape_are_tags(read_one):
    image, classes = read_one(coco([{"category_id": 3}]))
    assert {classes[tag] for tag in image.marks.tags} == {"dog"}


def test_a_category_with_id_0_is_a_class_like_any_other(read_one):
    tree = coco([{"bbox": [1, 1, 2, 2], "category_id": 0}], categories=[{"id": 0, "name": "cow"}])
    image, classes = read_one(tree)
    assert classes[image.marks.boxes[0].class_id] == "cow"


def test_two_categories_may_have_one_name(read_one):
    categories = [{"id": 1, "name": "cow"}, {"id": 2, "name": "cow"}]
    boxes = [{"bbox": [1, 1, 2, 2], "category_id": number} for number in (1, 2)]
    image, classes = read_one(coco(boxes, categories=categories))
    assert classes == ["background", "cow"]
    assert [box.class_id for box in image.marks.boxes] == [1, 1]


def test_a_turned_box_of_cvat_becomes_the_upright_box_around_it(read_one):
    turned = {"bbox": [5, 5, 10, 2], "attributes": {"rotation": 90.0, "occluded": False}}
    image, _ = read_one(coco([turned]))
    assert image.marks.boxes == (Box(2, 9, 1, 10, 10, 1),)
    assert [finding.kind for finding in image.findings] == ["unsure"]


def test_later_marks_stay_later(read_one):
    image, _ = read_one(
        coco([{"segmentation": [SQUARE], "category_id": 3}, {"segmentation": [SQUARE]}])
    )
    assert [polygon.instance for polygon in image.marks.polygons] == [1, 2]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ({"image_id": 99, "bbox": [1, 1, 2, 2]}, "missing"),
        ({"category_id": 99, "bbox": [1, 1, 2, 2]}, "unknown"),
        ({"bbox": [1, 1, 0, 5]}, "empty"),
        ({"bbox": []}, "empty"),
        ({"segmentation": [[1, 1, 2, 2]]}, "empty"),
        ({"segmentation": {"size": [20, 30], "counts": [600]}}, "empty"),
        ({"segmentation": [[]]}, "empty"),
        ({"bbox": [5, 5, -3, 5]}, "empty"),
    ],
)
def test_what_gives_no_mark_is_found(read_one, annotation, kind):
    image, _ = read_one(coco([{"bbox": [1, 1, 2, 2]}, annotation]))
    assert [finding.kind for finding in image.findings] == [kind]
    assert image.marks.boxes == (Box(2, 1, 1, 2, 2, 1),)


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        ({"bbox": [1, 1, math.nan, 2]}, "annotation 1: expected finite numbers"),
        ({"bbox": [1, 1, 2]}, "annotation 1"),
        ({"bbox": "1 1 2 2"}, "annotation 1: expected a list of numbers in 'bbox'"),
        ({"segmentation": [[1, 1, 2, 2, 3, 3, 4]]}, "annotation 1"),
        ({"segmentation": [[1, 1, "x", 2, 3, 3]]}, "expected numbers in 'segmentation'"),
        ({"segmentation": {"size": [20, 30], "counts": [599]}}, "got 599 pixels"),
        ({"segmentation": {"size": [20, 30], "counts": [20, 581]}}, "got 601 pixels"),
        ({"segmentation": {"size": [20, 30], "counts": [-1, 601]}}, "got -1"),
        ({"segmentation": {"size": [20, 30], "counts": "\x7f\x7f"}}, "run lengths"),
        ({"segmentation": {"size": [10**6, 10**6], "counts": [10**12]}}, "one 1000000 wide"),
        ({"segmentation": {"size": [30, 20], "counts": [600]}}, "while its image is (20, 30)"),
        ({"keypoints": [1, 2]}, "annotation 1"),
        ({"keypoints": [1, 2, 7]}, "0, 1 or 2 as a key point's visibility, but got 7"),
        ({"image_id": [7]}, "'image_id'"),
        ({"category_id": None}, "'category_id'"),
    ],
)
def test_damaged_annotations_are_left_out_and_named_and_the_others_read(
    read_one, says_left_out, annotation, says
):
    image, _ = read_one(coco([{"bbox": [1, 1, 2, 2], **annotation}, {"bbox": [1, 1, 2, 2]}]))
    says_left_out(image, re.escape(says), "mine.json, annotation 1")
    assert image.marks == Marks(boxes=(Box(2, 1, 1, 2, 2, 2),))


def test_ids_may_be_written_with_a_point(read_one):
    images = [{"id": 7.0, "file_name": "a.jpg", "width": 30, "height": 20}]
    image, _ = read_one(coco([{"bbox": [1, 1, 2, 2], "image_id": 7.0}], images=images))
    assert len(image.marks.boxes) == 1
    assert not image.findings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"images": []}, "holds no image"),
        ({"images": [{"id": 7}]}, "'file_name'"),
        ({"images": [{"id": 7, "file_name": "a.jpg"}] * 2}, "the id 7 is given twice"),
        (
            {"images": [{"id": 7, "file_name": f"{name}.jpg"} for name in "ab"]},
            "image 2: the id 7 is given twice",
        ),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "category 2: the id 1"),
        ({"images": [{"id": 7, "file_name": "a.jpg", "height": -4, "width": 3}]}, "3 wide and -4"),
        ({"images": {}}, "expected a list as 'images'"),
        ({"categories": [{"id": 1}]}, "'name'"),
    ],
)
def test_damaged_files_are_errors_that_say_where(read_one, change, says):
    with pytest.raises(DataError, match=r"mine\.json") as caught:
        read_one(coco() | change)
    assert says in str(caught.value)


def test_a_folder_gives_the_images_of_all_its_splits(read, write_json, picture, tmp_path):
    for split, name in (("train2017", "a"), ("val2017", "b")):
        tree = coco([{"bbox": [1, 1, 2, 2]}], images=[{"id": 7, "file_name": f"{name}.jpg"}])
        write_json(tmp_path / "annotations" / f"instances_{split}.json", tree)
        picture(tmp_path / split / f"{name}.jpg")
    captions = {"images": [], "annotations": [{"caption": "a cat"}]}
    write_json(tmp_path / "annotations" / "captions_val2017.json", captions)
    images, _ = read("coco", tmp_path)
    assert {name: image.split for name, image in images.items()} == {"a": "train", "b": "val"}
    assert images["a"].picture == tmp_path / "train2017" / "a.jpg"


def test_cvats_default_split_is_none_and_its_images_are_found(read, write_json, picture, tmp_path):
    write_json(tmp_path / "annotations" / "instances_default.json", coco())
    place = picture(tmp_path / "images" / "default" / "a.jpg")
    images, _ = read("coco", tmp_path)
    assert (images["a"].picture, images["a"].split) == (place, None)


def test_files_of_another_task_in_a_folder_are_named_not_mixed_in(read, write_json, tmp_path):
    for task in ("instances", "person_keypoints"):
        write_json(tmp_path / f"{task}_train.json", coco([{"bbox": [1, 1, 2, 2]}]))
    images, _ = read("coco", tmp_path)
    assert len(images["a"].marks.boxes) == 1
    (finding,) = images["a"].findings
    assert finding.kind == "unread"
    assert "person_keypoints_train.json" in finding.message


def test_panoptic_masks_give_regions_and_void_between_them(read, write_json, picture, tmp_path):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:10, :, 0] = 5  # a segment's number is R + 256 G + 65536 B
    colours[10:15, :, 1] = 1
    picture(tmp_path / "annotations" / "panoptic_val" / "a.png", colours)
    segments = [
        {"id": 5, "category_id": 1, "iscrowd": 0},
        {"id": 256, "category_id": 3, "iscrowd": 1},
    ]
    tree = coco([{"file_name": "a.png", "segments_info": segments}])
    path = write_json(tmp_path / "annotations" / "panoptic_val.json", tree)
    images, classes = read("coco", path)
    by_class = {region.class_id: region for region in images["a"].marks.regions}
    assert by_class[classes.index("cat")] == Region(2, 10, 30, (0, 300), 0, 0, instance=5)
    void = [
        (region.y, region.height) for region in images["a"].marks.regions if region.class_id == VOID
    ]
    assert void == [(10, 5), (15, 5)]


def test_a_panoptic_mask_that_is_not_there_is_found(read, write_json, tmp_path):
    tree = coco([{"file_name": "a.png", "segments_info": []}])
    images, _ = read("coco", write_json(tmp_path / "panoptic_val.json", tree))
    assert [finding.kind for finding in images["a"].findings] == ["missing"]
    assert images["a"].marks.is_empty


def test_a_file_is_recognised_whatever_section_it_begins_with(tmp_path, write_json):
    large = coco([{"bbox": [1, 1, 2, 2]}] * 5000)
    for first in ("annotations", "images", "categories"):
        path = write_json(tmp_path / "x.json", {first: large[first], **large})
        assert COCO.recognises(path)
    assert not COCO.recognises(write_json(tmp_path / "x.json", {"images": [], "annotations": []}))
    assert not COCO.recognises(write_json(tmp_path / "x.json", [large]))


def test_images_are_found_in_the_folders_that_are_given(read, write_json, picture, tmp_path):
    place = picture(tmp_path / "elsewhere" / "a.jpg")
    path = write_json(tmp_path / "files" / "mine.json", coco())
    images, _ = read("coco", path, images=(place.parent,))
    assert images["a"].picture == place
    assert images["a"].marks.is_empty


def test_coordinates_keep_all_their_digits(read_one):
    image, _ = read_one(coco([{"segmentation": [[1.104, 2.5, 3.25, 4.1, 0.1, 9.994]]}]))
    ring = ((1.104, 2.5), (3.25, 4.1), (0.1, 9.994))
    assert image.marks.polygons == (Polygon(2, (ring,), 1),)


def test_numbers_that_are_infinite_are_left_out(read, says_left_out, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(coco([{"bbox": [1, 1, 2, 2]}])).replace("[1, 1,", "[1, 1e400,"))
    images, _ = read("coco", path)
    says_left_out(images["a"], "annotation 1: expected finite numbers")
    assert images["a"].marks.is_empty


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("first", ["annotations", "categories", "info"])
def test_files_are_read_however_they_are_written(tmp_path, encoding, indent, first):
    tree = coco(
        [
            {"bbox": [1, 1, 2, 2], "caption": '"annotations": [{"id": 1}, ☃😀', "attributes": None},
            {"segmentation": [SQUARE], "image_id": 8, "bbox": None, "keypoints": None},
            {"bbox": [3, 3, 2, 2]},
        ],
        images=[{"id": 8, "file_name": "é.jpg"}, {"id": 7, "file_name": "a.jpg"}],
        info={"annotations": [], "images": "]}"},
    )
    path = tmp_path / "mine.json"
    text = json.dumps({first: tree[first], **tree}, indent=indent, ensure_ascii=False)
    path.write_text(text, encoding=encoding)
    classes = OpenClassList()
    other, image = COCO.read(path, classes, SourceOptions())
    assert (other.name, image.name) == ("é", "a")
    assert [box.instance for box in image.marks.boxes] == [1, 3]
    assert [polygon.instance for polygon in other.marks.polygons] == [2]
    assert classes.names == ["background", "dog", "cat"]
    assert image.findings == other.findings == ()


def test_a_fault_at_the_end_of_a_file_is_found_before_its_first_image(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(coco([{"bbox": [1, 1, 2, 2]}]))[:-1])
    with pytest.raises(DataError, match=r"mine\.json: is damaged or no JSON .*line 1 column"):
        next(COCO.read(path, OpenClassList(), SourceOptions()))


def test_each_image_gets_its_own_annotations(read, write_json, tmp_path):
    images = [{"id": number, "file_name": f"{number}.jpg"} for number in range(50)]
    tree = coco([{"bbox": [1, 1, 2, 2], "image_id": number} for number in range(50)], images=images)
    found, _ = read("coco", write_json(tmp_path / "x.json", tree))
    assert [image.marks.boxes[0].instance for image in found.values()] == [*range(1, 51)]


EMPTY = {"contributor": "", "date_created": "", "description": "", "url": ""}


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"contributor": "Label Studio", "version": "1.0"}, 'Label Studio: .* import "JSON"'),
        (EMPTY, 'CVAT: .* import "CVAT for images 1.1"'),
        ({"contributor": "me"}, None),
    ],
)
def test_exports_that_lose_the_rotation_of_boxes_are_said(read_one, info, says):
    image, _ = read_one(coco([{"bbox": [1, 1, 5, 5]}], info=info))
    assert [bool(re.search(says or "", item.message)) for item in image.findings] == (
        [True] if says else []
    )


GROUP = {"id": 0, "name": "pets", "supercategory": "none"}
PETS = [
    {"id": number, "name": name, "supercategory": "pets"} for number, name in ((1, "a"), (2, "b"))
]


def test_the_group_that_roboflow_writes_is_no_class(read_one):
    image, classes = read_one(coco([{"bbox": [1, 1, 5, 5]}], categories=[GROUP, *PETS]))
    assert classes == ["background", "a", "b"]
    assert image.marks.boxes[0].class_id == 1
    (found,) = image.findings
    assert "category 0: 'pets' is the group of all other categories" in str(found)


@pytest.mark.parametrize(
    "categories",
    [
        [GROUP],
        [GROUP, {**PETS[0], "supercategory": "none"}],
        [{**GROUP, "supercategory": "animals"}, *PETS],
    ],
)
def test_categories_that_may_be_classes_are_kept(read_one, categories):
    _, classes = read_one(coco([{"bbox": [1, 1, 5, 5], "category_id": 1}], categories=categories))
    assert "pets" in classes


def test_the_group_may_have_another_name_than_what_the_others_belong_to(read_one):
    categories = [GROUP, *({**pet, "supercategory": "animals"} for pet in PETS)]
    _, classes = read_one(coco([{"bbox": [1, 1, 5, 5]}], categories=categories))
    assert classes == ["background", "a", "b"]


def test_a_group_with_annotations_is_a_class(read_one):
    tree = coco([{"bbox": [1, 1, 5, 5], "category_id": 0}], categories=[GROUP, *PETS])
    image, classes = read_one(tree)
    assert classes == ["background", "pets", "a", "b"]
    assert image.findings == ()


def test_an_address_names_the_image_where_there_is_no_file_name(
    read, write_json, picture, tmp_path
):
    url = "http://images.cocodataset.org/val2017/000000000139.jpg"
    images = [{"id": 7, "coco_url": url, "height": 20, "width": 30}]
    file = picture(tmp_path / "val2017" / "000000000139.jpg")
    tree = coco([{"bbox": [1, 1, 5, 5]}], images=images)
    found, _ = read("coco", write_json(tmp_path / "lvis.json", tree))
    assert [item.picture for item in found.values()] == [file]
    images[0]["coco_url"] = 5
    with pytest.raises(DataError, match="image 7: expected a text as 'file_name'"):
        read("coco", write_json(tmp_path / "lvis.json", tree))


def test_segments_that_are_not_listed_are_void_and_said(read, write_json, picture, tmp_path):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:5, :, 0], colours[5:10, :, 0] = 7, 9  # the rest is black, which is no segment
    picture(tmp_path / "annotations" / "panoptic_val" / "a.png", colours)
    picture(tmp_path / "a.jpg")
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 30, "height": 20}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {
                "image_id": 1,
                "file_name": "a.png",
                "segments_info": [{"id": 7, "category_id": 1}],
            }
        ],
    }
    images, _ = read("coco", write_json(tmp_path / "annotations" / "panoptic_val.json", tree))
    messages = [finding.message for finding in images["a"].findings]
    assert "1 segment of its mask is not in 'segments_info' (the first: 9); void" in messages
