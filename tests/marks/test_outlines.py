import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from weakseg.marks.drawing import filled
from weakseg.marks.outlines import ellipse, outlines

areas = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))
RING = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]], bool)


def painted(polygons, size):
    """Count, for each pixel, the polygons that hold it."""
    return sum((filled(size, rings).canvas(size).astype(int) for rings in polygons), np.zeros(size))


@settings(deadline=None)
@given(areas, st.booleans())
def test_filled_outlines_are_the_same_area_again_each_pixel_once(area, bridged):
    assert (painted(outlines(area, bridged=bridged), area.shape) == area).all()


@settings(deadline=None)
@given(areas, st.booleans())
def test_there_is_one_outline_for_each_part_that_hangs_together_by_edges(area, bridged):
    assert len(outlines(area, bridged=bridged)) == ndimage.label(area)[1]


@settings(deadline=None)
@given(areas)
def test_bridged_outlines_have_one_ring(area):
    assert all(len(rings) == 1 for rings in outlines(area, bridged=True))


@settings(deadline=None)
@given(areas)
def test_no_three_corners_in_a_row_lie_on_a_line(area):
    for rings in outlines(area):
        for ring in rings:
            x, y = np.array(ring).T
            step_x, step_y = np.roll(x, -1) - x, np.roll(y, -1) - y
            assert (step_x * np.roll(step_y, 1) != step_y * np.roll(step_x, 1)).all()


def test_the_ring_of_a_hole_comes_after_the_outer_ring():
    ((outer, hole),) = outlines(RING)
    assert set(outer) == {(0, 0), (4, 0), (4, 3), (0, 3)}
    assert set(hole) == {(1, 1), (3, 1), (3, 2), (1, 2)}


def test_a_bridge_reaches_from_the_holes_leftmost_corner_straight_to_the_left():
    (((*ring,),),) = outlines(RING, bridged=True)
    assert ring.count((1.0, 1.0)) == 1
    assert (0.0, 1.0) in ring


def test_an_empty_area_has_no_outline():
    assert outlines(np.zeros((3, 4), bool)) == outlines(np.zeros((0, 4), bool)) == []


@pytest.mark.parametrize("bridged", [False, True])
def test_a_tolerance_gives_fewer_corners_and_misses_few_pixels(bridged):
    y, x = np.ogrid[:80, :100]
    distance = np.hypot(y - 40, x - 50)
    area = (distance < 35) & (distance > 12)
    exact, simple = (outlines(area, tolerance=t, bridged=bridged) for t in (0, 1.5))
    corners = [sum(len(ring) for rings in found for ring in rings) for found in (exact, simple)]
    assert corners[1] < corners[0] / 4
    missed = painted(simple, area.shape) != area
    assert 0 < missed.sum() < 0.06 * area.sum()
    # What is missed lies within the tolerance of the area's border.
    inner, outer = ndimage.distance_transform_edt(area), ndimage.distance_transform_edt(~area)
    assert np.maximum(inner, outer)[missed].max() <= 1.5 + 1


def test_a_tolerance_that_would_leave_no_area_is_not_used():
    assert outlines(np.ones((1, 1), bool), tolerance=9) == outlines(np.ones((1, 1), bool))


@pytest.mark.parametrize("degrees", [0, 30, 90, -45])
def test_a_filled_ellipse_is_the_area_of_its_equation(degrees):
    size = (60, 80)
    area = filled(size, [ellipse(41.5, 30.25, 25, 11, degrees)]).canvas(size)
    y, x = np.mgrid[:60, :80] + 0.5
    turn = math.radians(degrees)
    along = (x - 41.5) * math.cos(turn) + (y - 30.25) * math.sin(turn)
    aside = (y - 30.25) * math.cos(turn) - (x - 41.5) * math.sin(turn)
    expected = (along / 25) ** 2 + (aside / 11) ** 2
    assert (area == (expected < 1))[abs(expected - 1) > 0.02].all()


def test_an_ellipse_of_any_size_has_a_bounded_number_of_corners():
    assert len(ellipse(0, 0, 1e12, 3)) == 1000
    assert len(ellipse(0, 0, 1e-12, 1e-12)) == 10
