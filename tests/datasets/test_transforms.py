import torch

from weakseg.datasets.transforms import Sample, TrainTransform, shrink_labels, shrink_regions
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
