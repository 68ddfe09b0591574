import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from weakseg.marks.kinds import Box, Point
from weakseg.readers.detection import find_format


def thing(kind, exterior=None, interior=(), name="cat", **more):
    points = {} if exterior is None else {"points": {"exterior": exterior, "interior": [*interior]}}
    return {"id": 1, "geometryType": kind, "classTitle": name, "tags": []} | points | more


def annotation(*objects, tags=()):
    size = {"height": 20, "width": 30}
    return {"description": "", "tags": list(tags), "size": size, "objects": list(objects)}


def packed(mask):
    out = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(out, "PNG")
    return base64.b64encode(zlib.compress(out.getvalue())).decode()


@pytest.fixture
def read_one(read, write_json, tmp_path):
    """Read the only image of a project."""

    def read_it(tree):
        write_json(tmp_path / "ds0" / "ann" / "a.jpg.json", tree)
        images, classes = read("supervisely", tmp_path)
        return images["a"], classes

    return read_it


def test_every_geometry_becomes_its_mark(read_one, write_json, picture, drawn, tmp_path):
    path = picture(tmp_path / "ds0" / "img" / "a.jpg")
    titles = [{"title": name, "shape": "any", "color": "#FF0000"} for name in ("dog", "cat")]
    write_json(tmp_path / "meta.json", {"classes": titles, "tags": []})
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    image, classes = read_one(
        annotation(
            thing("rectangle", [[1, 2], [3, 5]]),
            thing("rectangle", [[1.5, 2.0], [3.5, 5.0]]),
            thing("polygon", [[10, 2], [20, 2], [20, 12], [10, 12]], [[[13, 5], [16, 5], [16, 8]]]),
            thing("bitmap", bitmap={"origin": [3, 4], "data": packed(mask)}, name="dog"),
            thing("line", [[1, 1], [5, 1]]),
            thing("point", [[7, 8]]),
            thing("graph", nodes={"n": {"loc": [1, 2]}, "m": {"loc": [3, 4], "disabled": True}}),
            tags=[{"name": "indoor", "value": None}, {"name": "val", "value": None}],
        )
    )
    assert classes == ["background", "dog", "cat", "indoor"]
    assert image.marks.boxes[0] == Box(2, 1, 2, 3, 5, 1)  # both corners are pixels of it
    assert image.marks.boxes[1] == Box(2, 1, 2, 3, 4, 2)
    assert len(image.marks.polygons[0].rings) == 2
    assert image.marks.polygons[0].rings[0][0] == (10.5, 2.5)
    (region,) = image.marks.regions
    assert (region.x, region.y, region.mask().tolist()) == (3, 4, mask.tolist())
    assert image.marks.points == (Point(2, 7.5, 8.5, 6), Point(2, 1, 2, 7))
    assert image.marks.strokes[0].path == ((1.5, 1.5), (5.5, 1.5))
    assert image.marks.tags == {3}
    assert (image.split, image.size, image.picture) == ("val", (20, 30), path)
    assert not image.findings


def test_datasets_of_a_project_keep_their_images_apart(read, write_json, tmp_path):
    for name in ("train", "more"):
        write_json(tmp_path / name / "ann" / "a.jpg.json", annotation(thing("point", [[7, 8]])))
    assert find_format(tmp_path).name == "supervisely"
    images, _ = read("supervisely", tmp_path)
    assert {name: image.split for name, image in images.items()} == {
        "train/a": "train",
        "more/a": None,
    }


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (thing("rectangle", [[1, 2]]), "expected two corners, but got 1"),
        (thing("polygon", [[1, "x"]]), "expected a number as y"),
        (thing("bitmap", bitmap={"origin": [1, 1], "data": "AAAA"}), "the bitmap is damaged"),
        (
            thing("bitmap", bitmap={"origin": [0, 0], "data": packed(np.ones((30, 30), bool))}),
            "larger than the image",
        ),
        (thing("point", [[1, 2]], name=""), "has no label"),
        ("x", "has no label"),
    ],
)
def test_damaged_objects_are_left_out_and_named(read_one, says_left_out, wrong, says):
    image, _ = read_one(annotation(wrong, thing("point", [[7, 8]])))
    says_left_out(image, says, "object 1")
    assert len(image.marks.points) == 1


def test_a_bitmap_that_unpacks_to_gigabytes_is_left_out(read_one, says_left_out):
    bomb = base64.b64encode(zlib.compress(bytes(1 << 29), 9)).decode()
    image, _ = read_one(annotation(thing("bitmap", bitmap={"origin": [0, 0], "data": bomb})))
    says_left_out(image, "at most 268435456 bytes", "object 1")
