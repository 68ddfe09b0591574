from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from weakseg.datasets.splits import stratified_split

tags = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.sets(st.integers(0, 4)))


@given(tags, st.floats(0.1, 0.9), st.integers(0, 3))
def test_every_image_is_on_one_side_and_the_sides_have_their_size(images, share, seed):
    first, second = stratified_split(images, share, seed)
    assert sorted(first + second) == sorted(images)
    assert first == [name for name in images if name in set(first)]


def test_a_rare_class_is_on_both_sides():
    images = {str(i): {1} for i in range(96)} | {f"rare{i}": {1, 2} for i in range(5)}
    first, second = stratified_split(images, 0.8, seed=3)
    assert sum(name.startswith("rare") for name in first) == 4
    assert sum(name.startswith("rare") for name in second) == 1
    assert abs(len(first) - 0.8 * 101) < 1.5


def test_each_class_is_divided_by_the_share():
    images = {str(i): {1 + i % 3, 4 + i % 7} for i in range(210)}
    first, _ = stratified_split(images, 0.7, seed=0)
    counts = Counter(tag for name in first for tag in images[name])
    assert all(abs(counts[tag] - 0.7 * 70) <= 2 for tag in (1, 2, 3))
    assert all(abs(counts[tag] - 0.7 * 30) <= 2 for tag in range(4, 11))


def test_the_seed_decides_and_the_order_of_images_does_not():
    images = {str(i): {i % 3} for i in range(30)}
    backwards = dict(reversed(images.items()))
    assert sorted(stratified_split(images, 0.5, 1)[0]) == sorted(
        stratified_split(backwards, 0.5, 1)[0]
    )
    assert stratified_split(images, 0.5, 1) != stratified_split(images, 0.5, 2)
