import pytest

from weakseg.marks.kinds import Point
from weakseg.marks.label_values import VOID
from weakseg.readers.detection import find_format

SQUARE = [[2, 2], [12, 2], [12, 12], [2, 12], [2, 2]]
HOLE = [[5, 5], [8, 5], [8, 8], [5, 8], [5, 5]]


def feature(kind, coordinates, name="Tumor", **more):
    properties = {"objectType": "annotation", "classification": {"name": name, "color": [1, 2, 3]}}
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "id": "x", "geometry": geometry, "properties": properties | more}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


@pytest.fixture
def read_one(read, write_json, tmp_path):
    """Read the only image of a file."""

    def read_it(tree):
        images, classes = read("qupath", write_json(tmp_path / "a.geojson", tree))
        return images["a"], classes

    return read_it


def test_every_geometry_becomes_its_mark(read_one, drawn, picture, tmp_path):
    picture(tmp_path / "a.jpg")
    image, classes = read_one(
        collection(
            feature("Polygon", [SQUARE, HOLE]),
            feature("MultiPolygon", [[SQUARE], [HOLE]], "Stroma"),
            feature("LineString", SQUARE[:3]),
            feature("MultiLineString", [SQUARE[:2], HOLE[:2]]),
            feature("Point", [3, 4]),
            feature("MultiPoint", [[5, 6, 0], [7, 8, 0]]),
        )
    )
    assert image.picture == tmp_path / "a.jpg"
    assert classes == ["background", "Tumor", "Stroma"]
    assert [len(polygon.rings) for polygon in image.marks.polygons] == [2, 1, 1]
    assert image.marks.polygons[0].rings[0] == tuple(map(tuple, SQUARE[:-1]))
    assert len(image.marks.strokes) == 3
    assert image.marks.points == (Point(1, 3, 4, 5), Point(1, 5, 6, 6), Point(1, 7, 8, 6))
    assert not image.findings


@pytest.mark.parametrize("tree", [[feature("Polygon", [SQUARE])], feature("Polygon", [SQUARE])])
def test_features_may_stand_in_a_list_or_alone(read_one, tree):
    image, _ = read_one(tree)
    assert len(image.marks.polygons) == 1


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ({"names": ["Tumor", "CD8"]}, "Tumor: CD8"),
        ("Tumor", "Tumor"),
    ],
)
def test_classifications_are_read_as_each_version_writes_them(read_one, stated, name):
    _, classes = read_one(collection(feature("Polygon", [SQUARE], classification=stated)))
    assert classes[1] == name


def test_the_class_of_what_is_to_be_ignored_is_void(read_one):
    image, classes = read_one(collection(feature("Polygon", [SQUARE], classification="Ignore*")))
    assert classes == ["background"]
    assert [polygon.class_id for polygon in image.marks.polygons] == [VOID]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (feature("Polygon", [SQUARE], classification=None), "has no label"),
        (feature("Polygon", []), "expected a ring of places"),
        (feature("Polygon", [[[1, "x"], [2, 2], [3, 3]]]), "expected a number as y"),
        (feature("Point", None), "expected x and y"),
    ],
)
def test_damaged_features_are_left_out_and_named(read_one, says_left_out, wrong, says):
    image, _ = read_one(collection(feature("Point", [3, 4]), wrong))
    says_left_out(image, says, "feature 2")
    assert len(image.marks.points) == 1


def test_a_folder_of_files_is_read(read, write_json, tmp_path):
    for name in "ab":
        write_json(tmp_path / f"{name}.geojson", collection(feature("Point", [3, 4])))
    assert find_format(tmp_path).name == "qupath"
    images, _ = read("qupath", tmp_path)
    assert list(images) == ["a", "b"]
