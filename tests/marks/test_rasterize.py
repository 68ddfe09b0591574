import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from skimage.measure import points_in_poly

from weakseg.marks import drawing
from weakseg.marks.classes import ClassList
from weakseg.marks.drawing import extents_of, filled, filled_areas
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke
from weakseg.marks.label_maps import read_label_map, write_label_map
from weakseg.marks.rasterize import DrawingRules, dilate, draw_marks, rasterize, tags_of
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))

finite = st.floats(-1e30, 1e30)
near = st.floats(-5, 40).map(lambda value: round(value, 2))


def square(class_id, x, y, side):
    return Polygon(class_id, (((x, y), (x + side, y), (x + side, y + side), (x, y + side)),))


def draw(marks, size=(40, 50), image="image", **rules):
    return rasterize(marks, size, CLASSES, DrawingRules(**rules), image=image)


def test_a_disc_of_radius_six_has_the_pixels_within_six_of_its_centre():
    labels = draw(Marks(points=(Point(1, x=20, y=15),)))
    y, x = np.mgrid[:40, :50]
    assert ((labels == 1) == ((y - 15) ** 2 + (x - 20) ** 2 <= 36)).all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (49, 39), (50, 40), (49.9, 0)])
def test_a_disc_at_the_border_is_cut_off_and_stays_inside(x, y):
    labels = draw(Marks(points=(Point(2, x=x, y=y),)))
    assert 30 < (labels == 2).sum() < 60


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (51, 5), (5, 41), (5, -0.1)])
def test_a_point_outside_its_image_is_refused_with_the_name_of_the_image(x, y):
    with pytest.raises(DataError, match=r"image 'cow7'.*outside the image, which is 50 wide"):
        draw(Marks(points=(Point(1, x, y),)), image="cow7")


@pytest.mark.parametrize("box", [Box(1, 50, 0, 60, 9), Box(1, 3, -9, 9, -1)])
def test_a_box_of_which_nothing_is_in_the_image_is_refused(box):
    with pytest.raises(DataError, match=r"image 'cow7'.*box of class 1 .* outside the image"):
        draw(Marks(boxes=(box,)), image="cow7")


def test_mask_wins_over_scribble_wins_over_point(tmp_path):
    scribble = np.full((20, 20), 254, np.uint8)
    scribble[:, 10] = 2
    mask = np.full((20, 20), 254, np.uint8)
    mask[0] = 0
    write_label_map(tmp_path / "s.png", scribble)
    write_label_map(tmp_path / "m.png", mask)
    marks = Marks(points=(Point(1, 10, 10),), scribbles=tmp_path / "s.png", mask=tmp_path / "m.png")
    labels = rasterize(marks, (20, 20), CLASSES, DrawingRules(2, 0))
    assert labels[10, 10] == 2
    assert labels[10, 8] == 1
    assert labels[0, 10] == 0
    assert labels[19, 0] == 254


def test_dilation_grows_into_unlabelled_pixels_only_and_the_nearer_label_wins():
    labels = np.full((1, 12), 254, np.uint8)
    labels[0, 2], labels[0, 7], labels[0, 3] = 1, 2, 255
    grown = dilate(labels, 3)[0].tolist()
    assert grown == [1, 1, 1, 255, 1, 2, 2, 2, 2, 2, 2, 254]


def test_dilating_nothing_gives_nothing():
    labels = np.full((5, 5), 254, np.uint8)
    assert (dilate(labels, 3) == 254).all()


def test_tags_come_from_every_mark_but_background_is_none():
    labels = np.array([[0, 1, 254]], np.uint8)
    assert tags_of(labels, Marks(boxes=(Box(2, 0, 0, 1, 1),)), CLASSES) == [False, True, True]
    no_background = ClassList(("sky", "road", "tree"))
    assert tags_of(labels, Marks(), no_background) == [True, True, False]


def test_a_label_map_survives_writing_and_reading(tmp_path):
    labels = np.array([[0, 1, 2], [254, 255, 0]], np.uint8)
    write_label_map(tmp_path / "a" / "x.png", labels)
    assert (read_label_map(tmp_path / "a" / "x.png", num_classes=3) == labels).all()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.png"]


def test_a_class_id_outside_the_list_is_named_with_its_place(tmp_path):
    write_label_map(tmp_path / "x.png", np.array([[0, 7]], np.uint8))
    with pytest.raises(DataError, match=r"x\.png: value 7 \(first at x=1, y=0\) is no class"):
        read_label_map(tmp_path / "x.png", num_classes=3)


def test_of_two_polygons_on_one_place_the_later_wins_and_the_overlap_is_counted():
    marks = Marks(polygons=(square(1, 0, 0, 10), square(2, 5, 0, 10)))
    drawing = draw_marks(marks, (20, 20), CLASSES)
    assert drawing.labels[3, 3] == 1
    assert drawing.labels[3, 7] == 2
    assert drawing.conflicts == {"masks": 50}


def test_a_hole_in_a_polygon_is_not_labelled():
    ring, hole = square(1, 0, 0, 10).rings[0], square(1, 3, 3, 4).rings[0]
    labels = draw(Marks(polygons=(Polygon(1, (ring, hole)),)))
    assert (labels == 1).sum() == 100 - 16
    assert labels[4, 4] == 254


def test_strokes_say_more_than_points_and_painted_areas_more_than_strokes():
    marks = Marks(
        points=(Point(1, 10, 10),),
        strokes=(Stroke(2, ((0, 10.5), (20, 10.5))),),
        regions=(Region.from_mask(0, np.ones((20, 5), bool)),),
    )
    labels = draw(marks, (20, 20), point_radius=3, scribble_dilation=0)
    assert (labels[10, 5:] == 2).all()
    assert labels[8, 10] == 1
    assert (labels[:, :5] == 0).all()


def test_what_no_box_holds_is_background_where_boxes_are_complete():
    labels = draw(Marks(boxes=(Box(1, 10, 5, 19, 14),)), boxes_complete=True)
    assert (labels == 254).sum() == 100
    assert (labels[5:15, 10:20] == 254).all()
    assert labels[4, 10] == 0
    assert (draw(Marks(boxes=(Box(1, 10, 5, 19, 14),))) == 254).all()


@given(
    st.lists(st.tuples(finite, finite), min_size=1, max_size=8),
    st.sampled_from([0, 1, 2.5, 1e9]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_no_mark_writes_outside_its_image_or_stumbles_on_far_coordinates(path, width, size):
    labels = rasterize(
        Marks(
            strokes=(Stroke(1, tuple(path), width),),
            polygons=(Polygon(2, (tuple(path),)),),
            regions=(Region.from_mask(1, np.ones((3, 4), bool), int(path[0][0]), int(path[0][1])),),
        ),
        size,
        CLASSES,
    )
    assert labels.shape == size
    assert set(np.unique(labels)) <= {1, 2, 254}


@given(st.lists(st.tuples(near, near), min_size=3, max_size=9))
def test_a_filled_polygon_is_that_of_an_outside_implementation(ring):
    size = (30, 34)
    ring = [(x + 0.137, y + 0.2113) for x, y in ring]  # no centre lies on an edge
    centres = np.mgrid[:30, :34][::-1].reshape(2, -1).T + 0.5
    inside = points_in_poly(centres, np.array(ring)).reshape(size)
    assert (filled(size, [ring]).canvas(size) == inside).all()


@given(
    areas=st.lists(
        st.lists(st.lists(st.tuples(near, near), min_size=1, max_size=9), min_size=1, max_size=3),
        max_size=6,
    ),
    pixels=st.sampled_from([1, 300, 4_000_000]),
    crossings=st.sampled_from([1, 20, 1_000_000]),
)
def test_areas_that_are_filled_at_once_are_those_filled_one_by_one(areas, pixels, crossings):
    size = (30, 34)
    alone = [filled(size, rings) for rings in areas]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_MAX_PIXELS", pixels)
        patch.setattr(drawing, "_MAX_CROSSINGS", crossings)
        together = list(filled_areas(size, areas))
    for one, other in zip(alone, together, strict=True):
        assert (one.rows, one.columns) == (other.rows, other.columns)
        assert (one.covered == other.covered).all()
    for edges, rings in zip(extents_of(areas), areas, strict=True):
        columns, rows = zip(*(place for ring in rings for place in ring), strict=True)
        assert edges.tolist() == [min(columns), min(rows), max(columns), max(rows)]


def test_a_tessellation_covers_every_pixel_once_however_thin_its_parts_are():
    rng = np.random.default_rng(3)
    size = (32, 40)
    corners = [(0.0, 0.0), (40.0, 0.0), (40.0, 32.0), (0.0, 32.0)]
    places = np.array([*corners, *(rng.random((200, 2)) * [40, 32])])
    covered = np.zeros(size, int)
    parts = [places[part] for part in Delaunay(places).simplices]
    for part in parts:
        covered += filled(size, [part.tolist()]).canvas(size)
    assert (covered == 1).all()
    assert any(not filled(size, [part.tolist()]).covered.any() for part in parts)


def test_areas_that_hold_no_pixel_are_counted():
    thin = Polygon(1, (((3.6, 2.0), (3.9, 2.0), (3.9, 9.0)),))
    marks = Marks(polygons=(thin, square(1, 1, 1, 4)))
    assert draw_marks(marks, (20, 30), CLASSES).empty == 1


def test_a_pixel_is_disputed_where_two_classes_are_whichever_comes_last():
    marks = Marks(polygons=(square(1, 1, 1, 4), square(2, 3, 3, 4), square(1, 3, 3, 4)))
    drawing_of = draw_marks(marks, (20, 30), CLASSES)
    assert drawing_of.conflicts == {"masks": 16}
    assert set(np.unique(drawing_of.labels)) == {1, 254}


@given(st.lists(st.tuples(near, near), min_size=3, max_size=9))
def test_filling_commutes_with_mirroring(ring):
    ring = [(x + 0.137, y + 0.211) for x, y in ring]
    mirrored = [(34 - x, y) for x, y in ring]
    ours, other = filled((30, 34), [ring]), filled((30, 34), [mirrored])
    assert (ours.canvas((30, 34))[:, ::-1] == other.canvas((30, 34))).all()


def test_a_polygon_of_a_million_corners_is_filled_at_once():
    angle = np.linspace(0, 2 * np.pi, 1_000_000)
    radius = 100 + 90 * np.sign(np.sin(5000 * angle))
    ring = np.stack([200 + radius * np.cos(angle), 200 + radius * np.sin(angle)], 1)
    assert filled((400, 400), [ring]).covered.any()


places = st.tuples(st.integers(0, 33), st.integers(0, 29)).map(lambda p: (p[0] + 0.5, p[1] + 0.5))


def mirrored(marks):
    def turn(path):
        return tuple((34 - x, y) for x, y in path)

    return Marks(
        boxes=tuple(Box(b.class_id, 33 - b.xmax, b.ymin, 33 - b.xmin, b.ymax) for b in marks.boxes),
        points=tuple(Point(p.class_id, 34 - p.x, p.y) for p in marks.points),
        polygons=tuple(Polygon(p.class_id, tuple(map(turn, p.rings))) for p in marks.polygons),
        regions=tuple(
            Region.from_mask(r.class_id, r.mask()[:, ::-1], 34 - r.x - r.width, r.y)
            for r in marks.regions
        ),
    )


@given(
    st.lists(places, max_size=5),
    st.lists(st.lists(places, min_size=3, max_size=5), max_size=3),
    st.lists(places, max_size=3),
)
def test_rasterising_commutes_with_mirroring(clicks, outlines, corners):
    marks = Marks(
        boxes=tuple(Box(1, int(x), int(y), int(x) + 5, int(y) + 3) for x, y in corners),
        points=tuple(Point(1 + number % 2, x, y) for number, (x, y) in enumerate(clicks)),
        # No centre of a pixel lies on an edge, where left and right differ.
        polygons=tuple(
            Polygon(1 + number % 2, (tuple((x + 0.137, y + 0.2113) for x, y in path),))
            for number, path in enumerate(outlines)
        ),
        regions=tuple(
            Region.from_mask(2, np.tri(4, 6, dtype=bool), int(x), int(y)) for x, y in corners
        ),
    )
    there = draw(marks, (30, 34), boxes_complete=True, point_radius=2.5)
    back = draw(mirrored(marks), (30, 34), boxes_complete=True, point_radius=2.5)
    assert (there[:, ::-1] == back).all()


def test_rasterising_a_rasterised_label_map_changes_nothing(tmp_path):
    marks = Marks(
        polygons=(square(1, 2, 3, 9), square(2, 6, 6, 8)),
        points=(Point(1, 19, 19),),
        strokes=(Stroke(2, ((0, 15), (12, 17))),),
    )
    labels = draw(marks, (20, 20))
    write_label_map(tmp_path / "m.png", labels)
    assert (draw(Marks(mask=tmp_path / "m.png"), (20, 20)) == labels).all()
    assert (draw(marks + marks, (20, 20)) == labels).all()
