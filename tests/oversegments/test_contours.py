import numpy as np
import pytest

from weakseg.oversegments.contours import overlay_contours


def test_contours_are_drawn_and_all_else_stays():
    image = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)
    before = image.copy()
    regions = np.zeros((20, 30), int)
    regions[:, 15:] = 1
    drawn = overlay_contours(image, regions)
    changed = (drawn != image).any(axis=(0, 2))
    assert np.flatnonzero(changed).tolist() == [14, 15]
    assert np.array_equal(image, before)


def test_lines_grow_with_the_image():
    regions = np.zeros((40, 4001), int)
    regions[:, 2000:] = 1
    drawn = overlay_contours(np.zeros((40, 4001, 3), np.uint8), regions)
    columns = np.flatnonzero(drawn.any(axis=(0, 2)))
    assert columns.size == 8
    assert columns[0] <= 1999 < 2000 <= columns[-1]


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"Expected `regions` to be \(4, 5\)"):
        overlay_contours(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), int))
