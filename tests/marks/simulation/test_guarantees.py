"""What simulated marks promise, on any label map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label, regionprops

from weakseg.marks.drawing import line
from weakseg.marks.simulation.image import simulate_boxes, simulate_points, simulate_tags
from weakseg.marks.simulation.objects import background_parts, find_objects
from weakseg.marks.simulation.scribbles import simulate_scribbles

LENGTHS = (1.0, 0.8, 0.5, 0.3, 0.0)

# Coarse maps, enlarged: specks and lines of one pixel, blobs, rings and holes.
label_maps = st.builds(
    lambda coarse, y, x: np.kron(coarse, np.ones((y, x), np.uint8)),
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.sampled_from([0, 1, 1, 2, 254, 255]),
    ),
    st.integers(1, 9),
    st.integers(1, 9),
)
seeds = st.integers(0, 2**32)
placements = st.sampled_from(["centre", "random"])


def areas_of(labels):
    return [*find_objects(labels), *background_parts(labels)]


def canvas_of(area, shape):
    canvas = np.zeros(shape, bool)
    canvas[area.rows, area.columns] = area.covered
    return canvas


def drawn(stroke, shape):
    return line(shape, stroke.path, stroke.width).canvas(shape)


@given(label_maps, seeds, placements, st.integers(1, 5))
def test_every_object_has_its_points_on_pixels_of_its_own(labels, seed, placement, per_object):
    areas = areas_of(labels)
    points = simulate_points(
        np.random.default_rng(seed), areas, per_object=per_object, placement=placement
    )
    pixels = [(int(point.y), int(point.x)) for point in points]
    assert len(set(pixels)) == len(pixels)
    for area in areas:
        own = canvas_of(area, labels.shape)
        hits = [point for point, pixel in zip(points, pixels, strict=True) if own[pixel]]
        assert len(hits) == min(per_object, own.sum())
        assert {(point.class_id, point.instance) for point in hits} == {
            (area.class_id, area.instance)
        }


@settings(deadline=None)
@given(label_maps, seeds, st.sampled_from([1, 2, 3, 4, 5, 9]))
def test_every_object_has_a_stroke_inside_it_and_shorter_ones_are_parts_of_it(labels, seed, width):
    areas = areas_of(labels)
    before = [canvas_of(area, labels.shape) for area in areas]
    for length in LENGTHS:
        strokes = simulate_scribbles(np.random.default_rng(seed), areas, length=length, width=width)
        assert [(s.class_id, s.instance) for s in strokes] == [
            (area.class_id, area.instance) for area in areas
        ]
        after = [drawn(stroke, labels.shape) for stroke in strokes]
        assert all(canvas.any() for canvas in after)
        assert not any((new & ~old).any() for new, old in zip(after, before, strict=True))
        before = after


@settings(deadline=None)
@given(label_maps, seeds)
def test_the_same_seed_gives_the_same_marks(labels, seed):
    for simulate in (simulate_points, simulate_scribbles):
        first, second = (simulate(np.random.default_rng(seed), areas_of(labels)) for _ in range(2))
        assert first == second


@settings(deadline=None)
@given(label_maps, seeds, st.integers(0, 5), st.integers(0, 5))
def test_marks_move_with_the_objects(labels, seed, down, right):
    framed = np.pad(labels, ((down, 1), (right, 2)), constant_values=255)
    points, moved = (
        simulate_points(np.random.default_rng(seed), areas_of(each)) for each in (labels, framed)
    )
    assert [(p.x + right, p.y + down) for p in points] == [(p.x, p.y) for p in moved]
    strokes, moved = (
        simulate_scribbles(np.random.default_rng(seed), areas_of(each)) for each in (labels, framed)
    )
    assert [tuple((x + right, y + down) for x, y in s.path) for s in strokes] == [
        s.path for s in moved
    ]


@given(label_maps)
def test_boxes_are_those_of_an_outside_implementation(labels):
    counted = np.where((labels > 0) & (labels < 254), labels, 0)
    boxes = simulate_boxes(find_objects(labels))
    expected = [
        (left, top, right - 1, lower - 1)
        for top, left, lower, right in (
            region.bbox for region in regionprops(label(counted, connectivity=2))
        )
    ]
    assert [(box.xmin, box.ymin, box.xmax, box.ymax) for box in boxes] == expected


@given(label_maps)
def test_tags_and_boxes_commute_with_mirroring(labels):
    width = labels.shape[1]
    mirrored = np.ascontiguousarray(labels[:, ::-1])
    assert simulate_tags(labels) == simulate_tags(mirrored)
    boxes, others = (simulate_boxes(find_objects(each)) for each in (labels, mirrored))
    assert {
        (b.class_id, width - 1 - b.xmax, b.ymin, width - 1 - b.xmin, b.ymax) for b in boxes
    } == {(b.class_id, b.xmin, b.ymin, b.xmax, b.ymax) for b in others}


@given(label_maps)
def test_tags_are_the_classes_of_all_pixels_however_few(labels):
    assert simulate_tags(labels) == set(labels.flat) & {1, 2}
    assert simulate_tags(labels, has_background=False) == set(labels.flat) & {0, 1, 2}


def test_no_objects_give_no_marks():
    rng = np.random.default_rng(0)
    assert simulate_boxes([]) == simulate_points(rng, []) == simulate_scribbles(rng, []) == []


@pytest.mark.parametrize("simulate", [simulate_points, simulate_scribbles])
def test_another_seed_gives_other_marks(simulate):
    areas = find_objects(np.ones((40, 50), np.uint8))
    first, second = (simulate(np.random.default_rng(seed), areas) for seed in (0, 1))
    assert first != second
