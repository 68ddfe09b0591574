import pytest

from weakseg.report.run.pick import example_images


@pytest.mark.parametrize(
    ("count", "each", "best", "median", "worst"),
    [
        (0, 1, "", "", ""),
        (1, 1, "a", "", ""),
        (2, 1, "a", "", "b"),
        (3, 1, "a", "b", "c"),
        (7, 1, "a", "d", "g"),
        (7, 2, "ab", "cd", "fg"),
        (8, 2, "ab", "de", "gh"),
        (4, 2, "a", "b", "d"),
        (5, 0, "", "", ""),
    ],
)
def test_example_images_are_the_best_the_middle_and_the_worst(count, each, best, median, worst):
    names = "abcdefghi"[:count]
    iou = {name: 1 - place / 10 for place, name in enumerate(names)}
    shuffled = {name: iou[name] for name in sorted(names, key=lambda name: hash(name) % 7)}
    found = {kind: "".join(chosen) for kind, chosen in example_images(shuffled, each).items()}
    assert found == {"best": best, "median": median, "worst": worst}
