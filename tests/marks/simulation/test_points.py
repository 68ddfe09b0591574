import numpy as np

from weakseg.marks.simulation.image import simulate_points
from weakseg.marks.simulation.objects import find_objects


def clicks(labels, seeds=400, **options):
    areas = find_objects(labels)
    return [
        (int(point.y), int(point.x))
        for seed in range(seeds)
        for point in simulate_points(np.random.default_rng(seed), areas, **options)
    ]


def test_points_placed_at_random_fall_on_every_pixel_alike():
    counts = np.zeros((4, 5), int)
    for pixel in clicks(np.ones((4, 5), np.uint8), placement="random", seeds=2000):
        counts[pixel] += 1
    assert abs(counts - 100).max() < 50  # five deviations


def test_points_placed_as_people_click_are_deep_inside_yet_spread():
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 10:50] = 1
    depth = find_objects(labels)[0].depth
    centre = [depth[y - 10, x - 10] for y, x in clicks(labels)]
    anywhere = [depth[y - 10, x - 10] for y, x in clicks(labels, placement="random")]
    assert np.mean(centre) > 1.5 * np.mean(anywhere)
    assert len(set(clicks(labels))) > 200


def test_more_points_keep_those_that_fewer_give():
    areas = find_objects(np.array([[1] * 20 + [0] + [2] * 20], np.uint8))
    few, many = (
        simulate_points(np.random.default_rng(3), areas, per_object=count) for count in (2, 5)
    )
    assert set(few) < set(many)


def test_points_lie_in_the_middle_of_their_pixels():
    (point,) = simulate_points(
        np.random.default_rng(0), find_objects(np.array([[0, 0], [0, 3]], np.uint8))
    )
    assert (point.class_id, point.x, point.y, point.instance) == (3, 1.5, 1.5, 1)
