import torch

from weakseg.datasets.transforms import (
    Sample,
    TrainTransform,
    ViewTransform,
    shrink_labels,
    shrink_regions,
)
from weakseg.marks.classes import ClassList
from weakseg.recipes.recipe import TransformConfig

CLASSES = ClassList(("background", "left hand", "right hand"))


def sample(height: int = 40, width: int = 60) -> Sample:
    """Make an image whose pixels carry their own label in the red channel."""
    annotation = torch.zeros(height, width, dtype=torch.uint8)
    annotation[:, : width // 2] = 1
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[0] = annotation * 100
    return Sample(image, annotation, annotation.int() + 300)


def test_image_and_label_maps_move_together():
    transform = TrainTransform(TransformConfig(crop=32, scale=(1.0, 1.0)), CLASSES)
    for seed in range(10):
        torch.manual_seed(seed)
        out = transform(sample())
        assert out.image.shape == (3, 32, 32)
        assert (out.image[0] == out.annotation * 100).all()
        assert (out.oversegment == out.annotation.int() + 300).all()


def test_what_is_padded_is_void():
    transform = TrainTransform(TransformConfig(crop=64, scale=(0.5, 0.5)), CLASSES)
    out = transform(sample())
    assert (out.annotation == 255).sum() == 64 * 64 - 20 * 30


def test_mirroring_swaps_left_and_right_classes():
    config = TransformConfig(crop=40, scale=(1.0, 1.0), mirror_swap=[["left hand", "right hand"]])
    seen = set()
    for seed in range(12):
        torch.manual_seed(seed)
        out = TrainTransform(config, CLASSES)(sample(40, 40))
        mirrored = bool(out.image[0, 0, 0] == 0)
        expected = (out.image[0] > 50) * (2 if mirrored else 1)
        assert (out.annotation == expected).all()
        seen.add(mirrored)
    assert seen == {True, False}


def windows(height: int, width: int, draws: int = 60, **config) -> list[Sample]:
    transform = ViewTransform(TransformConfig(crop=32, **config), CLASSES, 16)
    out = []
    for seed in range(draws):
        torch.manual_seed(seed)
        out.append(transform(sample(height, width)))
    return out


def test_windows_are_aligned_parts_of_whole_views():
    corners, sizes = set(), set()
    for out in windows(70, 90, views=[1.0, 0.5, 1.5]):
        top, left = out.corner
        part = out.view[:, top : top + 32, left : left + 32]
        rows, columns = part.shape[1:]
        assert torch.equal(out.image[:, :rows, :columns], part)
        assert top % 16 == left % 16 == 0
        corners.add(out.corner)
        sizes.add(tuple(out.view.shape[1:]))
    assert sizes == {(70, 90), (35, 45), (105, 135)}
    assert len(corners) > 10


def test_label_maps_move_with_the_window_and_what_is_padded_is_void():
    swap = [["left hand", "right hand"]]
    seen = set()
    for out in windows(70, 90, views=[1.0, 0.25], mirror_swap=swap):
        top, left = out.corner
        rows, columns = out.view[0, top : top + 32, left : left + 32].shape
        inside = torch.zeros(32, 32, dtype=torch.bool)
        inside[:rows, :columns] = True
        assert (out.annotation[~inside] == 255).all()
        mirrored = bool(out.view[0, 0, 0] == 0)  # the left half is labelled
        assert (out.oversegment[inside] - 300 == (out.annotation[inside] > 0)).all()
        if out.view.shape[1] == 70:  # of the scaled view, the border in the middle is smooth
            expected = (out.image[0] > 50) * (2 if mirrored else 1)
            assert (out.annotation == expected)[inside].all()
        seen.add((mirrored, bool(inside.all())))
    assert seen == {(mirrored, whole) for mirrored in (False, True) for whole in (False, True)}


def test_every_pixel_can_be_in_a_window():
    reached = torch.zeros(70, 90, dtype=torch.bool)
    for out in windows(70, 90, mirror=False):
        top, left = out.corner
        reached[top : top + 32, left : left + 32] = True
    assert reached.all()


def test_thin_marks_survive_shrinking():
    labels = torch.full((1, 16, 16), 254)
    labels[0, 3, 3] = 2
    labels[0, 8:, 8:] = 255
    small = shrink_labels(labels, 8, 3)
    assert small.tolist() == [[[2, 254], [254, 255]]]


def test_a_shrunken_cell_takes_its_most_frequent_class():
    labels = torch.tensor([[[1, 1, 0, 254], [2, 254, 254, 255]]])
    assert shrink_labels(labels, 2, 3).tolist() == [[[1, 0]]]


def test_sizes_that_are_no_multiple_are_rounded_up():
    assert shrink_labels(torch.zeros(2, 17, 9), 8, 3).shape == (2, 3, 2)
    assert shrink_regions(torch.zeros(2, 17, 9), 8).shape == (2, 3, 2)
